// Small composites as simpler ops.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

namespace cameo {
namespace {

Value *reshapedTo(Rewriter &b, Value *x, const std::vector<int64_t> &shape) {
  return b.graphValue(OpKind::Reshape, {x, b.constant(makeConst(shape))});
}

} // namespace

Value *decomposeCastLike(Rewriter &b, Op &op) {
  AttrDict attrs;
  attrs.set("to", op.operand(1)->type.dtype());
  return b.graphValue(OpKind::Cast, {op.operand(0)}, std::move(attrs));
}

/// 1 at the first largest element along the axis, 0 elsewhere.
Value *decomposeHardmax(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  int64_t rank = x->type.rank(), axis = op.attrs.getInt("axis", -1);
  axis = axis < 0 ? axis + rank : axis;
  AttrDict attrs;
  attrs.set("axis", axis);
  attrs.set("keepdims", int64_t(1));
  Value *largest = b.graphValue(OpKind::ArgMax, {x}, std::move(attrs));
  Value *positions =
      b.graphValue(OpKind::Range, {scalarInt(b, 0), axisSize(b, x, axis), scalarInt(b, 1)});
  std::vector<int64_t> shape(rank, 1);
  shape[axis] = -1;
  Value *here = b.graphValue(OpKind::Equal, {largest, reshapedTo(b, positions, shape)});
  AttrDict to;
  to.set("to", x->type.dtype());
  return b.graphValue(OpKind::Cast, {here}, std::move(to));
}

} // namespace cameo
