// Turns quantized convolutions and products into integer ones: QLinearConv and QLinearMatMul, and
// Conv, MatMul and Gemm whose operands are dequantized. Runs first: folding would turn dequantized
// weights into floats. What follows (activation, quantization of the result) stays as it is for
// merge-requantize.
//
// Turn this: %c = Conv(DequantizeLinear(%x, %sx, %zx), DequantizeLinear(%w, %sw, %zw), %b)
// Into this: %a = ConvInteger(%x, %w, %zx, %zw);  %c = Cast(%a) * (%sx * %sw) + %b
#include "lowering/Passes.h"
#include "lowering/build/Shapes.h"
#include "lowering/quant/Quantized.h"

#include <cmath>

namespace cameo {
namespace {

// A bias in integers counts in units of sx * sw; another scale makes it a float.
constexpr double kScaleTolerance = 1e-5;

Value *product(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Mul, {x, y}); }

/// A per-tensor activation and weights that ConvInteger or MatMulInteger take: 8-bit integers, the
/// weights' scale a number or one a column.
bool areBytes(const Quantized &x, const Quantized &w, int64_t columnAxis) {
  return dtypeBytes(x.integers->type.dtype()) == 1 && dtypeBytes(w.integers->type.dtype()) == 1 &&
         x.perTensor() && (w.perTensor() || w.axis == columnAxis);
}

/// The integers of a bias whose scale is that of the sums; nullptr if it is something else.
Value *integerBias(Value *bias, const Quantized &x, const Quantized &w) {
  std::optional<Quantized> q = dequantized(bias);
  if (!q || q->integers->type.dtype() != DType::I32)
    return nullptr;
  bool noZero = !q->zero || uniformValue(q->zero) == 0.0;
  ConstRef own = constantData(q->scale), sx = constantData(x.scale), sw = constantData(w.scale);
  if (!noZero || !own || !sx || !sw || sx->numElements() != 1)
    return nullptr;
  int64_t count = std::max(own->numElements(), sw->numElements());
  for (int64_t i = 0; i < count; i++) {
    auto at = [&](const ConstRef &data) {
      return constFloat(*data, data->numElements() == 1 ? 0 : i);
    };
    double expected = at(sx) * at(sw);
    if (std::abs(at(own) - expected) > kScaleTolerance * expected)
      return nullptr;
  }
  return q->integers;
}

/// float(sums + bias) * scale + float bias, the bias being one of the two.
Value *scaled(Rewriter &b, Value *sums, Value *bias, bool isInteger, Value *scale) {
  if (bias && isInteger)
    sums = b.graphValue(OpKind::Add, {sums, bias});
  Value *result = product(b, castTo(b, sums, DType::F32), scale);
  return bias && !isInteger ? b.graphValue(OpKind::Add, {result, bias}) : result;
}

Value *rewriteConv(Rewriter &b, Op &op) {
  std::optional<Quantized> x = dequantized(op.operand(0)), w = dequantized(op.operand(1));
  if (!x || !w || !areBytes(*x, *w, 0))
    return nullptr;
  int64_t rank = op.result()->type.rank();
  Value *sums =
      b.graphValue(OpKind::ConvInteger, {x->integers, w->integers, x->zero, w->zero}, op.attrs);
  Value *bias = op.operand(2), *integers = bias ? integerBias(bias, *x, *w) : nullptr;
  if (bias)
    bias = shapedAlong(b, integers ? integers : bias, 1, rank);
  Value *scale = product(b, shapedAlong(b, x->scale, 0, rank), shapedAlong(b, w->scale, 1, rank));
  return scaled(b, sums, bias, integers != nullptr, scale);
}

/// The transpose of a matrix of integers, whose axis of scales moves along.
void transpose(Rewriter &b, Quantized &q) {
  AttrDict attrs;
  attrs.set("perm", std::vector<int64_t>{1, 0});
  q.integers = b.graphValue(OpKind::Transpose, {q.integers}, std::move(attrs));
  q.axis = 1 - q.axis;
}

Value *rewriteProduct(Rewriter &b, Op &op) {
  std::optional<Quantized> x = dequantized(op.operand(0)), w = dequantized(op.operand(1));
  bool isGemm = op.kind() == OpKind::Gemm;
  if (!x || !w ||
      (isGemm && (op.attrs.getFloat("alpha", 1) != 1 || op.attrs.getFloat("beta", 1) != 1)))
    return nullptr;
  int64_t rank = w->integers->type.rank();
  bool flip = isGemm && op.attrs.getInt("transB");
  if (rank < 2 || !areBytes(*x, *w, flip ? rank - 2 : rank - 1))
    return nullptr;
  if (isGemm && op.attrs.getInt("transA"))
    transpose(b, *x);
  if (flip)
    transpose(b, *w);
  Value *sums = b.graphValue(OpKind::MatMulInteger, {x->integers, w->integers, x->zero, w->zero});
  Value *bias = isGemm ? op.operand(2) : nullptr;
  Value *integers = bias ? integerBias(bias, *x, *w) : nullptr;
  Value *scale = product(b, shapedAlong(b, x->scale, 0, 2), shapedAlong(b, w->scale, 0, 1));
  return scaled(b, sums, integers ? integers : bias, integers != nullptr, scale);
}

/// QuantizeLinear(float(sums) * (scale / yScale), 1, yZero).
Value *requantized(Rewriter &b, Value *sums, Value *scale, Value *yScale, Value *yZero) {
  Value *factor = b.graphValue(OpKind::Div, {scale, yScale});
  Value *scaledSums = product(b, castTo(b, sums, DType::F32), factor);
  return b.graphValue(OpKind::QuantizeLinear,
                      {scaledSums, b.constant(makeSplat(DType::F32, {}, 1)), yZero});
}

/// The only element of a tensor.
Value *asScalar(Rewriter &b, Value *value) {
  if (value->type.rank() == 0)
    return value;
  return b.graphValue(OpKind::Reshape, {value, b.constant(makeConst(std::vector<int64_t>{}))});
}

Value *rewriteQLinearConv(Rewriter &b, Op &op) {
  int64_t rank = op.result()->type.rank();
  Value *sums = b.graphValue(
      OpKind::ConvInteger, {op.operand(0), op.operand(3), op.operand(2), op.operand(5)}, op.attrs);
  if (Value *bias = op.operand(8))
    sums = b.graphValue(OpKind::Add, {sums, shapedAlong(b, bias, 1, rank)});
  Value *scale = product(b, asScalar(b, op.operand(1)), shapedAlong(b, op.operand(4), 1, rank));
  return requantized(b, sums, scale, asScalar(b, op.operand(6)), asScalar(b, op.operand(7)));
}

Value *rewriteQLinearMatMul(Rewriter &b, Op &op) {
  bool isRow = op.operand(0)->type.rank() == 1, isColumn = op.operand(3)->type.rank() == 1;
  int64_t rank = op.result()->type.rank();
  // A scale of a is one number, or one a row of the product.
  auto ofRows = [&](Value *value) {
    if (value->type.rank() > 1)
      return value;
    return isRow ? asScalar(b, value) : shapedAlong(b, value, rank - (isColumn ? 1 : 2), rank);
  };
  Value *sums = b.graphValue(OpKind::MatMulInteger,
                             {op.operand(0), op.operand(3), op.operand(2), op.operand(5)});
  auto wide = [&](int64_t i) { return castTo(b, op.operand(i), DType::F32); };
  return requantized(b, sums, product(b, ofRows(wide(1)), wide(4)), asScalar(b, wide(6)),
                     asScalar(b, op.operand(7)));
}

RewriteFn rewriteOf(OpKind kind) {
  switch (kind) {
  case OpKind::Conv:
    return rewriteConv;
  case OpKind::MatMul:
  case OpKind::Gemm:
    return rewriteProduct;
  case OpKind::QLinearConv:
    return rewriteQLinearConv;
  case OpKind::QLinearMatMul:
    return rewriteQLinearMatMul;
  default:
    return nullptr;
  }
}

} // namespace

Result<bool> integerContractions(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) {
    RewriteFn rewrite = rewriteOf(op.kind());
    return rewrite && op.result()->type.isRanked() ? rewrite : nullptr;
  });
}

} // namespace cameo
