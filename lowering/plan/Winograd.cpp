// See Winograd.h. The estimate counts cycles of a core with one vector operation of each kind a
// cycle, like that of register tiles (Tiles.cpp), and adds what it takes to read the weights, which
// are (m+2)^2/9 times as large as those of a direct convolution.
#include "lowering/plan/Winograd.h"

#include "ir/kernel/Contraction.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/Packing.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kMinChannels = 16, kMinTiles = 16;
// The count of operations ignores latency and what blocks do to caches. With this factor, the
// estimates for resnet18, vgg16, resnet50 and densenet121 are within 5 % of what was measured
// (decision 021).
constexpr double kMeasured = 1.4;
// On images of 7 x 7, where the estimate is less, two threads were no faster than with the direct
// algorithm.
constexpr double kMinGain = 1.15;
constexpr int64_t kMinUnits = 8; // of work on an image, for threads to share
constexpr int64_t kElement = 4;  // bytes
constexpr int64_t kLine = 16;    // elements of a cache line
// So many times the L2 cache's size of transformed tiles share weights that are far. On Zen 5, 49
// tiles of 512 channels at once took 0.63 of the time of 14.
constexpr int64_t kBlockL2s = 8;
// Where all tiles are one block, threads share panels, and each transforms all tiles, which takes
// so many cycles a byte. Where they are two, each reads all weights. On Zen 5, two threads
// were 1.24 times as fast with two blocks of 196 tiles of 256 channels as with one, and one thread
// as fast.
constexpr double kTransformCycles = 0.25;

// Bytes a cycle that a core reads of weights: again, from its L2 cache, or from further away.
constexpr double kReuseBytes = 32, kFarBytes = 8;

/// A stride of whole cache lines, an odd number of them: otherwise the points of a tile, written
/// one after another, fall into few sets of the L1 cache.
int64_t spread(int64_t elements) { return (ceilDiv(elements, kLine) | 1) * kLine; }

/// The direct algorithm's, which multiplies pairs of bf16 where the compilation asks for them.
double directCycles(const Target &target, const ConvSizes &sizes) {
  int64_t pairs = sizes.channels / 2, steps = stepsOfTileRegister(pairs);
  if (sizes.inPairs && sizes.channels % 2 == 0)
    if (auto row = tileOfRegisters(target, Dim(sizes.width), Dim(sizes.outputs), steps))
      return row->cost * 9.0 * static_cast<double>(pairs / steps * sizes.height);
  TilePlan row = planTile(target, DType::F32, Dim(sizes.width), Dim(sizes.outputs));
  double weights = 9.0 * static_cast<double>(sizes.channels * sizes.outputs * kElement);
  double cycles = row.cost * 9.0 * static_cast<double>(sizes.channels * sizes.height);
  double together = sizes.inPairs ? 2 : 1;
  return productCycles(target, cycles / together, weights / together, 1);
}

/// The extents and strides that follow from the sizes and the plan.
WinogradPlan layOut(const ConvSizes &sizes, int64_t tile, const ContractionPlan &cut) {
  WinogradPlan plan{};
  plan.sizes = sizes;
  plan.tile = tile;
  plan.points = (tile + 2) * (tile + 2);
  plan.across = ceilDiv(sizes.width, tile);
  plan.down = ceilDiv(sizes.height, tile);
  plan.registers = evenTiles(Dim(plan.across * plan.down), cut.tileRows);
  plan.panels = cut.tilePanels;
  plan.block = cut.block;
  plan.inputRow = ceilDiv(sizes.channels, kLine) * kLine;
  if (plan.inputRow * kElement % 2048 == 0)
    plan.inputRow += kLine;
  plan.inputPoint = spread(plan.block * cut.tileRows * plan.inputRow);
  plan.sumRow = plan.panels * kPanel;
  plan.sumPoint = spread(plan.block * cut.tileRows * plan.sumRow);
  return plan;
}

/// Bytes of packed weights of so many elements for each pair of channels.
int64_t packedBytes(const ConvSizes &sizes, int64_t elements) {
  return ceilDiv(sizes.outputs, kPanel) * kPanel * sizes.channels * elements * kElement;
}

/// Where two threads share so many panels in groups, how many times its half the first one has.
double unevenness(int64_t panels, int64_t group) {
  int64_t first = std::min(panels, ceilDiv(ceilDiv(panels, group), 2) * group);
  return 2 * static_cast<double>(first) / static_cast<double>(panels);
}

/// The register tile that is fastest for one thread and for two that share groups of panels, taken
/// together.
TilePlan tileForSharedPanels(const Target &target, const Dim &tiles, int64_t outputs) {
  TilePlan best;
  double least = 0;
  for (int64_t panels = 1; panels <= kMaxTilePanels; panels++) {
    std::optional<TilePlan> tile =
        tileOfPanels(target, DType::F32, tiles, Dim(outputs), panels, kMinUnits);
    if (!tile)
      break;
    double cost = tile->cost * (1 + unevenness(ceilDiv(outputs, kPanel), panels));
    if (least == 0 || cost < least)
      best = *tile, least = cost;
  }
  return best;
}

