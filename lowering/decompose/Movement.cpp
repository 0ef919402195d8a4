// Data movement and small composites as reshapes, transposes and simpler ops.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

namespace cameo {
namespace {

Value *reshapedTo(Rewriter &b, Value *x, const std::vector<int64_t> &shape) {
  return b.graphValue(OpKind::Reshape, {x, b.constant(makeConst(shape))});
}

Value *transposed(Rewriter &b, Value *x, std::vector<int64_t> perm) {
  AttrDict attrs;
  attrs.set("perm", std::move(perm));
  return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
}

/// Channels, height and width of an N C H W operand, where they are constants. A Reshape's 0 keeps
/// the batch, which may be a symbol.
std::optional<std::vector<int64_t>> imageSize(Value *x) {
  const Dims &shape = x->type.shape();
  return constantDims(Dims(shape.begin() + 1, shape.end()));
}

} // namespace

Value *decomposeDepthToSpace(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  std::optional<std::vector<int64_t>> size = imageSize(x);
  int64_t block = op.attrs.getInt("blocksize");
  if (!size || block <= 0 || (*size)[0] % (block * block))
    return nullptr;
  int64_t depth = (*size)[0] / (block * block), height = (*size)[1], width = (*size)[2];
  bool columns = op.attrs.getString("mode", "DCR") == "CRD";
  Value *split = columns ? reshapedTo(b, x, {0, depth, block, block, height, width})
                         : reshapedTo(b, x, {0, block, block, depth, height, width});
  Value *moved = transposed(b, split,
                            columns ? std::vector<int64_t>{0, 1, 4, 2, 5, 3}
                                    : std::vector<int64_t>{0, 3, 4, 1, 5, 2});
  return reshapedTo(b, moved, {0, depth, height * block, width * block});
}

Value *decomposeSpaceToDepth(Rewriter &b, Op &op) {
  Value *x = op.operand(0);
  std::optional<std::vector<int64_t>> size = imageSize(x);
  int64_t block = op.attrs.getInt("blocksize");
  if (!size || block <= 0 || (*size)[1] % block || (*size)[2] % block)
    return nullptr;
  int64_t depth = (*size)[0], height = (*size)[1] / block, width = (*size)[2] / block;
  Value *split = reshapedTo(b, x, {0, depth, height, block, width, block});
  bool columns = op.attrs.getString("mode", "DCR") == "CRD";
  Value *moved = transposed(b, split,
                            columns ? std::vector<int64_t>{0, 1, 3, 5, 2, 4}
                                    : std::vector<int64_t>{0, 3, 5, 1, 2, 4});
  return reshapedTo(b, moved, {0, depth * block * block, height, width});
}

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
