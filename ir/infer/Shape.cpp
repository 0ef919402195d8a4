// Rules of ops about shapes: asking for them, and giving the same elements another one.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {

Result<std::optional<Dims>> shapeFrom(InferContext &ctx, int64_t i) {
  if (!ctx.in(i).isRanked())
    return std::optional<Dims>();
  std::optional<int64_t> length = TRY(constantLength(ctx, i));
  if (length && *length > kMaxRank)
    return ctx.error(ctx.name(i) + ": expected at most " + std::to_string(kMaxRank) +
                     " sizes, got " + std::to_string(*length));
  std::optional<Dims> sizes = ctx.known(i);
  if (sizes)
    for (const Dim &size : *sizes)
      if (provablyGreater(Dim(0), size))
        return ctx.error(ctx.name(i) + ": expected sizes of at least 0, got " + size.str());
  if (sizes || !length)
    return sizes;
  sizes.emplace();
  for (int64_t k = 0; k < *length; k++)
    sizes->push_back(ctx.freshDim());
  return sizes;
}

Dim productOrFresh(InferContext &ctx, const Dims &dims) {
  Dim result = product(dims);
  return result.isOverflow() && !constantDims(dims) ? ctx.freshDim() : result;
}

Result<void> inferShape(InferContext &ctx) {
  if (!ctx.in(0).isRanked()) {
    ctx.outShape(0, {ctx.freshDim()});
    return {};
  }
  // Unlike an axis, bounds outside the rank are clamped.
  int64_t rank = ctx.in(0).rank();
  auto bound = [&](const char *name, int64_t otherwise) {
    int64_t value = ctx.op.attrs.getInt(name, otherwise);
    return std::clamp<int64_t>(value < 0 ? value + rank : value, 0, rank);
  };
  int64_t start = bound("start", 0), end = std::max(bound("end", rank), start);
  const Dims &shape = ctx.in(0).shape();
  ctx.outShape(0, {Dim(end - start)});
  ctx.outKnown(0, Dims(shape.begin() + start, shape.begin() + end));
  return {};
}

Result<void> inferSize(InferContext &ctx) {
  ctx.outShape(0, {});
  if (ctx.in(0).isRanked())
    ctx.outKnown(0, {product(ctx.in(0).shape())});
  return {};
}

/// Any type, sequences and optionals included.
Result<void> inferIdentity(InferContext &ctx) {
  ctx.out(0, ctx.in(0));
  if (std::optional<Dims> elements = ctx.known(0))
    ctx.outKnown(0, *elements);
  return {};
}

namespace {

/// Row-major order stays, so contents do, if the result is small enough to have them.
void keepContents(InferContext &ctx) {
  const Type &type = ctx.op.result()->type;
  std::optional<Dims> elements = ctx.known(0);
  if (elements && type.isRanked() && type.rank() <= 1)
    ctx.outKnown(0, *std::move(elements));
}

/// Removes from both lists the sizes they have in common: N*h*w / (N*h) needs no division then.
void cancel(Dims &a, Dims &b) {
  std::erase_if(a, [&](const Dim &size) {
    auto same = std::find(b.begin(), b.end(), size);
    if (same == b.end() || (size.isConst() && size.value() == 0))
      return false;
    b.erase(same);
    return true;
  });
}

/// The size that -1 stands for: all elements divided by the other sizes.
Result<Dim> inferredSize(InferContext &ctx, Dims all, Dims others) {
  for (const Dim &size : others)
    TRY(ctx.require(Relation::AtMost, Dim(1), size,
                    literal(ctx.name(1)) + ": -1 stands for no particular size beside one of %b, "
                                           "expected at least 1, got %b"));
  cancel(all, others);
  Dim total = product(all), divisor = product(others);
  bool isTooComplex = total.isOverflow() || divisor.isOverflow();
  if (isTooComplex && !(constantDims(all) && constantDims(others)))
    return ctx.freshDim();
  TRY(ctx.require(Relation::Multiple, total, divisor,
                  literal(ctx.name(1) + ": " + ctx.in(0).str()) +
                      " does not divide: expected a multiple of %b elements, got %a"));
  Dim size = Dim::floorDiv(total, divisor);
  return size.isOverflow() && !(constantDims(all) && constantDims(others)) ? ctx.freshDim() : size;
}

/// A computed size that is 0 where the run is would copy the input's size, and so be another one.
Result<void> expectNoCopy(const InferContext &ctx, size_t i, const Dim &size) {
  if (!ctx.in(0).isRanked())
    return {};
  bool isBeyond = static_cast<int64_t>(i) >= ctx.in(0).rank();
  Dim own = isBeyond ? Dim(1) : ctx.in(0).dim(static_cast<int64_t>(i));
  if (own == size)
    return {};
  return ctx.require(Relation::AtMost, Dim::min(own, Dim(1)), size,
                     literal(ctx.name(1)) + ": 0 at " + std::to_string(i) +
                         " copies a size of the input, expected at least %a, got %b for " +
                         literal(ctx.in(0).str()));
}

/// The shape asked for with 0 replaced by the input's size, -1 (at `unknown`) by 1.
Result<Dims> requestedShape(InferContext &ctx, const Dims &wanted, std::optional<size_t> &unknown) {
  bool allowZero = ctx.op.attrs.getInt("allowzero") != 0;
  Dims shape = wanted;
  for (size_t i = 0; i < shape.size(); i++) {
    if (!shape[i].isConst() && !allowZero)
      TRY(expectNoCopy(ctx, i, shape[i]));
    if (!shape[i].isConst() || shape[i].value() > 0)
      continue;
    if (shape[i].value() == 0) {
      if (allowZero)
        continue;
      if (ctx.in(0).isRanked() && static_cast<int64_t>(i) >= ctx.in(0).rank())
        return ctx.error(ctx.name(1) + ": 0 at " + std::to_string(i) +
                         " copies a size that the input has not, it is " + ctx.in(0).str());
      shape[i] = ctx.in(0).isRanked() ? ctx.in(0).dim(i) : ctx.freshDim();
      continue;
    }
    if (shape[i].value() != -1)
      return ctx.error(ctx.name(1) + ": expected sizes of at least -1, got " + shape[i].str());
    if (unknown)
      return ctx.error(ctx.name(1) + ": expected at most one -1, got two");
    unknown = i;
    shape[i] = Dim(1);
  }
  return shape;
}

} // namespace

