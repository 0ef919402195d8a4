// Rules of ops that make tensors from attributes, sizes or bounds.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <cmath>

namespace cameo {

Result<void> inferConstant(InferContext &ctx) {
  ConstRef value = ctx.op.attrs.getConst("value");
  ctx.out(0, Type::tensor(value->dtype, Dims(value->dims.begin(), value->dims.end())));
  if (std::optional<Dims> elements = knownElements(value))
    ctx.outKnown(0, *elements);
  return {};
}

Result<void> inferConstantOfShape(InferContext &ctx) {
  ConstRef value = ctx.op.attrs.getConst("value");
  if (value && value->numElements() != 1)
    return ctx.error("attribute 'value': expected one element, got " +
                     std::to_string(value->numElements()));
  if (value && value->dtype == DType::String)
    return ctx.error("attribute 'value': expected a number, got a string");
  ctx.out(0, Type::unranked(value ? value->dtype : DType::F32));
  std::optional<Dims> shape = TRY(shapeFrom(ctx, 0));
  if (!shape)
    return {};
  ctx.outShape(0, *shape);
  if (shape->size() > 1 || !value || !(isInt(value->dtype) || value->dtype == DType::Bool))
    return {};
  Dim count = product(*shape);
  if (count.isConst() && count.value() >= 0 && count.value() <= kMaxKnown)
    ctx.outKnown(0, Dims(count.value(), Dim(constInt(*value, 0))));
  return {};
}

/// Zeros but for ones on a diagonal; the input gives the shape.
Result<void> inferEyeLike(InferContext &ctx) {
  if (ctx.ranked())
    TRY(expectRank(ctx, 0, 2));
  ctx.out(0, ctx.in(0).withDType(dtypeAttr(ctx, "dtype", ctx.in(0).dtype())));
  return {};
}

namespace {

/// Elements of a range of constant floats: max(ceil((limit - start) / delta), 0).
Result<Dim> floatRangeLength(InferContext &ctx) {
  double bounds[3];
  for (int64_t i = 0; i < 3; i++) {
    ConstRef bound = ctx.constant(i);
    if (!bound || bound->numElements() != 1)
      return ctx.freshDim();
    bounds[i] = constFloat(*bound, 0);
  }
  double length = std::ceil((bounds[1] - bounds[0]) / bounds[2]);
  // Also catches NaN, and a delta of 0.
  if (!(length < 0x1p62))
    return ctx.error("expected a range of finite length, got start " + std::to_string(bounds[0]) +
                     ", limit " + std::to_string(bounds[1]) + ", delta " +
                     std::to_string(bounds[2]));
  return Dim(length > 0 ? static_cast<int64_t>(length) : 0);
}

Result<Dim> intRangeLength(InferContext &ctx, const Dims &bounds) {
  const Dim &start = bounds[0], &limit = bounds[1], &delta = bounds[2];
  if (delta.isConst() && delta.value() == 0)
    return ctx.error(ctx.name(2) + ": expected a step other than 0");
  bool up = provablyGreater(delta, Dim(0)), down = provablyGreater(Dim(0), delta);
  if (!up && !down)
    return ctx.freshDim();
  Dim length =
      up ? Dim::ceilDiv(limit - start, delta) : Dim::ceilDiv(start - limit, Dim(0) - delta);
  return provablyAtLeast(length, Dim(0)) ? length : Dim::max(length, Dim(0));
}

} // namespace

Result<void> inferRange(InferContext &ctx) {
  Dims bounds;
  for (int64_t i = 0; i < 3; i++) {
    TRY(expectScalar(ctx, i));
    if (std::optional<Dims> bound = ctx.known(i); bound && bound->size() == 1)
      bounds.push_back(bound->front());
  }
  if (bounds.size() < 3) {
    bool floats = isFloat(ctx.in(0).dtype());
    ctx.outShape(0, {floats ? TRY(floatRangeLength(ctx)) : ctx.freshDim()});
    return {};
  }
  Dim length = TRY(intRangeLength(ctx, bounds));
  ctx.outShape(0, {length});
  if (!length.isConst() || length.value() > kMaxKnown)
    return {};
  Dims elements;
  for (int64_t i = 0; i < length.value(); i++)
    elements.push_back(bounds[0] + bounds[2] * Dim(i));
  ctx.outKnown(0, std::move(elements));
  return {};
}

} // namespace cameo
