// Rules of ops that address elements by index, and of those whose sizes depend on the data.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

/// Every known constant index is in [-dim, dim).
Result<void> checkIndices(const InferContext &ctx, int64_t i, const Dim &dim) {
  std::optional<Dims> indices = ctx.known(i);
  if (!indices || !dim.isConst())
    return {};
  for (const Dim &index : *indices)
    if (index.isConst() && !normalizeAxis(index.value(), dim.value()))
      return ctx.error(ctx.name(i) + ": expected indices from " + std::to_string(-dim.value()) +
                       " to " + std::to_string(dim.value() - 1) + ", got " + index.str());
  return {};
}

/// Where operand i has indices, axis `axis` of operand 0 has something to index.
Result<void> expectIndexed(InferContext &ctx, int64_t i, int64_t axis) {
  return expectElements(ctx, 0, axis, productOrFresh(ctx, ctx.in(i).shape()),
                        "the indices in " + ctx.name(i));
}

Result<void> checkReduction(const InferContext &ctx) {
  TRY(choiceAttr(ctx, "reduction", {"none", "add", "mul", "max", "min"}));
  return {};
}

/// Dims [from, to) of operand `small` are at most those of operand 0, `axis` excepted.
Result<void> expectWithin(const InferContext &ctx, int64_t small, int64_t axis) {
  TRY(expectRank(ctx, small, ctx.in(0).rank()));
  for (int64_t d = 0; d < ctx.in(0).rank(); d++)
    if (d != axis)
      TRY(expectAtMost(ctx, small, d, ctx.in(0).dim(d), "as in " + ctx.name(0)));
  return {};
}

} // namespace

Result<void> inferGather(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 1, -1));
  int64_t rank = ctx.in(0).rank(), axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), rank));
  TRY(checkIndices(ctx, 1, ctx.in(0).dim(axis)));
  TRY(expectIndexed(ctx, 1, axis));
  const Dims &data = ctx.in(0).shape(), &indices = ctx.in(1).shape();
  Dims shape(data.begin(), data.begin() + axis);
  shape.insert(shape.end(), indices.begin(), indices.end());
  shape.insert(shape.end(), data.begin() + axis + 1, data.end());
  ctx.outShape(0, shape);
  std::optional<Dims> elements = ctx.known(0);
  std::optional<std::vector<int64_t>> at = ctx.knownInts(1);
  if (!elements || !at)
    return {};
  Dims taken;
  for (int64_t index : *at) {
    std::optional<int64_t> position = normalizeAxis(index, static_cast<int64_t>(elements->size()));
    if (!position)
      return {};
    taken.push_back((*elements)[*position]);
  }
  ctx.outKnown(0, std::move(taken));
  return {};
}

Result<void> inferGatherElements(InferContext &ctx) {
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  TRY(expectWithin(ctx, 1, axis));
  TRY(checkIndices(ctx, 1, ctx.in(0).dim(axis)));
  TRY(expectIndexed(ctx, 1, axis));
  ctx.outShape(0, ctx.in(1).shape());
  return {};
}

/// data[batch..., indices[batch..., ..., :], ...].
Result<void> inferGatherND(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 1, -1));
  TRY(expectRank(ctx, 1, 1, -1));
  const Dims &data = ctx.in(0).shape(), &indices = ctx.in(1).shape();
  int64_t batch = ctx.op.attrs.getInt("batch_dims");
  int64_t limit = std::min(ctx.in(0).rank(), ctx.in(1).rank());
  if (batch < 0 || batch >= limit)
    return ctx.error("attribute 'batch_dims': expected 0 to " + std::to_string(limit - 1) +
                     ", got " + std::to_string(batch));
  for (int64_t d = 0; d < batch; d++)
    TRY(expectDim(ctx, 1, d, data[d], "the batch dims of " + ctx.name(0)));
  Dim tuple = indices.back();
  // Where there is one axis to index, tuples have one index.
  if (ctx.in(0).rank() == batch + 1) {
    TRY(expectDim(ctx, 1, ctx.in(1).rank() - 1, Dim(1), "the only axis of " + ctx.name(0)));
    tuple = Dim(1);
  }
  if (!tuple.isConst())
    return {};
  if (tuple.value() < 1 || tuple.value() > ctx.in(0).rank() - batch)
    return ctx.error(ctx.name(1) + ": expected a last dim of 1 to " +
                     std::to_string(ctx.in(0).rank() - batch) + ", got " + ctx.in(1).str());
  for (int64_t i = 0; i < tuple.value(); i++)
    TRY(expectIndexed(ctx, 1, batch + i));
  Dims shape(indices.begin(), indices.end() - 1);
  shape.insert(shape.end(), data.begin() + batch + tuple.value(), data.end());
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferScatterElements(InferContext &ctx) {
  TRY(checkReduction(ctx));
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  TRY(expectWithin(ctx, 1, axis));
  TRY(checkIndices(ctx, 1, ctx.in(0).dim(axis)));
  TRY(expectIndexed(ctx, 1, axis));
  TRY(expectShape(ctx, 2, ctx.in(1).shape(), "the shape of " + ctx.name(1)));
  return inferSame(ctx);
}

