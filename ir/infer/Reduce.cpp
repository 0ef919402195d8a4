// Rules of reductions and scans.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

/// The axes that are reduced; nothing if they are only known at run time.
Result<std::optional<std::vector<int64_t>>> reducedAxes(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank();
  std::vector<int64_t> axes;
  if (ctx.has(1)) {
    std::optional<int64_t> length = TRY(constantLength(ctx, 1));
    std::optional<std::vector<int64_t>> known = ctx.knownInts(1);
    if (!known && length != 0)
      return std::optional<std::vector<int64_t>>();
    axes = TRY(checkedAxes(ctx, known.value_or(std::vector<int64_t>()), rank));
  }
  if (axes.empty() && ctx.op.attrs.getInt("noop_with_empty_axes") == 0)
    for (int64_t axis = 0; axis < rank; axis++)
      axes.push_back(axis);
  return std::optional(axes);
}

/// Axes known at run time only: each dim may or may not stay.
void reduceUnknownAxes(InferContext &ctx, bool keep) {
  const Dim &count = ctx.in(1).dim(0);
  int64_t rank = ctx.in(0).rank();
  if (!keep && !count.isConst())
    return;
  Dims shape;
  for (int64_t i = keep ? 0 : count.value(); i < rank; i++)
    shape.push_back(ctx.freshDim());
  ctx.outShape(0, shape);
}

/// What the elements of a rank-1 tensor reduce to.
std::optional<Dim> reducedContents(const InferContext &ctx, const Dims &elements) {
  OpKind kind = ctx.op.kind();
  if (kind != OpKind::ReduceSum && kind != OpKind::ReduceProd && kind != OpKind::ReduceMax &&
      kind != OpKind::ReduceMin)
    return std::nullopt;
  Dim result(kind == OpKind::ReduceProd ? 1 : 0);
  for (size_t i = 0; i < elements.size(); i++) {
    if (kind == OpKind::ReduceSum)
      result = result + elements[i];
    else if (kind == OpKind::ReduceProd)
      result = result * elements[i];
    else if (i == 0)
      result = elements[0];
    else
      result =
          kind == OpKind::ReduceMax ? Dim::max(result, elements[i]) : Dim::min(result, elements[i]);
    if (isComplex(result, 64))
      return std::nullopt;
  }
  bool empty = elements.empty() && (kind == OpKind::ReduceMax || kind == OpKind::ReduceMin);
  return empty ? std::nullopt : std::optional<Dim>(result);
}

} // namespace

Result<void> inferReduce(InferContext &ctx) {
  bool keep = ctx.op.attrs.getInt("keepdims") != 0;
  std::optional<std::vector<int64_t>> axes = TRY(reducedAxes(ctx));
  if (!axes) {
    reduceUnknownAxes(ctx, keep);
    return {};
  }
  Dims shape;
  for (int64_t axis = 0; axis < ctx.in(0).rank(); axis++) {
    bool reduced = std::find(axes->begin(), axes->end(), axis) != axes->end();
    if (!reduced)
      shape.push_back(ctx.in(0).dim(axis));
    else if (keep)
      shape.push_back(Dim(1));
  }
  ctx.outShape(0, shape);
  std::optional<Dims> elements = ctx.known(0);
  if (!elements || ctx.in(0).rank() > 1)
    return {};
  if (axes->empty())
    ctx.outKnown(0, *std::move(elements));
  else if (std::optional<Dim> result = reducedContents(ctx, *elements))
    ctx.outKnown(0, {*result});
  return {};
}

Result<void> inferArgReduce(InferContext &ctx) {
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  if (ctx.in(0).dim(axis) == Dim(0))
    return ctx.error(ctx.name(0) + ": expected elements along axis " + std::to_string(axis) +
                     ", got " + ctx.in(0).str());
  Dims shape = ctx.in(0).shape();
  if (ctx.op.attrs.getInt("keepdims") != 0)
    shape[axis] = Dim(1);
  else
    shape.erase(shape.begin() + axis);
  ctx.outShape(0, shape);
  return {};
}

/// CumSum, CumProd: the axis is an input.
Result<void> inferCumulative(InferContext &ctx) {
  TRY(expectScalar(ctx, 1));
  std::optional<std::vector<int64_t>> axis = ctx.knownInts(1);
  if (axis && axis->size() == 1)
    TRY(checkedAxis(ctx, axis->front(), ctx.in(0).rank(), ctx.name(1)));
  return inferSame(ctx);
}

/// Softmax and the like: attribute `axis`, the shape stays.
Result<void> inferAlongAxis(InferContext &ctx) {
  TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  int64_t norm = ctx.op.attrs.getInt("p", 2);
  if (norm != 1 && norm != 2)
    return ctx.error("attribute 'p': expected 1 or 2, got " + std::to_string(norm));
  return inferSame(ctx);
}

} // namespace cameo
