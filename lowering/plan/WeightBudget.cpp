// See WeightBudget.h. Under a limit, layers go to faster algorithms in the order of cycles saved
// for each byte added, as long as these fit.
#include "lowering/plan/WeightBudget.h"

#include "ir/AttrText.h"
#include "ir/Half.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/TunedPlans.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <optional>
#include <set>

namespace cameo {
namespace {

constexpr double kMostGrowth = 0.5; // of the model's bytes
constexpr double kWorthAnySize = 1.25;
constexpr double kWorthPieces = 1.05; // a gain below which weights need not be larger

/// A layer may go from one of its algorithms to another.
struct Step {
  size_t layer, from, to;
  double savedPerByte;
};

/// The steps of a layer, from each algorithm to where a byte saves most.
void addSteps(const LayerCosts &layer, size_t index, std::vector<Step> &steps) {
  for (size_t from = 0; from + 1 < layer.costs.size();) {
    Step best{index, from, from + 1, -1};
    for (size_t to = from + 1; to < layer.costs.size(); to++) {
      const AlgorithmCost &now = layer.costs[from], &then = layer.costs[to];
      double saved = layer.isTuned ? std::numeric_limits<double>::infinity()
                                   : (now.cycles - then.cycles) /
                                         static_cast<double>(then.weightBytes - now.weightBytes);
      if (saved > best.savedPerByte)
        best.to = to, best.savedPerByte = saved;
    }
    steps.push_back(best);
    from = best.to;
  }
}

double numberOf(const Dim &dim) {
  auto one = [](const std::string &) { return std::optional<int64_t>(1); };
  return static_cast<double>(dim.evaluate(one).value_or(1));
}

/// An estimate of a kernel of products: as many multiply-adds a cycle as a vector has lanes.
double cyclesOf(const Target &target, const Op &op) {
  const KernelSpec *kernel = kernelSpec(op.kind());
  double flops = kernel ? numberOf(kernel->flops(op)) : 0;
  if (flops == 0)
    return 0;
  int64_t bytes = std::max<int64_t>(1, dtypeBytes(op.operand(0)->type.dtype()));
  double cycles = flops / 2 / static_cast<double>(vectorLanes(target, std::min<int64_t>(bytes, 4)));
  bool hasWeights = op.kind() == OpKind::KernelConv || op.kind() == OpKind::KernelGemm;
  double weights = 0;
  if (hasWeights && op.operand(1)->type.isRanked())
    weights = numberOf(product(op.operand(1)->type.shape())) *
              static_cast<double>(dtypeBytes(op.operand(1)->type.dtype()));
  return productCycles(target, cycles, weights, 1);
}

/// The direct algorithm's, of an op with packed or plain constant weights.
AlgorithmCost directCost(const Target &target, const Op &op) {
  const Type &weights = op.operand(1)->type;
  int64_t pieces = op.attrs.getInt("pieces", 1);
  AlgorithmCost cost{.cycles = cyclesOf(target, op)};
  if (hasPlainWeights(op)) {
    PackAttrs packing;
    packing.form = op.kind() == OpKind::KernelConv ? PackForm::Conv : PackForm::Gemm;
    packing.group = op.attrs.getInt("group", 1);
    cost.weightBytes =
        product(packedShape(packing, weights.shape())).value() * dtypeBytes(DType::F32);
  } else {
    cost.weightBytes = product(weights.shape()).value() / pieces * dtypeBytes(DType::F32);
  }
  return cost;
}

/// Puts pieces behind the direct algorithm. What stores more must be faster than they are.
void addPieces(std::vector<AlgorithmCost> &costs, double speedup) {
  AlgorithmCost pieces = costs.front();
  pieces.pieces = kPieces;
  pieces.cycles /= speedup;
  pieces.weightBytes =
      pieces.weightBytes * kPieces * dtypeBytes(DType::BF16) / dtypeBytes(DType::F32);
  auto isNoFaster = [&](const AlgorithmCost &cost) { return cost.cycles >= pieces.cycles; };
  costs.erase(std::remove_if(costs.begin() + 1, costs.end(), isNoFaster), costs.end());
  costs.insert(costs.begin() + 1, pieces);
}

bool isOwn(const AlgorithmCost &cost, const Op &op) {
  auto algorithm = fromWord<ConvAlgorithm>(op.attrs.getString("algorithm"));
  return cost.algorithm == algorithm.value_or(ConvAlgorithm::Direct) &&
         cost.pieces == op.attrs.getInt("pieces", 1);
}

/// An algorithm's costs for all images of a batch; sizes are of one.
AlgorithmCost batchCost(const Target &target, const ConvSizes &sizes, ConvAlgorithm algorithm,
                        const Op &conv) {
  AlgorithmCost cost = algorithmCost(target, sizes, algorithm);
  cost.cycles *= numberOf(conv.result()->type.dim(0));
  return cost;
}

/// The algorithms of a convolution that Winograd's algorithms can compute.
std::vector<AlgorithmCost> windowCosts(const PassContext &context, const ConvSizes &sizes,
                                       std::optional<ConvAlgorithm> tuned, const Op &conv) {
  std::vector<AlgorithmCost> costs;
  auto add = [&](ConvAlgorithm algorithm) {
    costs.push_back(batchCost(context.target, sizes, algorithm, conv));
  };
  if (context.winograd && !tuned) {
    for (const AlgorithmCost &cost : worthwhileAlgorithms(context.target, sizes))
      add(cost.algorithm);
    return costs;
  }
  add(ConvAlgorithm::Direct);
  if (context.winograd && winogradTile(*tuned))
    add(*tuned);
  return costs;
}

/// Nothing for an op that only direct and depthwise algorithms in f32 compute.
Result<std::optional<LayerCosts>> costsOf(const PassContext &context, Op &op) {
  bool isConv = op.kind() == OpKind::KernelConv;
  std::optional<ConvAlgorithm> tuned;
  std::optional<ConvSizes> sizes;
  if (isConv) {
    tuned = TRY(tunedAlgorithm(context, op));
    sizes = winogradSizes(context, op);
  }
  bool fits = !tuned || (sizes ? *tuned != ConvAlgorithm::Depthwise
                               : !winogradTile(*tuned) || !context.winograd);
  if (!fits)
    return badInput(fmt::format("the plan for `{}` does not fit: {} cannot compute it",
                                algorithmKey(op), wordOf(*tuned)));
  std::optional<Pieces> pieces = piecesFor(context, op);
  if (pieces && pieces->speedup < kWorthPieces && op.attrs.getInt("pieces", 1) == 1)
    pieces.reset();
  if (!sizes && !pieces)
    return std::optional<LayerCosts>();
  LayerCosts layer{&op, {}, 0, tuned.has_value()};
  if (sizes)
    layer.costs = windowCosts(context, *sizes, tuned, op);
  else
    layer.costs = {directCost(context.target, op)};
  bool isMeasured = tuned && winogradTile(*tuned);
  if (pieces && !isMeasured)
    addPieces(layer.costs, pieces->speedup);
  auto own = [&](const AlgorithmCost &cost) { return isOwn(cost, op); };
  if (sizes && std::none_of(layer.costs.begin(), layer.costs.end(), own)) {
    layer.costs.resize(1);
    ConvAlgorithm algorithm = attrsOf<ConvAttrs>(op).algorithm;
    if (winogradTile(algorithm))
      layer.costs.push_back(batchCost(context.target, *sizes, algorithm, op));
  }
  layer.chosen = layer.costs.size() - 1;
  return std::optional(layer);
}

/// What tells the stored weights of a layer from others.
std::string storedBy(const LayerCosts &layer) {
  std::string key;
  Value *weights = layer.op->operand(1);
  for (Op *op = weights->definingOp(); op; op = op->operand(0)->definingOp()) {
    if (op->kind() == OpKind::Constant)
      return fmt::format("{} {} {} {}", fmt::ptr(op->attrs.getConst("value").get()), key,
                         wordOf(layer.choice().algorithm), layer.choice().pieces);
    if (op->kind() != OpKind::KernelPack)
      key += op->result()->type.str() + attrsText(op->attrs);
  }
  ICE("larger weights that are no constant");
}

} // namespace

Result<WeightBudget> WeightBudget::of(Module &module, const PassContext &context) {
  WeightBudget budget;
  std::set<const void *> constants;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() == OpKind::Constant)
      if (ConstRef data = op->attrs.getConst("value"); constants.insert(data.get()).second)
        budget.modelBytes_ += data->numElements() * dtypeSpec(data->dtype).bits / 8;
    std::optional<LayerCosts> costs;
    if (op->kind() == OpKind::KernelConv || op->kind() == OpKind::KernelGemm)
      costs = TRY(costsOf(context, *op));
    if (!costs) {
      budget.otherCycles_ += cyclesOf(context.target, *op);
      continue;
    }
    budget.layers_.push_back(std::move(*costs));
    const LayerCosts &layer = budget.layers_.back();
    if (budget.users_[storedBy(layer)]++ == 0)
      budget.storedBytes_ += layer.choice().weightBytes;
  }
  budget.takeAll(false);
  budget.directBytes_ = budget.storedBytes_;
  budget.takeAll(true);
  return budget;
}

