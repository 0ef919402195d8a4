// Chooses the algorithm of each convolution: depthwise where every channel has its own window,
// Winograd's where it is estimated to be clearly faster, else direct. Runs before weights are
// packed, as algorithms read different forms of them, and before layouts: how far a kernel reads
// past the edges depends on its algorithm. A convolution that has packed weights keeps its
// algorithm.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

bool all(const std::vector<int64_t> &values, int64_t wanted) {
  return values.size() == 2 &&
         std::all_of(values.begin(), values.end(), [&](int64_t x) { return x == wanted; });
}

bool isF32(const Value &value) { return value.type.dtype() == DType::F32; }

/// The sizes of a convolution that Winograd's algorithm can compute.
std::optional<ConvSizes> winogradSizes(const PassContext &context, Op &conv,
                                       const ConvAttrs &attrs) {
  bool window =
      all(attrs.kernel, 3) && all(attrs.strides, 1) && all(attrs.dilations, 1) && attrs.group == 1;
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  if (!window || !isF32(*conv.operand(0)) || !isF32(*conv.operand(1)) ||
      conv.region().arg(0)->type.dtype() != DType::F32 || !isPackedEarly(conv.operand(1)) ||
      packingFor(context, conv).rounded)
    return std::nullopt;
  if (!constantDims({x.dim(1), y.dim(1), y.dim(2), y.dim(3)}))
    return std::nullopt;
  return convSizes(conv);
}

/// Depthwise weights are packed at compile time only; others take the general path.
bool isDepthwise(Op &conv, const ConvAttrs &attrs) {
  const Dims &weights = conv.operand(1)->type.shape();
  return attrs.group > 1 && weights[1] == Dim(1) && weights[0] == Dim(attrs.group) &&
         constantData(conv.operand(1));
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
    AlgorithmChoice choice;
    if (isDepthwise(*op, attrs))
      choice.algorithm = ConvAlgorithm::Depthwise;
    else if (std::optional<ConvSizes> sizes = winogradSizes(context, *op, attrs);
             sizes && context.winograd)
      choice = chooseWinograd(context.target, *sizes);
    attrs.algorithm = choice.algorithm;
    attrs.plan = choice.plan;
    op->attrs = dictOf(attrs);
    changed |= choice.algorithm != ConvAlgorithm::Direct;
  }
  return changed;
}

} // namespace cameo