Result<void> inferReshape(InferContext &ctx) {
  std::optional<Dims> wanted = ctx.known(1);
  if (ctx.in(1).isRanked())
    TRY(constantLength(ctx, 1));
  if (!wanted) {
    if (std::optional<Dims> fresh = TRY(shapeFrom(ctx, 1)))
      ctx.outShape(0, *fresh);
    return {};
  }
  if (static_cast<int64_t>(wanted->size()) > kMaxRank)
    return ctx.error(ctx.name(1) + ": expected at most " + std::to_string(kMaxRank) +
                     " sizes, got " + std::to_string(wanted->size()));
  std::optional<size_t> unknown;
  Dims shape = TRY(requestedShape(ctx, *wanted, unknown));
  if (!ctx.in(0).isRanked()) {
    if (unknown)
      shape[*unknown] = ctx.freshDim();
  } else if (unknown) {
    Dims others = shape;
    others.erase(others.begin() + static_cast<std::ptrdiff_t>(*unknown));
    shape[*unknown] = TRY(inferredSize(ctx, ctx.in(0).shape(), others));
  } else {
    Dims all = ctx.in(0).shape(), others = shape;
    cancel(all, others);
    const Dim has = product(all), wants = product(others);
    std::string expected = ctx.name(1) + ": expected a shape of as many elements as ";
    if (decide(Relation::Equal, has, wants) == false)
      return ctx.error(expected + ctx.in(0).str() + ", got " + ctx.in(0).withShape(shape).str());
    TRY(ctx.require(Relation::Equal, wants, has,
                    literal(expected + ctx.in(0).str()) + ", %b, got %a in " +
                        literal(ctx.in(0).withShape(shape).str())));
  }
  ctx.outShape(0, shape);
  keepContents(ctx);
  return {};
}

Result<void> inferFlatten(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank(), axis = ctx.op.attrs.getInt("axis");
  if (axis < -rank || axis > rank)
    return ctx.error("axis: expected " + std::to_string(-rank) + " to " + std::to_string(rank) +
                     ", got " + std::to_string(axis));
  const Dims &shape = ctx.in(0).shape();
  auto middle = shape.begin() + (axis < 0 ? axis + rank : axis);
  Dim rows = productOrFresh(ctx, Dims(shape.begin(), middle));
  ctx.outShape(0, {rows, productOrFresh(ctx, Dims(middle, shape.end()))});
  return {};
}

namespace {

Result<void> squeezeAllOnes(InferContext &ctx) {
  Dims kept;
  for (const Dim &dim : ctx.in(0).shape()) {
    // Whether this dim goes is only known at run time, so the rank is not known either.
    if (!dim.isConst() && !provablyDiffer(dim, Dim(1)))
      return {};
    if (!dim.isConst() || dim.value() != 1)
      kept.push_back(dim);
  }
  ctx.outShape(0, kept);
  keepContents(ctx);
  return {};
}

} // namespace

