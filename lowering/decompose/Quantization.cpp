// DynamicQuantizeLinear as a reduction and arithmetic.
#include "lowering/decompose/Decompose.h"

namespace cameo {

/// y, scale and zero point of a tensor whose range, 0 included, is mapped to 0 ... 255. Results 1
/// and 2 are replaced here.
Value *decomposeDynamicQuantize(Builder &b, Op &op) {
  Value *x = op.operand(0);
  Value *zero = scalarLike(b, x, 0), *most = scalarLike(b, x, 255);
  auto least = [&](OpKind reduction, OpKind limit) {
    AttrDict attrs;
    attrs.set("keepdims", int64_t(0));
    Value *whole = b.graphValue(reduction, {x}, std::move(attrs));
    return b.graphValue(limit, {whole, zero});
  };
  Value *low = least(OpKind::ReduceMin, OpKind::Min), *high = least(OpKind::ReduceMax, OpKind::Max);
  Value *range = b.graphValue(OpKind::Sub, {high, low});
  Value *isFlat = b.graphValue(OpKind::Equal, {range, zero});
  range = b.graphValue(OpKind::Where, {isFlat, scalarLike(b, x, 1), range});
  Value *scale = b.graphValue(OpKind::Div, {range, most});
  Value *point = b.graphValue(OpKind::Sub, {zero, b.graphValue(OpKind::Div, {low, scale})});
  point = b.graphValue(OpKind::Round, {b.graphValue(OpKind::Clip, {point, zero, most})});
  AttrDict attrs;
  attrs.set("to", DType::U8);
  point = b.graphValue(OpKind::Cast, {point}, std::move(attrs));
  scale->name = op.result(1)->name;
  point->name = op.result(2)->name;
  op.result(1)->replaceAllUsesWith(scale);
  op.result(2)->replaceAllUsesWith(point);
  return b.graphValue(OpKind::QuantizeLinear, {x, scale, point});
}

} // namespace cameo
