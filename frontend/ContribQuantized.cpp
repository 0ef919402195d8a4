// Operators of 8-bit tensors: a quantized operator is the float one between DequantizeLinear and
// QuantizeLinear; the passes of lowering/quant make integer arithmetic of it.
#include "frontend/ExpandSteps.h"

#include <algorithm>

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

/// An operator of images, whose channels the attribute `channels_last` may put last.
template <Result<void> expand(Upgrade &)> Result<void> image(Upgrade &u) {
  return TRY(u.takeInt("channels_last", 0)) ? withChannelsLast<expand, 0>(u) : expand(u);
}

/// The opset whose Softmax is meant says what `axis` is.
Result<void> softmax(Upgrade &u) {
  OldNode float_{"Softmax", TRY(u.takeInt("opset", 13)), {TRY(dequantize(u, 0))}, {}, {true}, {}};
  float_.attrs.set("axis", TRY(u.takeInt("axis", -1)));
  TRY(upgradeNode(float_, u.build));
  if (float_.results.empty())
    float_.results = {TRY(u.emit(OpKind::Softmax, float_.inputs, float_.attrs))};
  return finish(u, float_.results[0], 3);
}

/// Condition, x, scale, zero point, y, scale, zero point, result's scale and zero point.
Result<void> where(Upgrade &u) {
  Value *condition = TRY(u.required(0)), *x = TRY(dequantize(u, 1)), *y = TRY(dequantize(u, 4));
  Value *chosen = TRY(u.emit(OpKind::Where, {condition, x, y}));
  u.node.inputs[0] = u.node.inputs[1];
  return finish(u, chosen, 7);
}

Result<void> reduceMean(Upgrade &u) {
  Value *axes = u.ints(TRY(u.takeInts("axes"))), *x = TRY(dequantize(u, 0));
  return finish(u, TRY(u.emit(OpKind::ReduceMean, {x, axes}, u.takeAll())), 3);
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

/// A, which the run quantizes, B, its scale and zero point, a bias.
Result<void> dynamicMatMul(Upgrade &u) {
  Value *a = TRY(u.required(0)), *b = TRY(u.required(1)), *scale = TRY(u.required(2));
  Op *bytes = TRY(u.build.graph(OpKind::DynamicQuantizeLinear, {a}));
  u.node.results = {TRY(byteProduct(u, {bytes->result(0), bytes->result(1), bytes->result(2), b,
                                        scale, u.input(3), u.input(4)}))};
  return {};
}

/// A, B, their scales, their zero points, a bias.
Result<void> integerToFloat(Upgrade &u) {
  Value *a = TRY(u.required(0)), *b = TRY(u.required(1));
  Value *aScale = TRY(u.required(2)), *bScale = TRY(u.required(3));
  for (size_t i : {2, 4})
    if (u.has(i))
      if (const Type &type = TRY(u.ranked(i));
          type.rank() > 1 || (type.rank() && !(type.dim(0) == Dim(1))))
        return u.unsupported("input " + std::to_string(i) + " is " + type.str() +
                             ", only a number is supported");
  u.node.results = {
      TRY(byteProduct(u, {a, aScale, u.input(4), b, bScale, u.input(5), u.input(6)}))};
  return {};
}

/// Inputs 1 and 2, weights of gates one behind the other, in the order of LSTM's.
Result<void> dynamicLstm(Upgrade &u) {
  std::vector<Value *> operands = u.node.inputs;
  for (size_t i : {0, 1, 2, 8, 9, 10, 11})
    TRY(u.required(i));
  for (size_t i : {1, 2})
    operands[i] = TRY(transposed(u, operands[i], {0, 2, 1}));
  Op *op = TRY(u.build.graph(OpKind::DynamicQuantizeLSTM, std::move(operands), u.takeAll(), 3));
  u.node.results = {op->result(0), op->result(1), op->result(2)};
  return {};
}

/// EmbedLayerNormalization whose inputs 2 to 6 are quantized: their scales are 8 to 12, their zero
/// points 13 to 17.
Result<void> embedLayerNormOfBytes(Upgrade &u) {
  std::vector<Value *> floats(u.node.inputs.begin(),
                              u.node.inputs.begin() + std::min<size_t>(8, u.node.inputs.size()));
  for (size_t i = 2; i <= 6; i++)
    if (u.has(i))
      floats[i] = TRY(u.emit(OpKind::DequantizeLinear,
                             {floats[i], TRY(u.required(i + 6)), TRY(u.required(i + 11))}));
  u.node.inputs = std::move(floats);
  return embedLayerNorm(u);
}

constexpr Expansion kExpansions[] = {
    {"DequantizeLinear", sameOperator<OpKind::DequantizeLinear>, 3},
    {"DynamicQuantizeLSTM", dynamicLstm, 12},
    {"DynamicQuantizeMatMul", dynamicMatMul, 5},
    {"MatMulIntegerToFloat", integerToFloat, 7},
    {"QEmbedLayerNormalization", embedLayerNormOfBytes, 18},
    {"QGemm", gemm, 9},
    {"QLinearAdd", binary<OpKind::Add>, 8},
    {"QLinearAveragePool", image<unary<OpKind::AveragePool>>, 5},
    {"QLinearConcat", concat, kAnyInputs},
    {"QLinearConv", image<sameOperator<OpKind::QLinearConv>>, 9},
    {"QLinearGlobalAveragePool", image<unary<OpKind::GlobalAveragePool>>, 5},
    {"QLinearLeakyRelu", unary<OpKind::LeakyRelu>, 5},
    {"QLinearMul", binary<OpKind::Mul>, 8},
    {"QLinearReduceMean", reduceMean, 5},
    {"QLinearSigmoid", unary<OpKind::Sigmoid>, 5},
    {"QLinearSoftmax", softmax, 5},
    {"QLinearWhere", where, 9},
    {"QuantizeLinear", sameOperator<OpKind::QuantizeLinear>, 3},
};

} // namespace

Result<Value *> byteProduct(Upgrade &u, const ByteProduct &p) {
  Value *sums = TRY(u.emit(OpKind::MatMulInteger, {p.a, p.b, p.aZero, p.bZero}));
  DType dtype = p.bScale->type.dtype();
  Value *scale = TRY(u.emit(OpKind::Mul, {p.aScale, p.bScale}));
  Value *y = TRY(u.cast(TRY(u.cast(sums, DType::F32)), dtype));
  Value *product = TRY(u.emit(OpKind::Mul, {y, scale}));
  TRY(expectShapeOf(u, product, sums));
  if (!p.bias)
    return product;
  y = TRY(u.emit(OpKind::Add, {product, p.bias}));
  TRY(expectShapeOf(u, y, product));
  return y;
}

std::span<const Expansion> quantizedExpansions() { return kExpansions; }

} // namespace cameo