Result<void> inferSqueeze(InferContext &ctx) {
  if (!ctx.has(1))
    return squeezeAllOnes(ctx);
  std::optional<int64_t> count = TRY(constantLength(ctx, 1));
  std::optional<std::vector<int64_t>> axes = ctx.knownInts(1);
  int64_t rank = ctx.in(0).rank();
  if (!axes) {
    if (!count)
      return {};
    if (*count > rank)
      return ctx.error(ctx.name(1) + ": expected at most " + std::to_string(rank) + " axes, got " +
                       std::to_string(*count));
    for (int64_t axis = 0; *count == rank && axis < rank; axis++)
      TRY(expectDim(ctx, 0, axis, Dim(1), "only dims of size 1 can be squeezed"));
    Dims shape;
    for (int64_t i = *count; i < rank; i++)
      shape.push_back(ctx.freshDim());
    ctx.outShape(0, shape);
    return {};
  }
  Dims shape = ctx.in(0).shape();
  std::vector<int64_t> normal = TRY(checkedAxes(ctx, *axes, rank));
  std::sort(normal.rbegin(), normal.rend());
  for (int64_t axis : normal) {
    TRY(expectDim(ctx, 0, axis, Dim(1), "only dims of size 1 can be squeezed"));
    shape.erase(shape.begin() + axis);
  }
  ctx.outShape(0, shape);
  keepContents(ctx);
  return {};
}

Result<void> inferUnsqueeze(InferContext &ctx) {
  std::optional<int64_t> count = TRY(constantLength(ctx, 1));
  if (!count)
    return {};
  if (*count > kMaxRank)
    return ctx.error(ctx.name(1) + ": expected at most " + std::to_string(kMaxRank) +
                     " axes, got " + std::to_string(*count));
  int64_t rank = ctx.in(0).rank() + *count;
  std::optional<std::vector<int64_t>> axes = ctx.knownInts(1);
  Dims shape;
  if (!axes) {
    for (int64_t i = 0; i < rank; i++)
      shape.push_back(ctx.freshDim());
    ctx.outShape(0, shape);
    return {};
  }
  std::vector<int64_t> normal = TRY(checkedAxes(ctx, *axes, rank));
  auto next = ctx.in(0).shape().begin();
  for (int64_t axis = 0; axis < rank; axis++)
    shape.push_back(std::find(normal.begin(), normal.end(), axis) != normal.end() ? Dim(1)
                                                                                  : *next++);
  ctx.outShape(0, shape);
  keepContents(ctx);
  return {};
}

Result<void> inferTranspose(InferContext &ctx) {
  int64_t rank = ctx.in(0).rank();
  std::vector<int64_t> perm = ctx.op.attrs.getInts("perm");
  if (!ctx.op.attrs.has("perm"))
    for (int64_t i = rank; i-- > 0;)
      perm.push_back(i);
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  bool valid = static_cast<int64_t>(perm.size()) == rank;
  for (int64_t i = 0; valid && i < rank; i++)
    valid = sorted[i] == i;
  if (!valid)
    return ctx.error("attribute 'perm': expected a permutation of the axes 0 to " +
                     std::to_string(rank - 1) + ", got " + listText(perm));
  Dims shape;
  for (int64_t axis : perm)
    shape.push_back(ctx.in(0).dim(axis));
  ctx.outShape(0, shape);
  keepContents(ctx);
  return {};
}

namespace {

Result<int64_t> blockSize(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 4));
  TRY(choiceAttr(ctx, "mode", {"DCR", "CRD"}));
  int64_t block = ctx.op.attrs.getInt("blocksize");
  if (block < 1 || block > INT32_MAX)
    return ctx.error("attribute 'blocksize': expected at least 1, got " + std::to_string(block));
  return block;
}

/// A dim divided by a block size, of which it must be a multiple.
Result<Dim> divided(const InferContext &ctx, int64_t axis, int64_t by) {
  TRY(expectMultiple(ctx, 0, axis, Dim(by), "the block size"));
  return Dim::floorDiv(ctx.in(0).dim(axis), Dim(by));
}

} // namespace

Result<void> inferDepthToSpace(InferContext &ctx) {
  int64_t block = TRY(blockSize(ctx));
  Dim channels = TRY(divided(ctx, 1, block * block));
  const Type &type = ctx.in(0);
  ctx.outShape(0, {type.dim(0), channels, type.dim(2) * Dim(block), type.dim(3) * Dim(block)});
  return {};
}

Result<void> inferSpaceToDepth(InferContext &ctx) {
  int64_t block = TRY(blockSize(ctx));
  Dim height = TRY(divided(ctx, 2, block)), width = TRY(divided(ctx, 3, block));
  ctx.outShape(0, {ctx.in(0).dim(0), ctx.in(0).dim(1) * Dim(block * block), height, width});
  return {};
}

} // namespace cameo
