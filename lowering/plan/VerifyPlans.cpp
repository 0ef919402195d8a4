// See VerifyPlans.h.
#include "lowering/plan/VerifyPlans.h"

#include "ir/Printer.h"
#include "ir/kernel/Elements.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/Range.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/KernelUnits.h"
#include "lowering/plan/Loops.h"
#include "lowering/plan/Packing.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

// A unit of pieces may have more than the planner gives it, and needs so much memory at most.
constexpr int64_t kMostSplitBytes = 1 << 24;

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

Result<void> copyFits(const Op &op) {
  CopyAttrs attrs = attrsOf<CopyAttrs>(op);
  if (!attrs.blocks)
    return elementsFit(op, attrs.plan);
  std::optional<Nest> nest = blockNest(op);
  if (!nest)
    return misfit(op, "attribute 'blocks': expected loops along which elements are next to each "
                      "other in x and in the result");
  return unitsFit(op, attrs.plan, std::ssize(nest->axes) - 1); // a block takes two
}

/// There are vectors of as many consecutive k's of these elements.
Result<void> interleaveFits(const Op &op) {
  int64_t interleave = op.attrs.getInt("interleave");
  int64_t bytes = dtypeBytes(op.operand(1)->type.dtype());
  bool ofBytes = bytes == 1 && (interleave == 2 || interleave == 4 || interleave == kMatrixDepth);
  if (interleave <= 1 || ofBytes || (bytes == 2 && interleave == 2))
    return {};
  return misfit(op, fmt::format("attribute 'interleave': expected 1, 2, 4 or 8 of bytes, or 1 or 2 "
                                "of bf16, got {} of {}",
                                interleave, op.operand(1)->type.str()));
}

/// Whether the rows of a unit as pieces may be in memory of a thread.
bool fitsMemory(const Contraction &c) {
  Dim row = c.piecesOfRow();
  int64_t tileRows = std::max<int64_t>(1, c.plan.tileRows * c.plan.tileLines);
  return row.isConst() && row.value() <= kMostSplitBytes / 2 &&
         c.plan.unitTiles <= kMostSplitBytes / 2 / row.value() / tileRows;
}

Result<void> contractionFits(const Op &op, const ContractionPlan &plan) {
  TRY(interleaveFits(op));
  if (plan.joinsSteps && !mayJoinSteps(op))
    return misfit(op, "attribute 'joins_steps': expected constant weights of bytes, none of them "
                      "-128");
  if (plan.inputLanes == 1 && plan.tileSteps == 0)
    return {};
  Contraction c = contractionOf(op);
  if (int64_t steps = stepsForTileRegisters(op, c);
      plan.tileSteps > 0 && (steps == 0 || steps % plan.tileSteps != 0))
    return misfit(op, fmt::format("attribute 'tile_steps': expected a divisor of the {} steps that "
                                  "tile registers may have, got {}",
                                  steps, plan.tileSteps));
  if (c.pieces > 1 && !fitsMemory(c))
    return misfit(op, fmt::format("attribute 'unit_tiles': expected tiles whose rows take {} bytes "
                                  "at most as pieces, got {}",
                                  kMostSplitBytes, plan.unitTiles));
  if (plan.tileLines > 1 && !c.hasLines())
    return misfit(op, fmt::format("attribute 'tile_lines': expected 1, as there are no lines that "
                                  "share panels, got {}",
                                  plan.tileLines));
  if (plan.inputLanes == 1 || c.advance == c.interleave)
    return {};
  return misfit(op, fmt::format("attribute 'input_lanes': expected 1, as steps overlap, got {}",
                                plan.inputLanes));
}

Result<void> layoutsAllow(const Op &op) {
  switch (op.kind()) {
  case OpKind::KernelConv: {
    ConvAttrs attrs = attrsOf<ConvAttrs>(op);
    bool isDirect = attrs.algorithm == ConvAlgorithm::Direct;
    return isDirect ? contractionFits(op, attrs.plan) : Result<void>();
  }
  case OpKind::KernelGemm:
    return contractionFits(op, attrsOf<GemmAttrs>(op).plan);
  case OpKind::KernelPointwise:
    return elementsFit(op, attrsOf<PointwiseAttrs>(op).plan);
  case OpKind::KernelCopy:
    return copyFits(op);
  case OpKind::KernelGenerate: {
    NestPlan plan = attrsOf<GenerateAttrs>(op).plan;
    TRY(lanesFit(op, plan.lanes, isGeneratedInVectors(op)));
    return unitsFit(op, plan, op.result()->type.rank());
  }
  case OpKind::KernelReduce: {
    ReducePlan plan = attrsOf<ReduceAttrs>(op).plan;
    return lanesFit(op, plan.lanes, isReducedInVectors(reduceLoops(op), plan.lanesHave));
  }
  case OpKind::KernelTopK:
    return lanesFit(op, attrsOf<TopKAttrs>(op).lanes, isCountedInVectors(op));
  default:
    return {};
  }
}

/// A range has an entry a unit.
Result<void> rangeHasUnits(const Op &op) {
  if (!notesRange(op))
    return {};
  Dim units = unitsOf(op).grid.count();
  for (int64_t i : {kHigh, kLow})
    if (!(op.result(i)->type.dim(0) == units))
      return misfit(op, fmt::format("expected a range of {} units, got {}", units.str(),
                                    op.result(i)->type.str()));
  return {};
}

} // namespace

bool hasLayouts(const Op &op) {
  auto isPlaced = [](const Value *value) { return !value || value->layout; };
  return std::all_of(op.operands().begin(), op.operands().end(), isPlaced) &&
         std::all_of(op.results().begin(), op.results().end(),
                     [&](const std::unique_ptr<Value> &result) { return isPlaced(result.get()); });
}

bool isPlanned(const Op &op) {
  const KernelSpec *row = kernelSpec(op.kind());
  if (!row || !row->isEmitted || !hasLayouts(op))
    return false;
  if (op.kind() == OpKind::KernelScatter) {
    ScatterAttrs attrs = attrsOf<ScatterAttrs>(op);
    return attrs.form != ScatterForm::Lines || attrs.unitLines > 0;
  }
  const std::vector<std::string_view> &names = row->attributes;
  bool needsPlan = std::find(names.begin(), names.end(), "lanes") != names.end();
  return !needsPlan || op.attrs.getInt("lanes") > 0;
}

Result<void> weightsArePacked(const Op &op) {
  bool isContraction = op.kind() == OpKind::KernelConv || op.kind() == OpKind::KernelGemm;
  if (!isContraction || !hasPlainWeights(op))
    return {};
  return misfit(op, "expected packed weights where there are layouts, got plain ones: plan-packing "
                    "must run before assign-layouts");
}

Result<void> verifyPlan(const Op &op) {
  TRY(layoutsAllow(op));
  TRY(rangeHasUnits(op));
  return unitsAreApart(op);
}

Result<void> verifyPlans(Module &module) {
  for (const Op *op : opsOf(module.main())) {
    if (hasLayouts(*op))
      TRY(weightsArePacked(*op));
    if (isPlanned(*op))
      TRY(verifyPlan(*op));
  }
  return {};
}

} // namespace cameo