void WeightBudget::take(size_t index, size_t algorithm) {
  LayerCosts &layer = layers_[index];
  if (--users_[storedBy(layer)] == 0)
    storedBytes_ -= layer.choice().weightBytes;
  layer.chosen = algorithm;
  if (users_[storedBy(layer)]++ == 0)
    storedBytes_ += layer.choice().weightBytes;
}

void WeightBudget::takeAll(bool isFastest) {
  for (size_t i = 0; i < layers_.size(); i++)
    take(i, isFastest ? layers_[i].costs.size() - 1 : 0);
}

void WeightBudget::fill(int64_t limit) {
  std::vector<Step> steps;
  for (size_t i = 0; i < layers_.size(); i++)
    addSteps(layers_[i], i, steps);
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step &a, const Step &b) { return a.savedPerByte > b.savedPerByte; });
  for (const Step &step : steps) {
    if (layers_[step.layer].chosen != step.from)
      continue;
    take(step.layer, step.to);
    if (addedBytes() > limit)
      take(step.layer, step.from);
  }
}

double WeightBudget::cycles() const {
  double cycles = otherCycles_;
  for (const LayerCosts &layer : layers_)
    cycles += layer.choice().cycles;
  return cycles;
}

void WeightBudget::choose(Optimize optimize) {
  auto limit = static_cast<int64_t>(kMostGrowth * static_cast<double>(modelBytes_));
  takeAll(true);
  if (optimize == Optimize::Speed || (optimize == Optimize::Balanced && addedBytes() <= limit))
    return;
  double fastest = cycles();
  takeAll(false);
  if (optimize == Optimize::Size)
    return;
  if (cycles() > kWorthAnySize * fastest)
    takeAll(true);
  else
    fill(limit);
}

void WeightBudget::takeFromOps() {
  for (size_t i = 0; i < layers_.size(); i++)
    for (size_t j = 0; j < layers_[i].costs.size(); j++)
      if (isOwn(layers_[i].costs[j], *layers_[i].op))
        take(i, j);
}

} // namespace cameo
