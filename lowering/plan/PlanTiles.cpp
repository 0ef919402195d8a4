// Cuts the work of contractions: the register tile of each, and which of its loops is the outer
// one. Runs when layouts are known, as rows that are contiguous are tiled as one axis. An op that
// has a plan keeps it.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/Tiles.h"

namespace cameo {
namespace {

// Pixels that a depthwise convolution computes at a time.
constexpr int64_t kDepthwisePixels = 6;

/// The larger of the two sides is walked once: where the weights outweigh the rows, all rows of a
/// panel group come before the next group. A symbolic number of rows is a batch, planned as 1.
LoopOrder outerLoop(const Contraction &c) {
  Dim input(1), weights = c.tapCount() * c.columns;
  for (const NestAxis &axis : c.rows)
    input = input * axis.extent;
  auto one = [](const std::string &) { return std::optional<Dim>(Dim(1)); };
  weights = weights.substitute(one);
  input = input.substitute(one);
  bool outweigh = weights.isConst() && input.isConst() && weights.value() > input.value();
  return outweigh ? LoopOrder::Panels : LoopOrder::Rows;
}

ContractionPlan planContraction(const Target &target, const Op &op) {
  Contraction c = contractionOf(op);
  DType accumulator = op.region().arg(0)->type.dtype();
  TilePlan tile = planTile(target, accumulator, c.rows.back().extent, c.columns);
  return {tile.rows, tile.panels, outerLoop(c), 0};
}

bool planConv(const Target &target, Op &op) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(op);
  if (attrs.plan.tileRows > 0)
    return false;
  attrs.plan = attrs.algorithm == ConvAlgorithm::Depthwise
                   ? ContractionPlan{kDepthwisePixels, 1, LoopOrder::Rows, 0}
                   : planContraction(target, op);
  op.attrs = dictOf(attrs);
  return true;
}

bool planGemm(const Target &target, Op &op) {
  GemmAttrs attrs = attrsOf<GemmAttrs>(op);
  if (attrs.plan.tileRows > 0)
    return false;
  attrs.plan = planContraction(target, op);
  op.attrs = dictOf(attrs);
  return true;
}

} // namespace

Result<bool> planTiles(Module &module, PassContext &context) {
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() == OpKind::KernelConv)
      changed |= planConv(context.target, *op);
    if (op->kind() == OpKind::KernelGemm)
      changed |= planGemm(context.target, *op);
  }
  return changed;
}

} // namespace cameo
