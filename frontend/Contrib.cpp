// See Contrib.h. A quantized operator is the float one between DequantizeLinear and QuantizeLinear;
// the passes of lowering/quant make integer arithmetic of it.
#include "frontend/Contrib.h"

#include <unordered_map>

namespace cameo {
namespace {

using Values = std::vector<Value *>;

Value *input(Upgrade &u, size_t i) { return u.has(i) ? u.node.inputs[i] : nullptr; }

Result<Value *> required(Upgrade &u, size_t i) {
  if (!u.has(i))
    return u.error("input " + std::to_string(i) + " is missing");
  return u.node.inputs[i];
}

/// The dequantized tensor of inputs first, first + 1 (scale) and first + 2 (zero point).
Result<Value *> dequantize(Upgrade &u, size_t first, AttrDict attrs = {}) {
  Value *x = TRY(required(u, first)), *scale = TRY(required(u, first + 1));
  return u.emit(OpKind::DequantizeLinear, {x, scale, input(u, first + 2)}, std::move(attrs));
}

/// Sets the result: y quantized with inputs scale and scale + 1 (zero point).
Result<void> finish(Upgrade &u, Value *y, size_t scale) {
  Value *step = TRY(required(u, scale));
  AttrDict attrs;
  // Without a zero point the result has the type of the first quantized input.
  if (!u.has(scale + 1))
    attrs.set("output_dtype", TRY(required(u, 0))->type.dtype());
  u.node.results = {
      TRY(u.emit(OpKind::QuantizeLinear, {y, step, input(u, scale + 1)}, std::move(attrs)))};
  return {};
}

/// x, scale, zero point, result's scale, result's zero point; the node's attributes are the float
/// operator's.
template <OpKind kind> Result<void> unary(Upgrade &u) {
  Value *x = TRY(dequantize(u, 0));
  return finish(u, TRY(u.emit(kind, {x}, u.node.attrs)), 3);
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
  Value *joined = TRY(u.emit(OpKind::Concat, std::move(operands), u.node.attrs));
  AttrDict attrs;
  if (!u.has(1))
    attrs.set("output_dtype", DType::U8);
  u.node.results = {TRY(u.emit(OpKind::QuantizeLinear, {joined, TRY(required(u, 0)), input(u, 1)},
                               std::move(attrs)))};
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
  if (Value *c = input(u, 6)) {
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

/// The operator is ONNX's own.
template <OpKind kind> Result<void> same(Upgrade &u) {
  u.node.results = {TRY(u.emit(kind, u.node.inputs, u.node.attrs))};
  return {};
}

using Expansion = Result<void> (*)(Upgrade &);

const std::unordered_map<std::string_view, Expansion> &expansions() {
  static const std::unordered_map<std::string_view, Expansion> table = {
      {"QuantizeLinear", same<OpKind::QuantizeLinear>},
      {"DequantizeLinear", same<OpKind::DequantizeLinear>},
      {"Gelu", same<OpKind::Gelu>},
      {"QLinearAdd", binary<OpKind::Add>},
      {"QLinearMul", binary<OpKind::Mul>},
      {"QLinearAveragePool", pool<OpKind::AveragePool>},
      {"QLinearGlobalAveragePool", pool<OpKind::GlobalAveragePool>},
      {"QLinearLeakyRelu", unary<OpKind::LeakyRelu>},
      {"QLinearSigmoid", unary<OpKind::Sigmoid>},
      {"QLinearSoftmax", softmax},
      {"QLinearConcat", concat},
      {"QGemm", gemm},
  };
  return table;
}

} // namespace

bool isContribOperator(const std::string &op) { return expansions().count(op) > 0; }

Result<void> expandContrib(OldNode &node, Builder &build) {
  Upgrade upgrade(node, build);
  return expansions().at(node.op)(upgrade);
}

} // namespace cameo
