// Rules of ops that take tensors apart, join, repeat or border them.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>
#include <numeric>

namespace cameo {

Result<void> inferConcat(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank(), axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), rank));
  Dims shape = ctx.in(0).shape();
  std::optional<Dims> contents = rank == 1 ? ctx.known(0) : std::nullopt;
  for (int64_t i = 1; i < ctx.op.numOperands(); i++) {
    TRY(expectRank(ctx, i, rank));
    for (int64_t d = 0; d < rank; d++) {
      const Dim &dim = ctx.in(i).dim(d);
      if (d != axis)
        TRY(expectDim(ctx, i, d, shape[d], "as in " + ctx.name(0)));
      shape[d] = d == axis ? shape[d] + dim : moreKnown(shape[d], dim);
    }
    std::optional<Dims> more = contents ? ctx.known(i) : std::nullopt;
    if (more && static_cast<int64_t>(contents->size() + more->size()) <= kMaxKnown)
      contents->insert(contents->end(), more->begin(), more->end());
    else
      contents.reset();
  }
  // A sum of many symbols is longer than a size may be.
  auto isSymbolic = [&](const Value *operand) { return !operand->type.dim(axis).isConst(); };
  if (shape[axis].isOverflow() &&
      std::any_of(ctx.op.operands().begin(), ctx.op.operands().end(), isSymbolic))
    shape[axis] = ctx.freshDim();
  ctx.outShape(0, shape);
  if (contents)
    ctx.outKnown(0, *std::move(contents));
  return {};
}

namespace {

/// The sizes of Split's parts along the axis.
Result<Dims> partSizes(InferContext &ctx, const Dim &whole) {
  int64_t count = ctx.op.numResults();
  if (ctx.has(1)) {
    TRY(expectShape(ctx, 1, {Dim(count)}, "one size an output"));
    if (std::optional<Dims> sizes = ctx.known(1)) {
      Dim sum(0);
      for (const Dim &size : *sizes) {
        if (provablyGreater(Dim(0), size))
          return ctx.error(ctx.name(1) + ": expected sizes of at least 0, got " + size.str());
        sum = sum + size;
      }
      TRY(ctx.require(Relation::Equal, sum, whole,
                      literal(ctx.name(1)) + ": expected sizes that add up to %b (the axis of " +
                          literal(ctx.name(0)) + "), got %a"));
      return *sizes;
    }
    Dims fresh;
    for (int64_t i = 0; i < count; i++)
      fresh.push_back(ctx.freshDim());
    return fresh;
  }
  int64_t wanted = ctx.op.attrs.getInt("num_outputs", count);
  if (wanted != count || count == 0)
    return ctx.error("attribute 'num_outputs': expected the number of outputs, " +
                     std::to_string(count) + ", got " + std::to_string(wanted));
  if (std::optional<Dim> part = Dim::exactDiv(whole, Dim(count)))
    return Dims(count, *part);
  // All parts are equal but the last ones, which have what is left: from the third on, perhaps
  // nothing, and in the last never more than a part.
  Dim part = Dim::ceilDiv(whole, Dim(count));
  Dims sizes{part};
  for (int64_t i = 1; i < count; i++) {
    Dim left = whole - part * Dim(i);
    left = i > 1 ? Dim::max(left, Dim(0)) : left;
    sizes.push_back(i + 1 < count ? Dim::min(part, left) : left);
  }
  return sizes;
}

} // namespace

Result<void> inferSplit(InferContext &ctx) {
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  Dims sizes = TRY(partSizes(ctx, ctx.in(0).dim(axis)));
  std::optional<Dims> contents = ctx.known(0);
  bool follow = contents && constantDims(sizes);
  auto next = contents ? contents->begin() : Dims::iterator();
  for (size_t i = 0; i < sizes.size(); i++) {
    Dims shape = ctx.in(0).shape();
    shape[axis] = sizes[i];
    ctx.outShape(static_cast<int64_t>(i), shape);
    if (follow && sizes[i].value() <= contents->end() - next) {
      ctx.outKnown(static_cast<int64_t>(i), Dims(next, next + sizes[i].value()));
      next += sizes[i].value();
    }
  }
  return {};
}

Result<void> inferExpand(InferContext &ctx) {
  std::optional<Dims> wanted = TRY(shapeFrom(ctx, 1));
  if (!wanted)
    return {};
  Dims shape =
      TRY(broadcastWith(ctx, *wanted, 0, ctx.in(0).shape(), "the sizes in " + ctx.name(1)));
  ctx.outShape(0, shape);
  std::optional<Dims> contents = ctx.known(0);
  if (!contents || shape.size() > 1)
    return {};
  Dim count = product(shape);
  if (contents->size() == 1 && count.isConst() && count.value() <= kMaxKnown)
    contents->assign(count.value(), Dim(contents->front()));
  if (count == Dim(static_cast<int64_t>(contents->size())))
    ctx.outKnown(0, *std::move(contents));
  return {};
}