/// What makes a block. Blocks are as small as can be, for the caches and for threads. Only where
/// the weights come from memory, reading them once for many tiles is worth more, even if those
/// leave the L2 cache.
WinogradPlan inBlocks(const Target &target, const ConvSizes &sizes, int64_t tile,
                      const TilePlan &registers) {
  ContractionPlan cut;
  cut.tileRows = registers.rows, cut.tilePanels = registers.panels, cut.block = 1;
  WinogradPlan plan = layOut(sizes, tile, cut);
  auto weights = static_cast<double>(plan.weightBytes());
  int64_t budget = areFarWeights(target, weights) ? kBlockL2s * target.l2Bytes : 0;
  int64_t tileBytes = plan.points * plan.inputRow * cut.tileRows * kElement;
  int64_t most = std::clamp<int64_t>(budget / tileBytes, 1, plan.registers.count);
  int64_t blocks = ceilDiv(plan.registers.count, most);
  double transform = static_cast<double>(plan.registers.count * tileBytes) * kTransformCycles;
  if (blocks == 1 && weights / target.firstReadBytes < transform)
    blocks = std::min<int64_t>(2, plan.registers.count);
  cut.block = ceilDiv(plan.registers.count, blocks);
  return layOut(sizes, tile, cut);
}

AlgorithmCost winogradCost(const Target &target, const ConvSizes &sizes, ConvAlgorithm algorithm) {
  int64_t tile = winogradTile(algorithm);
  int64_t tiles = ceilDiv(sizes.width, tile) * ceilDiv(sizes.height, tile);
  TilePlan registers = planTile(target, DType::F32, Dim(tiles), Dim(sizes.outputs), kMinUnits);
  WinogradPlan plan = inBlocks(target, sizes, tile, registers);
  if (plan.block == plan.registers.count) {
    registers = tileForSharedPanels(target, Dim(tiles), sizes.outputs);
    plan = inBlocks(target, sizes, tile, registers);
  }
  ContractionPlan cut;
  cut.tileRows = registers.rows, cut.tilePanels = registers.panels, cut.block = plan.block;
  int64_t blocks = ceilDiv(plan.registers.count, plan.block);
  auto weights = static_cast<double>(plan.weightBytes());

  int64_t lanes = vectorLanes(target, kElement);
  double points = static_cast<double>(plan.points) * static_cast<double>(tiles);
  double products = registers.cost * static_cast<double>(sizes.channels * plan.points);
  double inputs = points * static_cast<double>(ceilDiv(sizes.channels, lanes)) * 6;
  // Sums are stored, read, and the results stored.
  double outputs = points * static_cast<double>(ceilDiv(sizes.outputs, lanes)) * 8;
  double cycles = productCycles(target, products, weights, blocks);
  return {algorithm, cut, kMeasured * (cycles + inputs + outputs), packedBytes(sizes, plan.points)};
}

bool all(const std::vector<int64_t> &values, int64_t wanted) {
  return values.size() == 2 &&
         std::all_of(values.begin(), values.end(), [&](int64_t x) { return x == wanted; });
}

bool isF32(const Value &value) { return value.type.dtype() == DType::F32; }

} // namespace

ConvSizes convSizes(const Op &conv) {
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  return {x.dim(1).value(), y.dim(1).value(), y.dim(2).value(), y.dim(3).value()};
}

std::optional<ConvSizes> winogradSizes(const PassContext &context, const Op &conv) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  bool window =
      all(attrs.kernel, 3) && all(attrs.strides, 1) && all(attrs.dilations, 1) && attrs.group == 1;
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  bool isPlain = attrs.inputs.weights == WeightForm::Plain;
  if (!window || !isF32(*conv.operand(0)) || !isF32(*conv.operand(1)) ||
      conv.region().arg(0)->type.dtype() != DType::F32 || !hasEarlyWeights(conv))
    return std::nullopt;
  std::optional<std::vector<int64_t>> dims = constantDims({x.dim(1), y.dim(1), y.dim(2), y.dim(3)});
  if (!dims || *std::min_element(dims->begin(), dims->end()) < 1)
    return std::nullopt;
  ConvSizes sizes = convSizes(conv);
  sizes.inPairs = isPlain && packingFor(context, conv).rounded.has_value();
  return sizes;
}

WinogradPlan winogradPlanOf(const Op &conv) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  return layOut(convSizes(conv), winogradTile(attrs.algorithm), attrs.plan);
}

double productCycles(const Target &target, double cycles, double weightBytes, int64_t times) {
  double each = areFarWeights(target, weightBytes) ? kFarBytes : kReuseBytes,
         again = static_cast<double>(times) / each;
  return std::max({cycles, weightBytes / target.firstReadBytes, weightBytes * again});
}

AlgorithmCost algorithmCost(const Target &target, const ConvSizes &sizes, ConvAlgorithm algorithm) {
  if (winogradTile(algorithm))
    return winogradCost(target, sizes, algorithm);
  return {
      algorithm, {}, directCycles(target, sizes), packedBytes(sizes, 9) / (sizes.inPairs ? 2 : 1)};
}

std::vector<AlgorithmCost> worthwhileAlgorithms(const Target &target, const ConvSizes &sizes) {
  std::vector<AlgorithmCost> worthwhile = {algorithmCost(target, sizes, ConvAlgorithm::Direct)};
  if (sizes.channels < kMinChannels || sizes.outputs < kMinChannels)
    return worthwhile;
  double best = worthwhile.front().cycles / kMinGain;
  for (ConvAlgorithm algorithm : {ConvAlgorithm::Winograd2, ConvAlgorithm::Winograd4}) {
    int64_t tile = winogradTile(algorithm);
    if (ceilDiv(sizes.width, tile) * ceilDiv(sizes.height, tile) < kMinTiles)
      continue;
    AlgorithmCost next = winogradCost(target, sizes, algorithm);
    if (next.cycles < best) {
      best = next.cycles;
      worthwhile.push_back(next);
    }
  }
  return worthwhile;
}

} // namespace cameo
