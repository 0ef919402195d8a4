// CausalConvWithState: a depthwise convolution over the inputs of this call behind the last ones of
// the call before.
#include "lowering/decompose/Decompose.h"

namespace cameo {
namespace {

/// `count` zeros before the last axis of [batch, channels, length].
Value *zerosBefore(Rewriter &b, Value *x, int64_t count) {
  std::vector<int64_t> pads = {0, 0, count, 0, 0, 0};
  return b.graphValue(OpKind::Pad, {x, b.constant(makeConst(pads))});
}

} // namespace

Value *decomposeCausalConv(Rewriter &b, Op &op) {
  Value *x = op.operand(0), *weight = op.operand(1), *past = op.operand(3);
  const Dim &taps = weight->type.dim(2), &channels = weight->type.dim(0);
  if (!taps.isConst() || !channels.isConst())
    return nullptr;
  AttrDict axis, groups;
  axis.set("axis", int64_t(2));
  groups.set("group", channels.value());
  Value *line = past ? b.graphValue(OpKind::Concat, {past, x}, std::move(axis))
                     : zerosBefore(b, x, taps.value() - 1);
  Value *y = b.graphValue(OpKind::Conv, {line, weight, op.operand(2)}, std::move(groups));
  if (op.attrs.getString("activation", "none") != "none")
    y = b.graphValue(OpKind::Mul, {y, b.graphValue(OpKind::Sigmoid, {y})});
  if (!op.result(1)->users().empty()) {
    // With one tap the state is empty: the last 0 elements begin where the line ends.
    std::vector<int64_t> start = {taps.value() == 1 ? INT64_MAX : 1 - taps.value()};
    std::vector<int64_t> end = {INT64_MAX}, along = {2};
    Value *state =
        b.graphValue(OpKind::Slice, {line, b.constant(makeConst(start)), b.constant(makeConst(end)),
                                     b.constant(makeConst(along))});
    state->name = op.result(1)->name;
    op.result(1)->replaceAllUsesWith(state);
  }
  return y;
}

} // namespace cameo
