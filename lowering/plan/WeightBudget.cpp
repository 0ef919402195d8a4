// See WeightBudget.h. Under a limit, convolutions go to faster algorithms in the order of cycles
// saved for each byte added, as long as these fit.
#include "lowering/plan/WeightBudget.h"

#include "ir/kernel/KernelSpec.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/TunedPlans.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>
#include <set>

namespace cameo {
namespace {

constexpr double kMostGrowth = 0.5; // of the model's bytes
constexpr double kWorthAnySize = 1.25;

/// A convolution may go from one of its algorithms to another.
struct Step {
  size_t conv, from, to;
  double savedPerByte;
};

/// The steps of a convolution, from each algorithm to where a byte saves most.
void addSteps(const ConvCosts &conv, size_t index, std::vector<Step> &steps) {
  for (size_t from = 0; from + 1 < conv.costs.size();) {
    Step best{index, from, from + 1, -1};
    for (size_t to = from + 1; to < conv.costs.size(); to++) {
      const AlgorithmCost &now = conv.costs[from], &then = conv.costs[to];
      double saved = conv.isTuned ? std::numeric_limits<double>::infinity()
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

/// Nothing for a conv that only direct and depthwise algorithms compute.
Result<std::optional<ConvCosts>> costsOf(const PassContext &context, Op &conv) {
  std::optional<ConvAlgorithm> tuned = TRY(tunedAlgorithm(context, conv));
  std::optional<ConvSizes> sizes = winogradSizes(context, conv);
  bool fits = !tuned || (sizes ? *tuned != ConvAlgorithm::Depthwise
                               : !winogradTile(*tuned) || !context.winograd);
  if (!fits)
    return badInput(fmt::format("the plan for `{}` does not fit: {} cannot compute it",
                                algorithmKey(conv), wordOf(*tuned)));
  if (!sizes)
    return std::optional<ConvCosts>();
  auto cost = [&](ConvAlgorithm algorithm) {
    return algorithmCost(context.target, *sizes, algorithm);
  };
  ConvCosts costs{&conv, {cost(ConvAlgorithm::Direct)}, 0, tuned.has_value()};
  ConvAlgorithm own = attrsOf<ConvAttrs>(conv).algorithm;
  if (context.winograd && !tuned)
    costs.costs = worthwhileAlgorithms(context.target, *sizes);
  else if (context.winograd && winogradTile(*tuned))
    costs.costs.push_back(cost(*tuned));
  bool knowsOwn = std::any_of(costs.costs.begin(), costs.costs.end(),
                              [&](const AlgorithmCost &known) { return known.algorithm == own; });
  if (!knowsOwn)
    costs.costs = {cost(ConvAlgorithm::Direct), cost(own)};
  costs.chosen = costs.costs.size() - 1;
  return std::optional(costs);
}

} // namespace

Result<WeightBudget> WeightBudget::of(Module &module, const PassContext &context) {
  WeightBudget budget;
  std::set<const void *> constants;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() == OpKind::Constant)
      if (ConstRef data = op->attrs.getConst("value"); constants.insert(data.get()).second)
        budget.modelBytes_ += data->numElements() * dtypeSpec(data->dtype).bits / 8;
    std::optional<ConvCosts> costs;
    if (op->kind() == OpKind::KernelConv)
      costs = TRY(costsOf(context, *op));
    if (!costs) {
      budget.otherCycles_ += cyclesOf(context.target, *op);
      continue;
    }
    budget.convs_.push_back(std::move(*costs));
    const ConvCosts &conv = budget.convs_.back();
    if (budget.users_[budget.storedBy(conv)]++ == 0)
      budget.storedBytes_ += conv.choice().weightBytes;
  }
  budget.takeAll(false);
  budget.directBytes_ = budget.storedBytes_;
  budget.takeAll(true);
  return budget;
}

WeightBudget::Stored WeightBudget::storedBy(const ConvCosts &conv) const {
  Value *weights = conv.conv->operand(1);
  if (Op *pack = weights->definingOp(); pack && pack->kind() == OpKind::KernelPack)
    weights = pack->operand(0);
  Op *constant = constantBehind(weights);
  ICE_UNLESS(constant, "Winograd's algorithm has weights that are no constant");
  return {constant->attrs.getConst("value").get(), conv.choice().algorithm};
}

void WeightBudget::take(size_t index, size_t algorithm) {
  ConvCosts &conv = convs_[index];
  if (--users_[storedBy(conv)] == 0)
    storedBytes_ -= conv.choice().weightBytes;
  conv.chosen = algorithm;
  if (users_[storedBy(conv)]++ == 0)
    storedBytes_ += conv.choice().weightBytes;
}

void WeightBudget::takeAll(bool isFastest) {
  for (size_t i = 0; i < convs_.size(); i++)
    take(i, isFastest ? convs_[i].costs.size() - 1 : 0);
}

void WeightBudget::fill(int64_t limit) {
  std::vector<Step> steps;
  for (size_t i = 0; i < convs_.size(); i++)
    addSteps(convs_[i], i, steps);
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step &a, const Step &b) { return a.savedPerByte > b.savedPerByte; });
  for (const Step &step : steps) {
    if (convs_[step.conv].chosen != step.from)
      continue;
    take(step.conv, step.to);
    if (addedBytes() > limit)
      take(step.conv, step.from);
  }
}

double WeightBudget::cycles() const {
  double cycles = otherCycles_;
  for (const ConvCosts &conv : convs_)
    cycles += conv.choice().cycles;
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
  for (size_t i = 0; i < convs_.size(); i++)
    for (size_t j = 0; j < convs_[i].costs.size(); j++)
      if (convs_[i].costs[j].algorithm == attrsOf<ConvAttrs>(*convs_[i].conv).algorithm)
        take(i, j);
}

} // namespace cameo
