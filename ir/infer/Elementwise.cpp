// Rules of ops that compute element by element, and broadcasting itself.
#include "ir/infer/Infer.h"

#include <algorithm>

namespace cameo {

std::optional<Dim> broadcastDim(const Dim &a, const Dim &b) {
  if (a == b)
    return a;
  if (a.isConst() && a.value() == 1)
    return b;
  if (b.isConst() && b.value() == 1)
    return a;
  if (a.isConst() && b.isConst())
    return std::nullopt;
  if (a.isConst() || b.isConst())
    return a.isConst() ? a : b;
  return Dim::max(a, b);
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
    if (!ctx.has(i))
      continue;
    if (!ctx.in(i).isRanked())
      return {};
    std::optional<Dims> wider = broadcastShapes(shape, ctx.in(i).shape());
    if (!wider)
      return ctx.error(ctx.name(i) + ": expected a shape that broadcasts with " +
                       Type::tensor(ctx.in(i).dtype(), shape).str() + ", got " + ctx.in(i).str());
    shape = *wider;
  }
  ctx.outShape(0, shape);
  return {};
}

/// The shape of the first input.
Result<void> inferSame(InferContext &ctx) {
  if (ctx.in(0).isRanked())
    ctx.outShape(0, ctx.in(0).shape());
  return {};
}

} // namespace cameo
