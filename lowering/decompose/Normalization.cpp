// Normalizations as arithmetic; the formulas are those of the ONNX operator pages. Statistics of
// halves are taken in f32, which is what stash_type asks for.
#include "lowering/decompose/Decompose.h"

#include "ir/infer/Infer.h"

#include <numeric>

namespace cameo {
namespace {

Value *add(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Add, {x, y}); }
Value *sub(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Sub, {x, y}); }
Value *mul(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Mul, {x, y}); }
Value *div(Rewriter &b, Value *x, Value *y) { return b.graphValue(OpKind::Div, {x, y}); }
Value *root(Rewriter &b, Value *x) { return b.graphValue(OpKind::Sqrt, {x}); }

/// A reduction over constant axes that keeps dims.
Value *reduce(Rewriter &b, OpKind kind, Value *x, const std::vector<int64_t> &axes) {
  return b.graphValue(kind, {x, b.constant(makeConst(axes))});
}

std::vector<int64_t> axesFrom(int64_t first, int64_t rank) {
  std::vector<int64_t> axes(rank - first);
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

/// (x - mean) / sqrt(variance + epsilon) over axes; the mean first, so that a large one costs no
/// digits.
Value *standardized(Rewriter &b, Value *x, const std::vector<int64_t> &axes, double epsilon) {
  Value *centred = sub(b, x, reduce(b, OpKind::ReduceMean, x, axes));
  Value *variance = reduce(b, OpKind::ReduceMean, mul(b, centred, centred), axes);
  return div(b, centred, root(b, add(b, variance, scalarLike(b, variance, epsilon))));
}

} // namespace

namespace {

/// A batch norm whose statistics are those of x; the running ones, results 1 and 2, are replaced
/// here.
Value *trainedBatchNorm(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  DType dtype = x->type.dtype();
  int64_t rank = x->type.rank();
  // All but the channels; a vector is one channel.
  std::vector<int64_t> axes = axesFrom(rank > 1 ? 1 : 0, rank);
  axes.front() = 0;
  Value *wide = castTo(b, x, workType(dtype));
  Value *mean = reduce(b, OpKind::ReduceMean, wide, axes), *centred = sub(b, wide, mean);
  Value *variance = reduce(b, OpKind::ReduceMean, mul(b, centred, centred), axes);
  Value *channels = b.constant(makeConst({-1}));
  Value *statistics[] = {mean, variance};
  double momentum = op.attrs.getFloat("momentum");
  for (int64_t i = 1; i < op.numResults(); i++) {
    Value *old = castTo(b, op.operand(i + 2), wide->type.dtype());
    Value *fresh = b.graphValue(OpKind::Reshape, {statistics[i - 1], channels});
    Value *running = add(b, mul(b, old, scalarLike(b, old, momentum)),
                         mul(b, fresh, scalarLike(b, old, 1 - momentum)));
    running = castTo(b, running, op.result(i)->type.dtype());
    running->name = op.result(i)->name;
    op.result(i)->replaceAllUsesWith(running);
  }
  Value *epsilon = scalarLike(b, variance, op.attrs.getFloat("epsilon"));
  Value *unit = castTo(b, div(b, centred, root(b, add(b, variance, epsilon))), dtype);
  auto along = [&](int64_t i) { return alongAxisOne(b, castTo(b, op.operand(i), dtype), rank); };
  return add(b, mul(b, unit, along(1)), along(2));
}

} // namespace

/// (x - mean) * (scale / sqrt(var + epsilon)) + B, per channel; the factor is folded when constant.
Value *decomposeBatchNorm(Rewriter &b, Op &op) {
  if (op.attrs.getInt("training_mode"))
    return trainedBatchNorm(b, op);
  for (int64_t i = 1; i < op.numResults(); i++)
    if (!op.result(i)->users().empty())
      return nullptr;
  Value *x = op.operand(0), *mean = op.operand(3), *variance = op.operand(4);
  Value *epsilon = scalarLike(b, variance, op.attrs.getFloat("epsilon"));
  Value *factor =
      div(b, castTo(b, op.operand(1), variance->type.dtype()), root(b, add(b, variance, epsilon)));
  Value *shift = sub(b, castTo(b, op.operand(2), mean->type.dtype()), mul(b, mean, factor));
  int64_t rank = x->type.rank();
  DType dtype = x->type.dtype();
  Value *scaled = mul(b, x, alongAxisOne(b, castTo(b, factor, dtype), rank));
  return add(b, scaled, alongAxisOne(b, castTo(b, shift, dtype), rank));
}

Value *decomposeInstanceNorm(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  int64_t rank = x->type.rank();
  DType dtype = x->type.dtype();
  Value *wide = castTo(b, x, workType(dtype));
  Value *unit = standardized(b, wide, axesFrom(2, rank), op.attrs.getFloat("epsilon"));
  Value *scaled = mul(b, castTo(b, unit, dtype), alongAxisOne(b, op.operand(1), rank));
  return add(b, scaled, alongAxisOne(b, op.operand(2), rank));
}

