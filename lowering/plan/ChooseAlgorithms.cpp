// Chooses the algorithm of each convolution, before layouts, as how far a kernel reads past the
// edges depends on it. Convolutions are direct or depthwise as selected; those with windows of 3 x
// 3 and stride 1 may become Winograd's, whose weights are packed in another form, at compile time.
// Weights that the run computes stay direct: transforming them would cost more than a few
// convolutions gain.
#include "ir/kernel/Contraction.h"
#include "lowering/ControlFlow.h"
#include "lowering/Passes.h"
#include "lowering/Shapes.h"
#include "lowering/kernels/PackWeights.h"
#include "lowering/plan/Winograd.h"

#include "ir/Builder.h"

#include <algorithm>

namespace cameo {
namespace {

bool all(const std::vector<int64_t> &values, int64_t wanted) {
  return values.size() == 2 &&
         std::all_of(values.begin(), values.end(), [&](int64_t x) { return x == wanted; });
}

bool isF32(const Value &value) { return value.type.dtype() == DType::F32; }

/// The sizes of a convolution that Winograd's algorithm can compute.
std::optional<ConvSizes> winogradSizes(Op &conv) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  Op *pack = conv.operand(1)->definingOp();
  bool window =
      all(attrs.kernel, 3) && all(attrs.strides, 1) && all(attrs.dilations, 1) && attrs.group == 1;
  bool zeros = attrs.fill == 0 && attrs.fillOperand < 0;
  if (!window || !zeros || attrs.algorithm != ConvAlgorithm::Direct || attrs.interleave != 1 ||
      !pack || pack->kind() != OpKind::KernelPack || !isConstantPack(*pack))
    return std::nullopt;
  const Type &x = conv.operand(0)->type, &y = conv.result()->type;
  if (!isF32(*conv.operand(0)) || !isF32(*pack->operand(0)) || !isF32(*pack->result()) ||
      conv.region().arg(0)->type.dtype() != DType::F32)
    return std::nullopt;
  if (!constantDims({x.dim(1), y.dim(1), y.dim(2), y.dim(3)}))
    return std::nullopt;
  return convSizes(conv);
}

/// The weights of `pack` in the form of another algorithm.
Value *transformed(Module &module, Op &pack, ConvAlgorithm algorithm) {
  Builder b(module);
  b.before(&pack);
  b.loc = pack.loc;
  PackAttrs attrs = attrsOf<PackAttrs>(pack);
  attrs.form = packFormFor(algorithm);
  Type type = Type::tensor(DType::F32, packedShape(attrs, pack.operand(0)->type.shape()));
  Op *op = b.create(OpKind::KernelPack, {pack.operand(0)}, {type}, dictOf(attrs));
  op->result()->name = pack.result()->name;
  return op->result();
}

void setAlgorithm(Module &module, Op &conv, const AlgorithmChoice &choice) {
  Op *pack = conv.operand(1)->definingOp();
  conv.setOperand(1, transformed(module, *pack, choice.algorithm));
  if (pack->result()->users().empty())
    pack->erase();
  ConvAttrs attrs = attrsOf<ConvAttrs>(conv);
  attrs.algorithm = choice.algorithm;
  attrs.plan = choice.plan;
  conv.attrs = dictOf(attrs);
}

} // namespace

Result<bool> chooseAlgorithms(Module &module, PassContext &context) {
  if (!context.winograd)
    return false;
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (op->kind() != OpKind::KernelConv)
      continue;
    std::optional<ConvSizes> sizes = winogradSizes(*op);
    AlgorithmChoice choice = sizes ? chooseWinograd(context.target, *sizes) : AlgorithmChoice();
    if (choice.algorithm == ConvAlgorithm::Direct)
      continue;
    setAlgorithm(module, *op, choice);
    changed = true;
  }
  return changed;
}

} // namespace cameo
