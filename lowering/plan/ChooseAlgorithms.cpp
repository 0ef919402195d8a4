// Chooses the algorithm of each convolution: depthwise where every channel has its own window,
// Winograd's where it is estimated to be clearly faster and its weights are not too large
// (WeightBudget.h), else direct; and which convolutions and products multiply f32 as pieces
// (decision 036), whose weights are larger, too. Runs before weights are packed, as algorithms read
// different forms of them, and before layouts: how far a kernel reads past the edges depends on its
// algorithm.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/TunedPlans.h"
#include "lowering/plan/WeightBudget.h"

#include <fmt/format.h>
#include <set>

namespace cameo {
namespace {

/// Depthwise weights are packed at compile time only; others take the general path.
bool isDepthwise(const Op &conv, const ConvAttrs &attrs) {
  const Dims &weights = conv.operand(1)->type.shape();
  return attrs.group > 1 && weights[1] == Dim(1) && weights[0] == Dim(attrs.group) &&
         constantData(conv.operand(1));
}

/// A convolution or product that has packed weights, or says how it is computed, keeps to that.
bool isOpen(const ConvAttrs &attrs) {
  return attrs.inputs.weights == WeightForm::Plain && attrs.algorithm == ConvAlgorithm::Direct &&
         attrs.pieces == 1;
}
bool isOpen(const GemmAttrs &attrs) {
  return attrs.inputs.weights == WeightForm::Plain && attrs.pieces == 1;
}

/// Whether the op has changed: an open one is direct and in f32.
bool choose(Op &op, const AlgorithmCost &choice) {
  if (op.kind() == OpKind::KernelConv) {
    ConvAttrs attrs = attrsOf<ConvAttrs>(op);
    if (!isOpen(attrs))
      return false;
    attrs.algorithm = choice.algorithm, attrs.pieces = choice.pieces;
    attrs.plan = choice.plan;
    op.attrs = dictOf(attrs);
  } else {
    GemmAttrs attrs = attrsOf<GemmAttrs>(op);
    if (!isOpen(attrs))
      return false;
    attrs.pieces = choice.pieces;
    op.attrs = dictOf(attrs);
  }
  return choice.algorithm != ConvAlgorithm::Direct || choice.pieces > 1;
}

/// The direct algorithm, or the depthwise one unless direct was measured to be faster.
Result<ConvAlgorithm> otherAlgorithm(const PassContext &context, const Op &conv,
                                     const ConvAttrs &attrs) {
  bool canBe = isDepthwise(conv, attrs);
  std::optional<ConvAlgorithm> tuned = TRY(tunedAlgorithm(context, conv));
  if (tuned == ConvAlgorithm::Depthwise && !canBe)
    return badInput(fmt::format("the plan for `{}` does not fit: {} cannot compute it",
                                algorithmKey(conv), wordOf(*tuned)));
  return canBe && tuned != ConvAlgorithm::Direct ? ConvAlgorithm::Depthwise : ConvAlgorithm::Direct;
}

} // namespace

Result<bool> chooseAlgorithms(Module &module, PassContext &context) {
  bool changed = false;
  WeightBudget budget = TRY(WeightBudget::of(module, context));
  budget.choose(context.optimize);
  std::set<const Op *> chosen;
  for (const LayerCosts &layer : budget.layers()) {
    chosen.insert(layer.op);
    changed |= choose(*layer.op, layer.choice());
  }
  for (Op *op : opsOf(module.main())) {
    if (op->kind() != OpKind::KernelConv || chosen.contains(op))
      continue;
    AlgorithmCost other{.algorithm = TRY(otherAlgorithm(context, *op, attrsOf<ConvAttrs>(*op)))};
    changed |= choose(*op, other);
  }
  return changed;
}

} // namespace cameo
