// What plans written by hand may get wrong and only layouts tell; see Loops.h. The rest is in the
// rules of ir/kernel/.
#include "ir/Printer.h"
#include "ir/kernel/Elements.h"
#include "lowering/plan/Loops.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

Error misfit(const Op &op, const std::string &what) {
  return badInput(fmt::format("{}, in `{}`", what, printOp(op)));
}

Result<void> lanesFit(const Op &op, int64_t lanes, bool areVectorsPossible) {
  if (lanes <= 1 || areVectorsPossible)
    return {};
  return misfit(op, fmt::format("attribute 'lanes': expected 1, as elements are not next to each "
                                "other in memory, got {}",
                                lanes));
}

Result<void> unitsFit(const Op &op, const NestPlan &plan, int64_t loops) {
  if (plan.unitLoops < std::max<int64_t>(loops, 1))
    return {};
  return misfit(op, fmt::format("attribute 'unit_loops': expected less than the {} loops, got {}",
                                loops, plan.unitLoops));
}

Result<void> elementsFit(const Op &op, const NestPlan &plan) {
  Nest nest = elementNest(op);
  TRY(lanesFit(op, plan.lanes, areElementsInVectors(op, nest)));
  return unitsFit(op, plan, std::ssize(nest.axes));
}

} // namespace

bool areElementsInVectors(const Op &op, const Nest &nest) {
  const std::vector<Dim> &strides = nest.axes.back().strides;
  return std::all_of(strides.begin(), strides.begin() + op.numResults(),
                     [](const Dim &stride) { return stride == Dim(1); });
}

bool isReducedInVectors(const ReduceLoops &loops, ReduceLanes lanes) {
  if (lanes == ReduceLanes::Parts)
    return loops.reduced.back().strides[0] == Dim(1);
  const std::vector<Dim> &strides = loops.kept.back().strides;
  return strides[0] == Dim(1) && strides[1] == Dim(1);
}

Result<void> planFits(const Op &op) {
  switch (op.kind()) {
  case OpKind::KernelPointwise:
    return elementsFit(op, attrsOf<PointwiseAttrs>(op).plan);
  case OpKind::KernelCopy:
    return elementsFit(op, attrsOf<CopyAttrs>(op).plan);
  case OpKind::KernelGenerate: {
    NestPlan plan = attrsOf<GenerateAttrs>(op).plan;
    TRY(lanesFit(op, plan.lanes, isGeneratedInVectors(op)));
    return unitsFit(op, plan, op.result()->type.rank());
  }
  case OpKind::KernelReduce: {
    ReducePlan plan = attrsOf<ReduceAttrs>(op).plan;
    return lanesFit(op, plan.lanes, isReducedInVectors(reduceLoops(op), plan.lanesHave));
  }
  default:
    return {};
  }
}

} // namespace cameo
