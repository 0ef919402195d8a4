// Cuts the work of kernels that are loops over elements: vectors, what a loop does behind its last
// whole vector, and how many iterations make a unit. Runs when layouts are known, as vectors need
// elements that are next to each other in memory. An op that has a plan keeps it.
#include "ir/OpSpec.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/Reduce.h"
#include "ir/kernel/Window.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Units.h"
#include "lowering/plan/Loops.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/Tiles.h"
#include "lowering/plan/VerifyPlans.h"

#include <algorithm>
#include <bit>
#include <fmt/format.h>

namespace cameo {
namespace {

// A unit should outweigh what starting one costs, and there should be enough to share out evenly.
constexpr int64_t kUnits = 64;
constexpr int64_t kRun = 4096; // elements of a run that is cut from a longer loop
// Neighbouring lines that a unit of a scatter takes together: a cache line of f32.
constexpr int64_t kLines = 16;

/// The bytes of a kernel's widest element, in its region, too, where that is given, and of the
/// narrowest one in memory.
std::pair<int64_t, int64_t> elementBytes(const Op &op, Block *region = nullptr) {
  int64_t widest = 1, narrowest = 8;
  auto see = [&](const Type &type) {
    widest = std::max(widest, dtypeBytes(type.dtype()));
    narrowest = std::min(narrowest, dtypeBytes(type.dtype()));
  };
  for (const Value *operand : op.operands())
    see(operand->type);
  for (const std::unique_ptr<Value> &result : op.results())
    see(result->type);
  if (region)
    for (const std::unique_ptr<Op> &inner : region->ops())
      for (const std::unique_ptr<Value> &result : inner->results())
        widest = std::max(widest, dtypeBytes(result->type.dtype()));
  return {widest, narrowest};
}

struct LoopPlanner {
  const Target &target;

  LoopPlan inVectors(int64_t widest, int64_t narrowest) const {
    return {{vectorLanes(target, widest)}, tailFor(target, narrowest)};
  }
  LoopPlan inVectors(DType work, DType memory) const {
    return inVectors(dtypeBytes(work), dtypeBytes(memory));
  }

  /// Outer loops become units until there are enough; where only the innermost `numInner` are left,
  /// the last one is cut into runs.
  static void cut(NestPlan &plan, const std::vector<NestAxis> &axes, int64_t run = kRun,
                  int64_t numInner = 1) {
    Units units;
    auto enough = [&] { return units.count().isConst() && units.count().value() >= kUnits; };
    while (plan.unitLoops + numInner < std::ssize(axes) && !enough())
      units.add(axes[plan.unitLoops++].extent);
    const Dim &inner = axes.back().extent;
    bool isShort = inner.isConst() && inner.value() <= run;
    if (plan.unitLoops + numInner == std::ssize(axes) && !isShort && !enough())
      plan.unitRun = run;
  }

  NestPlan elements(const Op &op) const {
    Nest nest = elementNest(op);
    auto [widest, narrowest] = elementBytes(op, op.numRegions() ? &op.region() : nullptr);
    NestPlan plan{inVectors(widest, narrowest)};
    if (!areElementsInVectors(op, nest))
      plan.lanes = 1;
    cut(plan, nest.axes);
    return plan;
  }

  /// Copies go in blocks where they can.
  bool copy(Op &op) const {
    CopyAttrs attrs = attrsOf<CopyAttrs>(op);
    if (attrs.plan.lanes > 0)
      return false;
    attrs.plan = elements(op);
    int64_t bytes = dtypeBytes(op.operand(0)->type.dtype());
    int64_t lanes = std::min(kMaxBlockLanes, vectorLanes(target, bytes));
    std::optional<Nest> nest = blockNest(op);
    if (nest && lanes > 1) {
      attrs.plan = {inVectors(bytes, bytes)};
      attrs.plan.lanes = lanes;
      attrs.blocks = true;
      const Dim &shorter = nest->axes.end()[-2].extent;
      int64_t run = kRun / (shorter.isConst() ? std::clamp<int64_t>(shorter.value(), 1, kRun) : 1);
      cut(attrs.plan, nest->axes, std::max(lanes, run / lanes * lanes), 2);
    }
    attrs.plan.images = imagesOf(op);
    op.attrs = dictOf(attrs);
    return true;
  }

