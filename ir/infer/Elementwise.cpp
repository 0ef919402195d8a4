// Rules of ops that compute element by element, and broadcasting itself.
#include "ir/infer/Checks.h"
#include "ir/infer/Contents.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {

std::optional<Dim> broadcastDim(const Dim &a, const Dim &b) {
  Dim size = Dim::broadcast(a, b);
  return a.isConst() && b.isConst() && size.isOverflow() ? std::nullopt : std::optional<Dim>(size);
}

std::optional<Dims> broadcastShapes(const Dims &a, const Dims &b) {
  const Dims &longer = a.size() >= b.size() ? a : b, &shorter = a.size() >= b.size() ? b : a;
  Dims shape = longer;
  size_t skip = longer.size() - shorter.size();
  for (size_t i = 0; i < shorter.size(); i++) {
    std::optional<Dim> dim = broadcastDim(longer[skip + i], shorter[i]);
    if (!dim)
      return std::nullopt;
    shape[skip + i] = *dim;
  }
  return shape;
}

std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return std::nullopt;
  return axis < 0 ? axis + rank : axis;
}

/// All inputs broadcast with each other.
Result<void> inferBroadcast(InferContext &ctx) {
  Dims shape;
  for (int64_t i = 0; i < ctx.op.numOperands(); i++) {
    if (!ctx.in(i).isRanked())
      return {};
    if (ctx.in(i).shape() == shape)
      continue;
    std::string before = i > 0 ? ctx.name(0) : "";
    if (i > 1)
      before += " to " + ctx.name(i - 1);
    shape = TRY(broadcastWith(ctx, shape, i, ctx.in(i).shape(), before));
  }
  ctx.outShape(0, shape);
  elementwiseContents(ctx);
  return {};
}

/// The shape of the first input.
Result<void> inferSame(InferContext &ctx) {
  if (!ctx.in(0).isRanked())
    return {};
  ctx.outShape(0, ctx.in(0).shape());
  if (ctx.op.numOperands() == 1)
    elementwiseContents(ctx);
  return {};
}

Result<void> inferBitShift(InferContext &ctx) {
  TRY(choiceAttr(ctx, "direction", {"LEFT", "RIGHT"}));
  return inferBroadcast(ctx);
}

Result<void> inferClip(InferContext &ctx) {
  for (int64_t i : {1, 2})
    if (ctx.has(i) && ctx.in(i).isRanked())
      TRY(expectScalar(ctx, i));
  return inferSame(ctx);
}

/// The slope broadcasts to X, never X to the slope.
Result<void> inferPRelu(InferContext &ctx) {
  TRY(expectBroadcastTo(ctx, 1, ctx.in(0).shape(), "the shape of " + ctx.name(0)));
  return inferSame(ctx);
}

namespace {

/// The result has input 0's shape and the given element type; integers keep their contents.
Result<void> castTo(InferContext &ctx, DType to) {
  const Type &from = ctx.in(0);
  ctx.out(0, from.withDType(to));
  std::optional<Dims> elements = ctx.known(0);
  if (!elements || !(isInt(to) || to == DType::Bool))
    return {};
  if (to == DType::Bool)
    for (Dim &element : *elements) {
      if (!element.isConst() && !provablyGreater(element, Dim(0)))
        return {};
      element = Dim(element.isConst() && element.value() == 0 ? 0 : 1);
    }
  ctx.outKnown(0, *std::move(elements));
  return {};
}

} // namespace

Result<void> inferCast(InferContext &ctx) {
  return castTo(ctx, dtypeAttr(ctx, "to", ctx.in(0).dtype()));
}

Result<void> inferCastLike(InferContext &ctx) { return castTo(ctx, ctx.in(1).dtype()); }

Result<void> inferBitCast(InferContext &ctx) {
  DType from = ctx.in(0).dtype(), to = dtypeAttr(ctx, "to", from);
  if (dtypeBytes(from) != dtypeBytes(to))
    return ctx.error("attribute 'to': expected an element type as wide as " +
                     std::string(dtypeName(from)) + ", got " + std::string(dtypeName(to)));
  ctx.out(0, ctx.in(0).withDType(to));
  return {};
}

} // namespace cameo
