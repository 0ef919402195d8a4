// DynamicQuantizeLinear as a reduction and arithmetic, and quantization in blocks as arithmetic
// with one scale an element.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

#include "ir/infer/Infer.h"

#include <cmath>

namespace cameo {
namespace {

Value *reducedToScalar(Rewriter &b, OpKind reduction, Value *x) {
  AttrDict attrs;
  attrs.set("keepdims", int64_t(0));
  return b.graphValue(reduction, {x}, std::move(attrs));
}

/// One number an index of the last dim but one; x itself if it has fewer than two dims.
Value *reducedToRows(Rewriter &b, OpKind reduction, Value *x) {
  int64_t rank = x->type.rank();
  if (rank < 2)
    return x;
  std::vector<int64_t> axes;
  for (int64_t axis = 0; axis < rank; axis++)
    if (axis != rank - 2)
      axes.push_back(axis);
  AttrDict attrs;
  attrs.set("keepdims", int64_t(0));
  return b.graphValue(reduction, {x, b.constant(makeConst(axes))}, std::move(attrs));
}

/// What is one number a block of x's axis as one an element.
Value *spreadBlocks(Rewriter &b, const Op &op, Value *blocks) {
  Value *x = op.operand(0);
  int64_t axis = *normalizeAxis(op.attrs.getInt("axis"), x->type.rank());
  Value *size = axisSize(b, x, axis);
  Value *positions = b.graphValue(OpKind::Range, {scalarInt(b, 0), size, scalarInt(b, 1)});
  Value *block = b.constant(makeConst({op.attrs.getInt("block_size")}));
  AttrDict attrs;
  attrs.set("axis", axis);
  return b.graphValue(OpKind::Gather, {blocks, b.graphValue(OpKind::Div, {positions, block})},
                      std::move(attrs));
}

} // namespace

Value *decomposeBlockedQuantize(Rewriter &b, Op &op) {
  if (op.attrs.getInt("block_size") == 0)
    return nullptr;
  Value *scale = spreadBlocks(b, op, op.operand(1));
  DType dtype = op.result()->type.dtype();
  Value *x = castTo(b, op.operand(0), scale->type.dtype());
  Value *y = b.graphValue(OpKind::Round, {b.graphValue(OpKind::Div, {x, scale})});
  y = castTo(b, y, DType::F32);
  if (op.operand(2))
    y = b.graphValue(OpKind::Add, {y, castTo(b, spreadBlocks(b, op, op.operand(2)), DType::F32)});
  double size = std::ldexp(1.0, static_cast<int>(8 * dtypeBytes(dtype)));
  double least = isSignedInt(dtype) ? -size / 2 : 0;
  y = b.graphValue(OpKind::Clip, {y, scalarLike(b, y, least), scalarLike(b, y, least + size - 1)});
  return castTo(b, y, dtype);
}

Value *decomposeBlockedDequantize(Rewriter &b, Op &op) {
  if (op.attrs.getInt("block_size") == 0)
    return nullptr;
  Value *scale = spreadBlocks(b, op, op.operand(1));
  Value *x = castTo(b, op.operand(0), DType::F32);
  if (op.operand(2))
    x = b.graphValue(OpKind::Sub, {x, castTo(b, spreadBlocks(b, op, op.operand(2)), DType::F32)});
  Value *y = b.graphValue(OpKind::Mul, {x, castTo(b, scale, DType::F32)});
  return castTo(b, y, op.result()->type.dtype());
}

DynamicBytes quantizedDynamically(Rewriter &b, Value *x) {
  Value *zero = scalarLike(b, x, 0), *most = scalarLike(b, x, 255);
  // Rows first: one result would be one thread's work.
  auto least = [&](OpKind reduction, OpKind limit) {
    Value *whole = reducedToScalar(b, reduction, reducedToRows(b, reduction, x));
    return b.graphValue(limit, {whole, zero});
  };
  Value *low = least(OpKind::ReduceMin, OpKind::Min), *high = least(OpKind::ReduceMax, OpKind::Max);
  Value *range = b.graphValue(OpKind::Sub, {high, low});
  Value *isFlat = b.graphValue(OpKind::Equal, {range, zero});
  range = b.graphValue(OpKind::Where, {isFlat, scalarLike(b, x, 1), range});
  Value *scale = b.graphValue(OpKind::Div, {range, most});
  Value *point = b.graphValue(OpKind::Sub, {zero, b.graphValue(OpKind::Div, {low, scale})});
  point = b.graphValue(OpKind::Round, {b.graphValue(OpKind::Clip, {point, zero, most})});
  point = castTo(b, point, DType::U8);
  return {b.graphValue(OpKind::QuantizeLinear, {x, scale, point}), scale, point};
}

/// Results 1 and 2, the scale and the zero point, are replaced here.
Value *decomposeDynamicQuantize(Rewriter &b, Op &op) {
  DynamicBytes y = quantizedDynamically(b, op.operand(0));
  y.scale->name = op.result(1)->name;
  y.zero->name = op.result(2)->name;
  op.result(1)->replaceAllUsesWith(y.scale);
  op.result(2)->replaceAllUsesWith(y.zero);
  return y.bytes;
}

} // namespace cameo
