// CausalConvWithState: a depthwise convolution over the inputs of this call behind the last ones of
// the call before.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

namespace cameo {
namespace {

/// The size of an axis as a list of one.
Value *sizeList(Rewriter &b, Value *x, int64_t axis) {
  AttrDict attrs;
  attrs.set("start", axis);
  attrs.set("end", axis + 1);
  return b.graphValue(OpKind::Shape, {x}, std::move(attrs));
}

Value *alongAxis(Rewriter &b, OpKind kind, std::vector<Value *> operands, int64_t axis) {
  AttrDict attrs;
  attrs.set("axis", axis);
  return b.graphValue(kind, std::move(operands), std::move(attrs));
}

/// Zeros before the last axis of [batch, channels, length], one less than there are taps.
Value *zerosBefore(Rewriter &b, Value *x, Value *weight) {
  Value *count = b.graphValue(OpKind::Sub, {sizeList(b, weight, 2), b.constant(makeConst({1}))});
  Value *pads =
      alongAxis(b, OpKind::Concat,
                {b.constant(makeConst({0, 0})), count, b.constant(makeConst({0, 0, 0}))}, 0);
  return b.graphValue(OpKind::Pad, {x, pads});
}

Value *range(Rewriter &b, Value *count) {
  return b.graphValue(OpKind::Range, {scalarInt(b, 0), count, scalarInt(b, 1)});
}

/// The convolution where only the run knows how many channels, and groups, there are: each window
/// of a channel times its weights.
Value *windowsTimesWeights(Rewriter &b, Op &op, Value *line) {
  Value *x = op.operand(0), *weight = op.operand(1), *bias = op.operand(2);
  Value *steps = range(b, axisSize(b, x, 2)), *taps = range(b, axisSize(b, weight, 2));
  Value *one = b.constant(makeConst({1})), *last = b.constant(makeConst({3}));
  Value *at = b.graphValue(OpKind::Add, {b.graphValue(OpKind::Unsqueeze, {steps, one}), taps});
  Value *windows = alongAxis(b, OpKind::Gather, {line, at}, 2);
  AttrDict perm;
  perm.set("perm", std::vector<int64_t>{0, 2, 1});
  Value *columns = b.graphValue(OpKind::Transpose, {weight}, std::move(perm));
  Value *y =
      b.graphValue(OpKind::Squeeze, {b.graphValue(OpKind::MatMul, {windows, columns}), last});
  return bias ? b.graphValue(OpKind::Add, {y, b.graphValue(OpKind::Unsqueeze, {bias, one})}) : y;
}

Value *convolved(Rewriter &b, Op &op, Value *line) {
  const Dim &channels = op.operand(1)->type.dim(0);
  if (!channels.isConst())
    return windowsTimesWeights(b, op, line);
  AttrDict groups;
  groups.set("group", channels.value());
  return b.graphValue(OpKind::Conv, {line, op.operand(1), op.operand(2)}, std::move(groups));
}

} // namespace

Value *decomposeCausalConv(Rewriter &b, Op &op) {
  Value *x = op.operand(0), *weight = op.operand(1), *past = op.operand(3);
  Value *line = past ? alongAxis(b, OpKind::Concat, {past, x}, 2) : zerosBefore(b, x, weight);
  Dims shape = x->type.shape();
  shape[2] = shape[2] + weight->type.dim(2) - Dim(1);
  line->type = line->type.withShape(shape);
  Value *y = convolved(b, op, line);
  if (op.attrs.getString("activation", "none") != "none")
    y = b.graphValue(OpKind::Mul, {y, b.graphValue(OpKind::Sigmoid, {y})});
  if (!op.result(1)->users().empty()) {
    // What lies behind as many inputs as there are outputs.
    Value *state =
        b.graphValue(OpKind::Slice, {line, sizeList(b, x, 2), b.constant(makeConst({INT64_MAX})),
                                     b.constant(makeConst({2}))});
    state->name = op.result(1)->name;
    op.result(1)->replaceAllUsesWith(state);
  }
  return y;
}

} // namespace cameo