  NestPlan generate(const Op &op) const {
    auto [widest, narrowest] = elementBytes(op);
    NestPlan plan{inVectors(widest, narrowest)};
    if (!isGeneratedInVectors(op))
      plan.lanes = 1;
    plan.unitLoops = std::max<int64_t>(0, op.result()->type.rank() - 1);
    return plan;
  }

  ReducePlan reduce(const Op &op) const {
    DType term = op.region(0).terminator()->operand(0)->type.dtype();
    ReduceLoops loops = reduceLoops(op);
    ReducePlan plan{
        {vectorLanes(target, std::max({dtypeBytes(term), dtypeBytes(op.result()->type.dtype()),
                                       dtypeBytes(op.operand(0)->type.dtype())}))}};
    if (isReducedInVectors(loops, ReduceLanes::Results) && !(loops.kept.back().extent == Dim(1)))
      return plan;
    if (isReducedInVectors(loops, ReduceLanes::Parts))
      plan.lanesHave = ReduceLanes::Parts;
    else
      plan.lanes = 1;
    return plan;
  }

  /// No more lanes than a short row fills: sums over lanes take a step for each halving.
  VectorPlan row(const Op &op) const {
    int64_t lanes = vectorLanes(target, dtypeBytes(op.region().arg(0)->type.dtype()));
    const Dim &length = op.operand(0)->type.shape().back();
    if (length.isConst())
      lanes = std::min(lanes,
                       static_cast<int64_t>(std::bit_ceil(static_cast<uint64_t>(length.value()))));
    return {lanes};
  }

  /// Writes the plan of an op that has none; whether it had none.
  template <class Attrs, class Decide> bool decide(Op &op, Decide &&plan) const {
    Attrs attrs = attrsOf<Attrs>(op);
    if (attrs.plan.lanes > 0)
      return false;
    attrs.plan = plan();
    attrs.plan.images = imagesOf(op);
    op.attrs = dictOf(attrs);
    return true;
  }

  bool scatter(Op &op) const {
    ScatterAttrs attrs = attrsOf<ScatterAttrs>(op);
    if (attrs.form != ScatterForm::Lines || attrs.unitLines > 0)
      return false;
    attrs.unitLines = kLines;
    op.attrs = dictOf(attrs);
    return true;
  }

  bool topK(Op &op) const {
    TopKAttrs attrs = attrsOf<TopKAttrs>(op);
    if (attrs.lanes > 0)
      return false;
    attrs.lanes = isCountedInVectors(op) ? vectorLanes(target, kKeyBytes) : 1;
    op.attrs = dictOf(attrs);
    return true;
  }

  bool plan(Op &op) const {
    auto dtype = [&] { return op.operand(0)->type.dtype(); };
    switch (op.kind()) {
    case OpKind::KernelPointwise:
      return decide<PointwiseAttrs>(op, [&] { return elements(op); });
    case OpKind::KernelCopy:
      return copy(op);
    case OpKind::KernelGenerate:
      return decide<GenerateAttrs>(op, [&] { return generate(op); });
    case OpKind::KernelReduce:
      return decide<ReduceAttrs>(op, [&] { return reduce(op); });
    case OpKind::KernelRow:
      return decide<RowAttrs>(op, [&] { return row(op); });
    case OpKind::KernelPool:
      return decide<PoolAttrs>(op, [&] {
        DType memory = op.result()->type.dtype();
        int64_t narrowest = std::min(dtypeBytes(dtype()), dtypeBytes(memory));
        return inVectors(dtypeBytes(op.region().arg(0)->type.dtype()), narrowest);
      });
    case OpKind::KernelFillHalo:
      return decide<FillHaloAttrs>(op, [&] { return inVectors(dtype(), dtype()); });
    case OpKind::KernelPack:
      return !isPackedEarly(op.operand(0)) && decide<PackAttrs>(op, [&] {
        return VectorPlan{std::min(kPanel, vectorLanes(target, dtypeBytes(dtype())))};
      });
    case OpKind::KernelScatter:
      return scatter(op);
    case OpKind::KernelTopK:
      return topK(op);
    default:
      return false;
    }
  }
};

} // namespace

Result<bool> planLoops(Module &module, PassContext &context) {
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (isPlanned(*op))
      TRY(verifyPlan(*op));
    changed |= LoopPlanner{context.target}.plan(*op);
  }
  return changed;
}

} // namespace cameo