Result<void> inferScatterND(InferContext &ctx) {
  TRY(checkReduction(ctx));
  TRY(expectRank(ctx, 0, 1, -1));
  TRY(expectRank(ctx, 1, 1, -1));
  const Dims &data = ctx.in(0).shape(), &indices = ctx.in(1).shape();
  // The updates have the dims of the indices but the last, and the dims that a tuple leaves open.
  int64_t rank = ctx.in(0).rank(), tuple = rank + ctx.in(1).rank() - 1 - ctx.in(2).rank();
  if (indices.back().isConst())
    tuple = indices.back().value();
  if (tuple < 1 || tuple > rank)
    return ctx.error(ctx.name(1) + ": expected a last dim of 1 to " + std::to_string(rank) +
                     ", got " + ctx.in(1).str() + " for updates " + ctx.in(2).str());
  TRY(expectDim(ctx, 1, ctx.in(1).rank() - 1, Dim(tuple), "the dims that a tuple addresses"));
  Dims updates(indices.begin(), indices.end() - 1);
  updates.insert(updates.end(), data.begin() + tuple, data.end());
  TRY(expectShape(ctx, 2, updates, "what " + ctx.name(1) + " addresses in " + ctx.name(0)));
  for (int64_t axis = 0; axis < tuple; axis++)
    TRY(expectIndexed(ctx, 1, axis));
  return inferSame(ctx);
}

/// A cache with part of one axis, from write_indices[batch] on, replaced.
Result<void> inferTensorScatter(InferContext &ctx) {
  TRY(choiceAttr(ctx, "mode", {"linear", "circular"}));
  TRY(expectRank(ctx, 0, 2, -1));
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  if (axis == 0)
    return ctx.error("axis: expected an axis other than the batch, got 0");
  TRY(expectRank(ctx, 1, ctx.in(0).rank()));
  for (int64_t d = 0; d < ctx.in(0).rank(); d++)
    if (d != axis)
      TRY(expectDim(ctx, 1, d, ctx.in(0).dim(d), "as in " + ctx.name(0)));
  TRY(expectAtMost(ctx, 1, axis, ctx.in(0).dim(axis), "as in " + ctx.name(0)));
  if (ctx.has(2))
    TRY(expectShape(ctx, 2, {ctx.in(0).dim(0)}, "the batch of " + ctx.name(0)));
  return inferSame(ctx);
}

Result<void> inferOneHot(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank();
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), rank + 1));
  TRY(expectScalar(ctx, 1));
  TRY(expectShape(ctx, 2, {Dim(2)}, "the off and the on value"));
  Dim depth = ctx.freshDim();
  ConstRef constant = ctx.constant(1);
  if (std::optional<Dims> known = ctx.known(1); known && known->size() == 1)
    depth = known->front();
  else if (constant && constant->numElements() == 1)
    depth = Dim(constInt(*constant, 0));
  Dims shape = ctx.in(0).shape();
  shape.insert(shape.begin() + axis, depth);
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferTopK(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 1, -1));
  TRY(expectRank(ctx, 1, 1));
  TRY(expectDim(ctx, 1, 0, Dim(1), "one count"));
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  std::optional<Dims> known = ctx.known(1);
  const Dim &whole = ctx.in(0).dim(axis);
  Dim count = known && known->size() == 1 ? known->front() : ctx.freshDim();
  if (known && provablyGreater(Dim(0), count))
    return ctx.error(ctx.name(1) + ": expected at least 0, got " + count.str());
  TRY(ctx.require(Relation::AtMost, count, whole,
                  literal(ctx.name(1)) + ": expected 0 to %b (dim " + std::to_string(axis) +
                      " of " + literal(ctx.name(0) + ", " + ctx.in(0).str()) + "), got %a"));
  Dims shape = ctx.in(0).shape();
  shape[axis] = count;
  ctx.outShape(0, shape);
  ctx.outShape(1, shape);
  return {};
}

/// How many elements are not zero: a size that another op in the block may have for the same
/// elements, as exporters write one for each tensor that is indexed with a mask.
static Dim countOfNonZero(InferContext &ctx) {
  for (const Op *other : ctx.op.operand(0)->users())
    if (other != &ctx.op && other->kind() == ctx.op.kind() && other->block() == ctx.op.block() &&
        other->result()->type.isRanked())
      return other->result()->type.dim(1);
  return ctx.freshDim();
}

Result<void> inferNonZero(InferContext &ctx) {
  ctx.outShape(0, {Dim(ctx.in(0).rank()), countOfNonZero(ctx)});
  return {};
}

Result<void> inferCompress(InferContext &ctx) {
  TRY(expectRank(ctx, 1, 1));
  Dim count = ctx.freshDim();
  if (std::optional<std::vector<int64_t>> condition = ctx.knownInts(1))
    count = Dim(std::count_if(condition->begin(), condition->end(), [](int64_t b) { return b; }));
  if (!ctx.op.attrs.has("axis")) {
    TRY(expectAtMost(ctx, 1, 0, productOrFresh(ctx, ctx.in(0).shape()),
                     "the elements of " + ctx.name(0)));
    ctx.outShape(0, {count});
    return {};
  }
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
  TRY(expectAtMost(ctx, 1, 0, ctx.in(0).dim(axis), "the axis of " + ctx.name(0)));
  Dims shape = ctx.in(0).shape();
  shape[axis] = count;
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferUnique(InferContext &ctx) {
  Dim count = ctx.freshDim();
  Dims shape{count};
  Dim whole = productOrFresh(ctx, ctx.in(0).shape());
  if (ctx.op.attrs.has("axis")) {
    int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
    whole = ctx.in(0).dim(axis);
    shape = ctx.in(0).shape();
    shape[axis] = count;
  }
  ctx.outShape(0, shape);
  ctx.outShape(1, {count});
  ctx.outShape(2, {whole});
  ctx.outShape(3, {count});
  return {};
}

} // namespace cameo
