// The rule of Slice: bounds may be negative (from the end), out of range (clamped), symbolic or
// unknown. For a forward step the length is
//   max(0, ceil((min(end, dim) - max(start, 0)) / step))
// and the other two clamps of ONNX's definition cannot change it.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

Dim atLeast(const Dim &a, const Dim &b) {
  return provablyAtLeast(a, b) ? a : provablyAtLeast(b, a) ? b : Dim::max(a, b);
}
Dim atMost(const Dim &a, const Dim &b) {
  return provablyAtLeast(b, a) ? a : provablyAtLeast(a, b) ? b : Dim::min(a, b);
}

// Exporters write "to the end" as the largest 32- or 64-bit integer. Where the size is known it
// needs no guess.
bool isForever(const Dim &bound, const Dim &dim) {
  return !dim.isConst() && bound.isConst() && bound.value() >= INT32_MAX;
}
bool isForeverBack(const Dim &bound, const Dim &dim) {
  return !dim.isConst() && bound.isConst() && bound.value() <= -INT32_MAX;
}

/// A bound counted from the beginning; nothing if its sign is not known.
std::optional<Dim> fromBegin(const Dim &bound, const Dim &dim) {
  if (provablyAtLeast(bound, Dim(0)))
    return bound;
  if (provablyGreater(Dim(0), bound))
    return bound + dim;
  return std::nullopt;
}

struct Part {
  Dim length;
  std::optional<Dim> first; // index of the first element taken, if the length is not 0
};

std::optional<Part> forward(const Dim &dim, const Dim &start, const Dim &end, int64_t step) {
  std::optional<Dim> first = firstOfSlice(dim, start, step);
  std::optional<Dim> last = isForever(end, dim) ? dim : fromBegin(end, dim);
  if (!first || !last)
    return std::nullopt;
  last = atMost(*last, dim);
  // The last k elements: dim - max(dim - k, 0) in its simplest form.
  if (start.isConst() && start.value() < 0 && !isForeverBack(start, dim) && *last == dim &&
      step == 1)
    return Part{atMost(dim, Dim(0) - start), first};
  return Part{atLeast(Dim::ceilDiv(*last - *first, Dim(step)), Dim(0)), first};
}

std::optional<Part> backward(const Dim &dim, const Dim &start, const Dim &end, int64_t step) {
  std::optional<Dim> first = firstOfSlice(dim, start, step);
  std::optional<Dim> last = isForeverBack(end, dim) ? Dim(-1) : fromBegin(end, dim);
  if (!first || !last)
    return std::nullopt;
  last = atLeast(*last, Dim(-1));
  return Part{atLeast(Dim::ceilDiv(*first - *last, Dim(-step)), Dim(0)), first};
}

std::optional<Part> takePart(const Dim &dim, const Dim &start, const Dim &end, int64_t step) {
  // Steps past any size take one element; the limit keeps arithmetic within 64 bits.
  static constexpr int64_t kLongest = int64_t(1) << 62;
  step = std::clamp(step, -kLongest, kLongest);
  // So do bounds.
  auto bounded = [](const Dim &bound) {
    return bound.isConst() ? Dim(std::clamp(bound.value(), -kLongest, kLongest)) : bound;
  };
  if (isComplex(dim, 64) || isComplex(start, 64) || isComplex(end, 64))
    return std::nullopt;
  return step > 0 ? forward(dim, bounded(start), bounded(end), step)
                  : backward(dim, bounded(start), bounded(end), step);
}

/// The elements of a rank-1 tensor that the slice takes.
void followContents(InferContext &ctx, const Part &part, int64_t step) {
  std::optional<Dims> elements = ctx.known(0);
  if (!elements || !part.first || !part.length.isConst() || !part.first->isConst())
    return;
  Dims taken;
  int64_t count = static_cast<int64_t>(elements->size()), at = part.first->value();
  for (int64_t i = 0; i < part.length.value(); i++, at += step) {
    if (at < 0 || at >= count)
      return;
    taken.push_back((*elements)[at]);
  }
  ctx.outKnown(0, std::move(taken));
}

/// How many axes are sliced: each list has as many entries. Nothing if only the run knows.
Result<std::optional<int64_t>> slicedCount(const InferContext &ctx) {
  std::optional<int64_t> count = TRY(constantLength(ctx, 1));
  TRY(expectAtMost(ctx, 1, 0, Dim(ctx.in(0).rank()), "the axes of " + ctx.name(0)));
  for (int64_t i = 2; i < 5; i++) {
    if (!ctx.has(i))
      continue;
    std::optional<int64_t> length = TRY(constantLength(ctx, i));
    TRY(expectDim(ctx, i, 0, ctx.in(1).dim(0), "as many as " + ctx.name(1)));
    count = count ? count : length;
  }
  return count;
}

Result<std::vector<int64_t>> slicedAxes(InferContext &ctx, int64_t count) {
  std::vector<int64_t> axes;
  for (int64_t i = 0; i < count; i++)
    axes.push_back(i);
  return checkedAxes(ctx, ctx.has(3) ? *ctx.knownInts(3) : axes, ctx.in(0).rank());
}

} // namespace

std::optional<Dim> firstOfSlice(const Dim &dim, const Dim &start, int64_t step) {
  if (isForever(start, dim))
    return step > 0 ? dim : dim - Dim(1);
  std::optional<Dim> first = isForeverBack(start, dim) ? Dim(0) : fromBegin(start, dim);
  if (!first)
    return std::nullopt;
  if (step > 0)
    return atLeast(dim.isConst() ? atMost(*first, dim) : *first, Dim(0));
  // Counting down from the last element. On an empty axis both clamps give -1: no element is taken.
  return start == Dim(-1) ? dim - Dim(1) : atMost(atLeast(*first, Dim(0)), dim - Dim(1));
}

Result<void> inferSlice(InferContext &ctx) {
  std::optional<int64_t> count = TRY(slicedCount(ctx));
  int64_t rank = ctx.in(0).rank();
  Dims shape = ctx.in(0).shape();
  if (!count || (ctx.has(3) && !ctx.knownInts(3))) {
    for (Dim &dim : shape)
      dim = ctx.freshDim();
    ctx.outShape(0, shape);
    return {};
  }
  std::vector<int64_t> axes = TRY(slicedAxes(ctx, *count));
  std::optional<Dims> starts = ctx.known(1), ends = ctx.known(2);
  std::optional<std::vector<int64_t>> steps = ctx.knownInts(4);
  if (!ctx.has(4))
    steps.emplace(*count, 1);
  for (int64_t i = 0; i < *count; i++) {
    if (steps && (*steps)[i] == 0)
      return ctx.error(ctx.name(4) + ": expected steps other than 0, got " + listText(*steps));
    Dim &dim = shape[axes[i]];
    std::optional<Part> part;
    if (starts && ends && steps)
      part = takePart(dim, (*starts)[i], (*ends)[i], (*steps)[i]);
    dim = part ? part->length : ctx.freshDim();
    if (part && rank == 1) {
      ctx.outShape(0, shape);
      followContents(ctx, *part, (*steps)[i]);
    }
  }
  ctx.outShape(0, shape);
  return {};
}

} // namespace cameo
