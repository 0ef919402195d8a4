// Chooses the algorithm of each convolution: depthwise where every channel has its own window,
// Winograd's where it is estimated to be clearly faster, else direct. Runs before weights are
// packed, as algorithms read different forms of them, and before layouts: how far a kernel reads
// past the edges depends on its algorithm. A convolution that has packed weights keeps its
// algorithm.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/TunedPlans.h"
#include "lowering/plan/Winograd.h"

#include <fmt/format.h>

namespace cameo {
namespace {

/// Depthwise weights are packed at compile time only; others take the general path.
bool isDepthwise(const Op &conv, const ConvAttrs &attrs) {
  const Dims &weights = conv.operand(1)->type.shape();
  return attrs.group > 1 && weights[1] == Dim(1) && weights[0] == Dim(attrs.group) &&
         constantData(conv.operand(1));
}

AlgorithmChoice estimated(const PassContext &context, const Op &conv, const ConvAttrs &attrs) {
  if (isDepthwise(conv, attrs))
    return {ConvAlgorithm::Depthwise};
  std::optional<ConvSizes> sizes = winogradSizes(context, conv);
  return sizes && context.winograd ? chooseWinograd(context.target, *sizes) : AlgorithmChoice();
}

Result<AlgorithmChoice> chosen(const PassContext &context, const Op &conv, const ConvAttrs &attrs) {
  std::optional<ConvAlgorithm> tuned = TRY(tunedAlgorithm(context, conv));
  bool isWinograd = tuned && winogradTile(*tuned);
  if (!tuned || (isWinograd && !context.winograd))
    return estimated(context, conv, attrs);
  std::optional<ConvSizes> sizes = winogradSizes(context, conv);
  if ((isWinograd && !sizes) || (*tuned == ConvAlgorithm::Depthwise && !isDepthwise(conv, attrs)))
    return badInput(fmt::format("the plan for `{}` does not fit: {} cannot compute it",
                                algorithmKey(conv), wordOf(*tuned)));
  return isWinograd ? winogradChoice(context.target, *sizes, *tuned) : AlgorithmChoice{*tuned};
}

} // namespace

Result<bool> chooseAlgorithms(Module &module, PassContext &context) {
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() != OpKind::KernelConv)
      continue;
    ConvAttrs attrs = attrsOf<ConvAttrs>(*op);
    if (attrs.inputs.weights == WeightForm::Packed || attrs.algorithm != ConvAlgorithm::Direct)
      continue;
    AlgorithmChoice choice = TRY(chosen(context, *op, attrs));
    attrs.algorithm = choice.algorithm;
    attrs.plan = choice.plan;
    op->attrs = dictOf(attrs);
    changed |= choice.algorithm != ConvAlgorithm::Direct;
  }
  return changed;
}

} // namespace cameo
