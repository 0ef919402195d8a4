// Operators of 8-bit tensors: a quantized operator is the float one between DequantizeLinear and
// QuantizeLinear; the passes of lowering/quant make integer arithmetic of it.
#include "frontend/ContribSteps.h"

namespace cameo {
namespace {

using Values = std::vector<Value *>;

/// The dequantized tensor of inputs first, first + 1 (scale) and first + 2 (zero point).
Result<Value *> dequantize(Upgrade &u, size_t first, AttrDict attrs = {}) {
  Value *x = TRY(u.required(first)), *scale = TRY(u.required(first + 1));
  return u.emit(OpKind::DequantizeLinear, {x, scale, u.input(first + 2)}, std::move(attrs));
}

/// Sets the result: y quantized with inputs scale and scale + 1 (zero point).
Result<void> finish(Upgrade &u, Value *y, size_t scale) {
  Value *step = TRY(u.required(scale));
  AttrDict attrs;
  // Without a zero point the result has the type of the first quantized input.
  if (!u.has(scale + 1))
    attrs.set("output_dtype", TRY(u.required(0))->type.dtype());
  u.node.results = {
      TRY(u.emit(OpKind::QuantizeLinear, {y, step, u.input(scale + 1)}, std::move(attrs)))};
  return {};
}

/// x, scale, zero point, result's scale, result's zero point; the node's attributes are the float
/// operator's.
template <OpKind kind> Result<void> unary(Upgrade &u) {
  Value *x = TRY(dequantize(u, 0));
  return finish(u, TRY(u.emit(kind, {x}, u.takeAll())), 3);
}

template <OpKind kind> Result<void> binary(Upgrade &u) {
  Value *a = TRY(dequantize(u, 0)), *b = TRY(dequantize(u, 3));
  return finish(u, TRY(u.emit(kind, {a, b})), 6);
}

template <OpKind kind> Result<void> pool(Upgrade &u) {
  if (TRY(u.takeInt("channels_last", 0)))
    return u.unsupported("channels_last is not supported");
  return unary<kind>(u);
}

/// The opset whose Softmax is meant says what `axis` is.
Result<void> softmax(Upgrade &u) {
  if (TRY(u.takeInt("opset", 13)) < 13)
    return u.unsupported("the softmax of opsets before 13 is not supported");
  return unary<OpKind::Softmax>(u);
}

/// Result's scale and zero point, then x, scale, zero point of each operand.
Result<void> concat(Upgrade &u) {
  Values operands;
  for (size_t i = 2; i < u.node.inputs.size(); i += 3)
    operands.push_back(TRY(dequantize(u, i)));
  Value *joined = TRY(u.emit(OpKind::Concat, std::move(operands), u.takeAll()));
  AttrDict attrs;
  if (!u.has(1))
    attrs.set("output_dtype", DType::U8);
  u.node.results = {TRY(
      u.emit(OpKind::QuantizeLinear, {joined, TRY(u.required(0)), u.input(1)}, std::move(attrs)))};
  return {};
}

/// a, scale, zero point, b, scale, zero point, c in units of alpha * the two scales; without a
/// scale of the result it is a float.
Result<void> gemm(Upgrade &u) {
  bool transB = TRY(u.takeInt("transB", 0));
  AttrDict attrs, columns;
  attrs.set("transA", TRY(u.takeInt("transA", 0)));
  attrs.set("transB", int64_t(transB));
  columns.set("axis", int64_t(transB ? 0 : 1));
  double alpha = TRY(u.takeFloat("alpha", 1));
  Value *a = TRY(dequantize(u, 0)), *b = TRY(dequantize(u, 3, std::move(columns)));
  Values operands = {a, b};
  if (Value *c = u.input(6)) {
    Value *scale = TRY(u.emit(OpKind::Mul, {u.node.inputs[1], u.node.inputs[4]}));
    AttrDict axis;
    axis.set("axis", int64_t(-1));
    operands.push_back(TRY(u.emit(OpKind::DequantizeLinear, {c, scale}, std::move(axis))));
  }
  Value *y = TRY(u.emit(OpKind::Gemm, std::move(operands), std::move(attrs)));
  if (alpha != 1)
    y = TRY(u.emit(OpKind::Mul, {y, u.scalar(y->type.dtype(), alpha)}));
  if (u.has(7))
    return finish(u, y, 7);
  u.node.results = {y};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"DequantizeLinear", sameOperator<OpKind::DequantizeLinear>, 3},
    {"QGemm", gemm, 9},
    {"QLinearAdd", binary<OpKind::Add>, 8},
    {"QLinearAveragePool", pool<OpKind::AveragePool>, 5},
    {"QLinearConcat", concat, kAnyInputs},
    {"QLinearGlobalAveragePool", pool<OpKind::GlobalAveragePool>, 5},
    {"QLinearLeakyRelu", unary<OpKind::LeakyRelu>, 5},
    {"QLinearMul", binary<OpKind::Mul>, 8},
    {"QLinearSigmoid", unary<OpKind::Sigmoid>, 5},
    {"QLinearSoftmax", softmax, 5},
    {"QuantizeLinear", sameOperator<OpKind::QuantizeLinear>, 3},
};

} // namespace

std::span<const Expansion> quantizedExpansions() { return kExpansions; }

} // namespace cameo
