// See Winograd.h. The estimate counts cycles of a core with one vector operation of each kind a
// cycle, like that of register tiles (Tiles.cpp), and adds what it takes to read the weights, which
// are (m+2)^2/9 times as large as those of a direct convolution.
#include "lowering/plan/Winograd.h"

#include "ir/kernel/Contraction.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kMinChannels = 16, kMinTiles = 16;
// The estimate ignores latency. Where it predicted 3.3 times, 2.7 were measured; where it predicted
// 1.5 times, on images of 7 x 7, two threads were no faster than with the direct algorithm.
constexpr double kMinGain = 1.6;
constexpr int64_t kMinUnits = 8; // of work on an image, for threads to share
constexpr int64_t kElement = 4;  // bytes
constexpr int64_t kLine = 16;    // elements of a cache line
// Weights of so many times the L2 cache's size are not read from near caches.
constexpr int64_t kMemoryL2s = 3;

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A stride of whole cache lines, an odd number of them: otherwise the points of a tile, written
/// one after another, fall into few sets of the L1 cache.
int64_t spread(int64_t elements) { return (ceilDiv(elements, kLine) | 1) * kLine; }

/// Cycles for products with weights that are read `times` times, from memory where they are much
/// larger than the L2 cache: whichever takes longer.
double productCycles(const Target &target, double cycles, double weightBytes, int64_t times) {
  double bytesPerCycle = weightBytes > kMemoryL2s * static_cast<double>(target.l2Bytes) ? 8 : 32;
  return std::max(cycles, weightBytes * static_cast<double>(times) / bytesPerCycle);
}

double directCycles(const Target &target, const ConvSizes &sizes) {
  TilePlan row = planTile(target, DType::F32, Dim(sizes.width), Dim(sizes.outputs));
  double weights = 9.0 * static_cast<double>(sizes.channels * sizes.outputs * kElement);
  double cycles = row.cost * 9.0 * static_cast<double>(sizes.channels * sizes.height);
  return productCycles(target, cycles, weights, 1);
}

double winogradCycles(const Target &target, const ConvSizes &sizes, int64_t tile) {
  WinogradPlan plan = planWinograd(target, sizes, tile);
  int64_t lanes = std::max<int64_t>(1, target.lanes(kElement));
  double tiles = static_cast<double>(plan.across * plan.down);
  double points = static_cast<double>(plan.points);
  double products = plan.registers.cost * static_cast<double>(sizes.channels) * points;
  double inputs = tiles * static_cast<double>(ceilDiv(sizes.channels, lanes)) * points * 6;
  // Sums are stored, read, and the results stored.
  double outputs = tiles * static_cast<double>(ceilDiv(sizes.outputs, lanes)) * points * 8;
  double weights = points * static_cast<double>(sizes.channels * sizes.outputs * kElement);
  return productCycles(target, products, weights, plan.blocks) + inputs + outputs;
}

} // namespace

ConvSizes convSizes(const Op &conv) {
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  return {x.dim(1).value(), y.dim(1).value(), y.dim(2).value(), y.dim(3).value()};
}

WinogradPlan planWinograd(const Target &target, const ConvSizes &sizes, int64_t tile) {
  WinogradPlan plan;
  plan.tile = tile;
  plan.points = (tile + 2) * (tile + 2);
  plan.across = ceilDiv(sizes.width, tile);
  plan.down = ceilDiv(sizes.height, tile);
  plan.registers =
      planTile(target, DType::F32, Dim(plan.across * plan.down), Dim(sizes.outputs), kMinUnits);
  int64_t rows = plan.registers.rows + (plan.registers.extra > 0);
  plan.inputRow = ceilDiv(sizes.channels, kLine) * kLine;
  if (plan.inputRow * kElement % 2048 == 0)
    plan.inputRow += kLine;
  // Blocks are as small as can be, for the caches and for threads. Only where the weights come from
  // memory, reading them once for many tiles is worth more, even if those leave the L2 cache
  // (measured on Zen 4).
  int64_t weights = plan.points * sizes.channels * sizes.outputs * kElement;
  int64_t budget = weights > kMemoryL2s * target.l2Bytes ? 2 * target.l2Bytes : 0;
  int64_t tileBytes = plan.points * plan.inputRow * rows * kElement;
  plan.perBlock = std::clamp<int64_t>(budget / tileBytes, 1, plan.registers.tiles);
  plan.blocks = ceilDiv(plan.registers.tiles, plan.perBlock);
  plan.perBlock = ceilDiv(plan.registers.tiles, plan.blocks);
  plan.blocks = ceilDiv(plan.registers.tiles, plan.perBlock);
  plan.inputPoint = spread(plan.perBlock * rows * plan.inputRow);
  plan.sumRow = plan.registers.panels * kPanel;
  plan.sumPoint = spread(plan.perBlock * rows * plan.sumRow);
  return plan;
}

ConvAlgorithm chooseWinograd(const Target &target, const ConvSizes &sizes) {
  ConvAlgorithm chosen = ConvAlgorithm::Direct;
  if (sizes.channels < kMinChannels || sizes.outputs < kMinChannels || sizes.height < 1 ||
      sizes.width < 1)
    return chosen;
  double best = directCycles(target, sizes) / kMinGain;
  for (ConvAlgorithm algorithm : {ConvAlgorithm::Winograd4, ConvAlgorithm::Winograd2}) {
    int64_t tile = winogradTile(algorithm);
    if (ceilDiv(sizes.width, tile) * ceilDiv(sizes.height, tile) < kMinTiles)
      continue;
    double cycles = winogradCycles(target, sizes, tile);
    if (cycles < best) {
      best = cycles;
      chosen = algorithm;
    }
  }
  return chosen;
}

} // namespace cameo