/// Each group of channels becomes a row, and back.
Value *decomposeGroupNorm(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  DType dtype = x->type.dtype();
  Value *wide = castTo(b, x, workType(dtype));
  // A Reshape cannot infer a size where another one is 0.
  int64_t groups = op.attrs.getInt("num_groups");
  Dim row =
      Dim::floorDiv(product(Dims(x->type.shape().begin() + 1, x->type.shape().end())), groups);
  Value *grouped = b.constant(makeConst({0, groups, row.isConst() ? row.value() : -1}));
  Value *rows = b.graphValue(OpKind::Reshape, {wide, grouped});
  Value *unit = standardized(b, rows, {2}, op.attrs.getFloat("epsilon"));
  Value *sizes = b.graphValue(OpKind::Shape, {x});
  unit = castTo(b, reshapeTo(b, unit, sizes), dtype);
  int64_t rank = x->type.rank();
  return add(b, mul(b, unit, alongAxisOne(b, op.operand(1), rank)),
             alongAxisOne(b, op.operand(2), rank));
}

Value *decomposeMeanVarianceNorm(Rewriter &b, Op &op) {
  // The specification adds 1e-9 to the deviation, not to the variance.
  Value *x = op.operand(0);
  std::vector<int64_t> axes = op.attrs.getInts("axes", {0, 2, 3});
  for (int64_t &axis : axes)
    axis = *normalizeAxis(axis, x->type.rank());
  Value *centred = sub(b, x, reduce(b, OpKind::ReduceMean, x, axes));
  Value *deviation = root(b, reduce(b, OpKind::ReduceMean, mul(b, centred, centred), axes));
  return div(b, centred, add(b, deviation, scalarLike(b, deviation, 1e-9)));
}

Value *decomposeLpNorm(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  bool one = op.attrs.getInt("p", 2) == 1;
  int64_t axis = *normalizeAxis(op.attrs.getInt("axis", -1), x->type.rank());
  Value *norm = reduce(b, one ? OpKind::ReduceL1 : OpKind::ReduceL2, x, {axis});
  // A row of zeros stays zero.
  Value *zero = scalarLike(b, norm, 0);
  Value *isZero = b.graphValue(OpKind::Equal, {norm, zero});
  return div(b, x, b.graphValue(OpKind::Where, {isZero, scalarLike(b, norm, 1), norm}));
}

/// x / (bias + alpha / size * sum of squares of `size` neighbouring channels) ^ beta. The window's
/// sum is that of shifted slices of the padded squares.
Value *decomposeLrn(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  int64_t size = op.attrs.getInt("size"), rank = x->type.rank();
  if (size < 1 || size > 64)
    return nullptr;
  int64_t before = (size - 1) / 2;
  std::vector<int64_t> pads(2 * rank, 0);
  pads[1] = before;
  pads[rank + 1] = size - 1 - before;
  Value *squares = b.graphValue(OpKind::Pad, {mul(b, x, x), b.constant(makeConst(pads))});
  Value *sum = nullptr, *axis = b.constant(makeConst({1}));
  for (int64_t i = 0; i < size; i++) {
    int64_t end = i + 1 == size ? INT64_MAX : i + 1 - size;
    Value *shifted = b.graphValue(
        OpKind::Slice, {squares, b.constant(makeConst({i})), b.constant(makeConst({end})), axis});
    sum = sum ? add(b, sum, shifted) : shifted;
  }
  Value *scaled = mul(b, sum, scalarLike(b, x, op.attrs.getFloat("alpha") / size));
  Value *base = add(b, scaled, scalarLike(b, x, op.attrs.getFloat("bias")));
  Value *power = b.graphValue(OpKind::Pow, {base, scalarLike(b, x, op.attrs.getFloat("beta"))});
  return div(b, x, power);
}

/// max + log(sum(exp(x - max))), which does not overflow; an infinite maximum is not subtracted.
Value *decomposeLogSumExp(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  InferContext context(b.module(), op);
  std::optional<std::vector<int64_t>> axes;
  if (op.operand(1)) {
    axes = context.knownInts(1);
    if (!axes)
      return nullptr;
  }
  if ((!axes || axes->empty()) && op.attrs.getInt("noop_with_empty_axes"))
    return nullptr;
  if (!axes || axes->empty())
    axes = axesFrom(0, x->type.rank());
  Value *largest = reduce(b, OpKind::ReduceMax, x, *axes);
  Value *infinite = b.graphValue(OpKind::IsInf, {largest});
  largest = b.graphValue(OpKind::Where, {infinite, scalarLike(b, largest, 0), largest});
  Value *sum = reduce(b, OpKind::ReduceSum, b.graphValue(OpKind::Exp, {sub(b, x, largest)}), *axes);
  Value *result = add(b, largest, b.graphValue(OpKind::Log, {sum}));
  if (op.attrs.getInt("keepdims", 1))
    return result;
  return b.graphValue(OpKind::Squeeze, {result, b.constant(makeConst(*axes))});
}

} // namespace cameo
