// Integer convolutions and products: the kernels of float ones with zero points.
#include "lowering/select/Contractions.h"

#include "ir/kernel/Contraction.h"
#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

/// Makes `zero` a kernel's zero point: a number, if all its elements are known to be the same one,
/// else an operand in the shape that `shaped` gives it. nullptr is 0.
ZeroPoint zeroPoint(Selection &s, Op *kernel, Value *zero,
                    const std::function<Value *(Value *)> &shaped) {
  if (!zero)
    return {};
  ConstRef data = constantData(zero);
  bool uniform = data && data->numElements() > 0;
  for (int64_t i = 0; uniform && i < data->numElements(); i++)
    uniform = constInt(*data, i) == constInt(*data, 0);
  if (uniform)
    return {constInt(*data, 0), -1};
  s.b.before(kernel);
  Value *operand = shaped(zero);
  kernel->addOperand(operand);
  kernel->region().addArg(Type::scalar(operand->type.dtype()));
  return {0, kernel->numOperands() - 1};
}

Value *unshaped(Value *value) { return value; }

/// Elements less their zero point, which is one number, or one for each entry of dim 0.
Value *lessZero(Selection &s, Value *bytes, Value *zero) {
  std::vector<Value *> operands = {bytes};
  if (zero && zero->type.rank() == 1) {
    Dims shape(bytes->type.rank(), Dim(1));
    shape[0] = zero->type.dim(0);
    zero = reshapeView(s.b, zero, shape);
  }
  if (zero)
    operands.push_back(zero);
  return pointwise(s, operands, bytes->type.withDType(DType::I32),
                   [](LoopBuilder &b, const std::vector<Value *> &e) {
                     Value *wide = b.cast(e[0], DType::I32);
                     return e.size() > 1 ? b.sub(wide, b.cast(e[1], DType::I32)) : wide;
                   });
}

} // namespace

Result<void> selectConvInteger(Selection &s) {
  Value *bytes = s.op.operand(0), *weights = s.op.operand(1);
  if (hasOpenSizes(s.in(1))) {
    // The zero point of x is one number, whatever its rank.
    Value *x = lessZero(s, bytes, s.op.operand(2)), *w = lessZero(s, weights, s.op.operand(3));
    s.replaceWithValue(openConv(s, x, w, DType::I32));
    return {};
  }
  Op *conv = convKernel(s, bytes, weights, DType::I32);
  int64_t rank = s.in(0).rank();
  auto channels = [&](Value *zero) {
    return zero->type.rank() == 0 ? zero : alongChannels(s.b, zero, rank);
  };
  ConvAttrs attrs = attrsOf<ConvAttrs>(*conv);
  attrs.inputs.x = zeroPoint(s, conv, s.op.operand(2), unshaped);
  attrs.inputs.w = zeroPoint(s, conv, s.op.operand(3), channels);
  conv->attrs = dictOf(attrs);
  endEpilogue(s.b, conv, conv->region().arg(0));
  s.replaceWithValue(conv->result());
  return {};
}

Result<void> selectMatMulInteger(Selection &s) {
  Value *a = asMatrix(s, s.op.operand(0), true), *b = asMatrix(s, s.op.operand(1), false);
  Dims full = s.out().shape();
  if (b != s.op.operand(1))
    full.push_back(Dim(1));
  if (a != s.op.operand(0))
    full.insert(full.end() - 1, Dim(1));
  Op *gemm = gemmKernel(s, a, b, full, DType::I32);
  // A zero point a row of a is a column of them.
  auto rows = [&](Value *zero) {
    bool perRow = zero->type.rank() == 1 && zero->type.dim(0) != Dim(1);
    return perRow ? reshapeView(s.b, zero, {zero->type.dim(0), Dim(1)}) : zero;
  };
  GemmAttrs attrs = attrsOf<GemmAttrs>(*gemm);
  attrs.inputs.x = zeroPoint(s, gemm, s.op.operand(2), rows);
  attrs.inputs.w = zeroPoint(s, gemm, s.op.operand(3), unshaped);
  gemm->attrs = dictOf(attrs);
  endEpilogue(s.b, gemm, gemm->region().arg(0));
  s.replaceWithValue(reshapeView(s.b, gemm->result(), s.out().shape()));
  return {};
}

} // namespace cameo