Result<void> inferTile(InferContext &ctx) {
  TRY(expectRank(ctx, 1, 1));
  TRY(expectDim(ctx, 1, 0, Dim(ctx.in(0).rank()), "one count an axis"));
  std::optional<Dims> repeats = ctx.known(1);
  Dims shape = ctx.in(0).shape();
  for (size_t i = 0; i < shape.size(); i++) {
    if (repeats && provablyGreater(Dim(0), (*repeats)[i]))
      return ctx.error(ctx.name(1) + ": expected counts of at least 0, got " + (*repeats)[i].str());
    shape[i] = repeats ? shape[i] * (*repeats)[i] : ctx.freshDim();
  }
  ctx.outShape(0, shape);
  return {};
}

namespace {

/// The axes that Pad's operand 3 lists, all where there is none; nothing if they are unknown.
Result<std::optional<std::vector<int64_t>>> paddedAxes(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank();
  std::vector<int64_t> axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  if (!ctx.has(3))
    return std::optional(axes);
  std::optional<std::vector<int64_t>> listed = ctx.knownInts(3);
  if (!listed)
    return listed;
  return std::optional(TRY(checkedAxes(ctx, *listed, rank)));
}

Dims freshShape(InferContext &ctx, int64_t rank) {
  Dims shape;
  for (int64_t i = 0; i < rank; i++)
    shape.push_back(ctx.freshDim());
  return shape;
}

} // namespace

/// Negative padding crops.
Result<void> inferPad(InferContext &ctx) {
  std::string mode = TRY(choiceAttr(ctx, "mode", {"constant", "reflect", "edge", "wrap"}));
  if (ctx.has(2))
    TRY(expectScalar(ctx, 2));
  int64_t rank = ctx.in(0).rank();
  Dim count(rank);
  if (ctx.has(3)) {
    TRY(expectRank(ctx, 3, 1));
    TRY(expectAtMost(ctx, 3, 0, count, "the axes of " + ctx.name(0)));
    count = ctx.in(3).dim(0);
  }
  TRY(expectShape(ctx, 1, {count * Dim(2)}, "two values an axis"));
  std::optional<std::vector<int64_t>> axes = TRY(paddedAxes(ctx));
  std::optional<Dims> pads = ctx.known(1);
  Dims shape = ctx.in(0).shape();
  if (!axes) {
    ctx.outShape(0, freshShape(ctx, rank));
    return {};
  }
  for (size_t i = 0; i < axes->size(); i++) {
    Dim &dim = shape[(*axes)[i]];
    if (!pads) {
      dim = ctx.freshDim();
      continue;
    }
    Dim padded = dim + (*pads)[i] + (*pads)[i + axes->size()];
    if (mode != "constant" && !(padded == dim))
      TRY(expectElements(ctx, 0, (*axes)[i], Dim(1), "mode '" + mode + "'"));
    dim = padded;
  }
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferCenterCropPad(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank();
  std::vector<int64_t> axes = ctx.op.attrs.getInts("axes");
  if (!ctx.op.attrs.has("axes"))
    for (int64_t i = 0; i < rank; i++)
      axes.push_back(i);
  axes = TRY(checkedAxes(ctx, axes, rank));
  std::optional<Dims> wanted = TRY(shapeFrom(ctx, 1));
  TRY(expectDim(ctx, 1, 0, Dim(static_cast<int64_t>(axes.size())), "one size an axis"));
  Dims shape = ctx.in(0).shape();
  for (size_t i = 0; i < axes.size(); i++)
    shape[axes[i]] = wanted ? (*wanted)[i] : ctx.freshDim();
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferTrilu(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  if (ctx.has(1))
    TRY(expectScalar(ctx, 1));
  return inferSame(ctx);
}

Result<void> inferReverseSequence(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  TRY(expectRank(ctx, 1, 1));
  int64_t batch = ctx.op.attrs.getInt("batch_axis"), time = ctx.op.attrs.getInt("time_axis");
  if (batch < 0 || batch > 1 || time != 1 - batch)
    return ctx.error("attributes 'batch_axis' and 'time_axis': expected 0 and 1 or 1 and 0, got " +
                     std::to_string(batch) + " and " + std::to_string(time));
  TRY(expectDim(ctx, 1, 0, ctx.in(0).dim(batch), "one length a batch"));
  return inferSame(ctx);
}

} // namespace cameo
