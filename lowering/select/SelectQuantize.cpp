// QuantizeLinear and DequantizeLinear as pointwise kernels, in 32 bits as ONNX has it.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

/// A scale or zero point a position of `axis`, as an operand that broadcasts over `rank` dims.
Value *alongAxis(Selection &s, Value *value, int64_t axis, int64_t rank) {
  if (value->type.rank() == 0 || value->type.dim(0) == Dim(1))
    return reshapeView(s.b, value, {});
  Dims shape(rank - axis, Dim(1));
  shape[0] = value->type.dim(0);
  return reshapeView(s.b, value, shape);
}

/// The op as a pointwise kernel: `formula` gets x, scale and zero point (or nullptr) in the region.
Result<void> selectScaled(Selection &s,
                          const std::function<Value *(Value *, Value *, Value *)> &formula) {
  if (s.op.attrs.getInt("block_size"))
    return s.unsupportedBecause("quantization in blocks is not supported yet");
  int64_t rank = s.in(0).rank();
  std::optional<int64_t> axis = normalizeAxis(s.op.attrs.getInt("axis", 1), rank);
  std::vector<Value *> sources = {s.op.operand(0)};
  for (int64_t i = 1; i < 3; i++)
    if (s.op.operand(i))
      sources.push_back(alongAxis(s, s.op.operand(i), axis.value_or(0), rank));
  Op *kernel = s.replaceWith(OpKind::KernelPointwise, {}, {}, 1);
  s.b.atEnd(kernel->region());
  std::vector<Value *> operands, elements(3, nullptr);
  for (size_t i = 0; i < sources.size(); i++)
    elements[i] = widened(s.b, elementOf(s.b, kernel->region(), sources[i], operands));
  Value *result = formula(elements[0], elements[1], elements[2]);
  s.b.create(OpKind::LoopYield, {s.b.cast(result, s.out().dtype())}, {});
  kernel->setOperands(operands);
  return {};
}

bool isOne(Value *scale) {
  Op *op = scale->definingOp();
  return op && op->kind() == OpKind::ScalarConst && op->attrs.getFloat("value") == 1;
}

} // namespace

/// saturate(rne(x / scale) + zero point), the quotient rounded to the precision asked for.
Result<void> selectQuantizeLinear(Selection &s) {
  LoopBuilder &b = s.b;
  DType precision = s.in(1).dtype();
  if (const Attr *attr = s.op.attrs.find("precision"))
    if (const DType *stated = std::get_if<DType>(attr))
      precision = *stated;
  return selectScaled(s, [&](Value *x, Value *scale, Value *zero) {
    Value *ratio = b.cast(x, DType::F32);
    if (isStorageOnly(precision))
      ratio = b.cast(b.cast(ratio, precision), DType::F32);
    if (!isOne(scale))
      ratio = b.div(ratio, b.cast(scale, DType::F32));
    if (isStorageOnly(precision))
      ratio = b.cast(b.cast(ratio, precision), DType::F32);
    Value *rounded = b.unary(OpKind::ScalarRound, ratio);
    return zero ? b.add(rounded, b.cast(zero, DType::F32)) : rounded;
  });
}

/// (x - zero point) * scale, rounded to the result's type.
Result<void> selectDequantizeLinear(Selection &s) {
  LoopBuilder &b = s.b;
  return selectScaled(s, [&](Value *x, Value *scale, Value *zero) {
    Value *difference = b.cast(x, DType::F32);
    if (zero)
      difference = b.sub(difference, b.cast(zero, DType::F32));
    return b.mul(difference, b.cast(scale, DType::F32));
  });
}

} // namespace cameo
