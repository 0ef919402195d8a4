// Shared checks; see Checks.h.
#include "ir/infer/Checks.h"

#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {

std::string listText(const std::vector<int64_t> &values) {
  // A hostile list must not make a message of megabytes.
  constexpr size_t kShown = 16;
  std::string text;
  for (size_t i = 0; i < std::min(values.size(), kShown); i++)
    text += (i ? "," : "") + std::to_string(values[i]);
  return "[" + text + (values.size() > kShown ? ",...]" : "]");
}

Result<void> expectRank(const InferContext &ctx, int64_t i, int64_t low, int64_t high) {
  int64_t rank = ctx.in(i).rank();
  if (rank >= low && (high < 0 || rank <= high))
    return {};
  std::string range = std::to_string(low);
  if (high < 0)
    range = "at least " + range;
  else if (high > low)
    range += " to " + std::to_string(high);
  return ctx.error(ctx.name(i) + ": expected rank " + range + ", got " + std::to_string(rank) +
                   " (" + ctx.in(i).str() + ")");
}

Result<void> expectScalar(const InferContext &ctx, int64_t i) {
  for (const Dim &dim : ctx.in(i).shape())
    TRY(ctx.require(Relation::Equal, dim, Dim(1),
                    literal(ctx.name(i)) + ": expected one element, got %a in " +
                        literal(ctx.in(i).str())));
  return {};
}

Result<int64_t> checkedAxis(const InferContext &ctx, int64_t axis, int64_t rank,
                            const std::string &what) {
  if (std::optional<int64_t> normal = normalizeAxis(axis, rank))
    return *normal;
  if (rank == 0)
    return ctx.error(what + ": expected none for a scalar, got " + std::to_string(axis));
  return ctx.error(what + ": expected " + std::to_string(-rank) + " to " +
                   std::to_string(rank - 1) + ", got " + std::to_string(axis));
}

Result<std::vector<int64_t>> checkedAxes(const InferContext &ctx, const std::vector<int64_t> &axes,
                                         int64_t rank) {
  std::vector<int64_t> normal;
  std::vector<bool> seen(rank);
  for (size_t i = 0; i < axes.size(); i++) {
    int64_t axis = TRY(checkedAxis(ctx, axes[i], rank, "axes[" + std::to_string(i) + "]"));
    if (seen[axis])
      return ctx.error("axes: expected distinct axes, got " + std::to_string(axis) + " twice in " +
                       listText(axes));
    seen[axis] = true;
    normal.push_back(axis);
  }
  return normal;
}

Result<std::vector<int64_t>> listAttr(const InferContext &ctx, std::string_view name, size_t count,
                                      int64_t otherwise, int64_t least) {
  std::vector<int64_t> values = ctx.op.attrs.getInts(name);
  std::string what = "attribute '" + std::string(name) + "'";
  if (values.empty())
    return std::vector<int64_t>(count, otherwise);
  if (values.size() != count)
    return ctx.error(what + ": expected " + std::to_string(count) + " integers, got " +
                     listText(values));
  for (int64_t value : values)
    if (value < least)
      return ctx.error(what + ": expected integers of at least " + std::to_string(least) +
                       ", got " + listText(values));
  return values;
}

Result<std::string> choiceAttr(const InferContext &ctx, std::string_view name,
                               const std::vector<std::string> &choices) {
  std::string value = ctx.op.attrs.getString(name), all;
  if (std::find(choices.begin(), choices.end(), value) != choices.end())
    return value;
  for (const std::string &choice : choices)
    all += (all.empty() ? "" : ", ") + choice;
  return ctx.error("attribute '" + std::string(name) + "': expected one of " + all + ", got '" +
                   value + "'");
}

bool provablyDiffer(const Dim &a, const Dim &b) {
  if (a.isConst() && b.isConst())
    return a.value() != b.value();
  return provablyGreater(a, b) || provablyGreater(b, a);
}

namespace {

/// Requires a relation between dim `axis` of operand i and a size; `expected` says which, with %b
/// for that size.
Result<void> requireOfDim(const InferContext &ctx, Relation relation, int64_t i, int64_t axis,
                          const Dim &size, const std::string &expected) {
  const Type &type = ctx.in(i);
  if (decide(relation, type.dim(axis), size) == true)
    return {};
  return ctx.require(relation, type.dim(axis), size,
                     literal(ctx.name(i)) + ": expected dim " + std::to_string(axis) + " " +
                         expected + ", got %a in " + literal(type.str()));
}

} // namespace

Result<void> expectDim(const InferContext &ctx, int64_t i, int64_t axis, const Dim &size,
                       const std::string &what) {
  return requireOfDim(ctx, Relation::Equal, i, axis, size, "to be %b (" + literal(what) + ")");
}

Result<void> expectShape(const InferContext &ctx, int64_t i, const Dims &shape,
                         const std::string &what) {
  TRY(expectRank(ctx, i, static_cast<int64_t>(shape.size())));
  for (size_t d = 0; d < shape.size(); d++)
    TRY(expectDim(ctx, i, static_cast<int64_t>(d), shape[d], what));
  return {};
}

Result<void> expectAtMost(const InferContext &ctx, int64_t i, int64_t axis, const Dim &size,
                          const std::string &what) {
  return requireOfDim(ctx, Relation::AtMost, i, axis, size,
                      "to be at most %b (" + literal(what) + ")");
}

Result<void> expectElements(const InferContext &ctx, int64_t i, int64_t axis, const Dim &readers,
                            const std::string &what) {
  const Type &type = ctx.in(i);
  return ctx.require(Relation::AtMost, Dim::min(readers, Dim(1)), type.dim(axis),
                     literal(ctx.name(i)) + ": expected dim " + std::to_string(axis) +
                         " to be at least %a for " + literal(what) + ", got %b in " +
                         literal(type.str()));
}

Result<void> expectWindow(const InferContext &ctx, int64_t axis, const Dim &window,
                          const Dim &padded) {
  return ctx.require(Relation::AtMost, window, padded,
                     literal(ctx.name(0)) + ": expected dim " + std::to_string(axis) +
                         " with its padding to be at least the kernel's %a, got %b in " +
                         literal(ctx.in(0).str()));
}

Result<void> expectMultiple(const InferContext &ctx, int64_t i, int64_t axis, const Dim &factor,
                            const std::string &what) {
  return requireOfDim(ctx, Relation::Multiple, i, axis, factor,
                      "to be a multiple of %b (" + literal(what) + ")");
}

Result<void> expectBroadcastTo(const InferContext &ctx, int64_t i, const Dims &shape,
                               const std::string &what) {
  int64_t rank = static_cast<int64_t>(shape.size()), skip = rank - ctx.in(i).rank();
  auto misfit = [&] {
    return ctx.error(ctx.name(i) + ": expected a shape that broadcasts to " +
                     ctx.in(i).withShape(shape).str() + " (" + what + "), got " + ctx.in(i).str());
  };
  if (skip < 0)
    return misfit();
  for (int64_t d = skip; d < rank; d++) {
    if (decide(Relation::BroadcastTo, ctx.in(i).dim(d - skip), shape[d]) == false)
      return misfit();
    TRY(requireOfDim(ctx, Relation::BroadcastTo, i, d - skip, shape[d],
                     "to broadcast to %b (" + literal(what) + ")"));
  }
  return {};
}

Result<Dims> broadcastWith(const InferContext &ctx, const Dims &shape, int64_t i, const Dims &more,
                           const std::string &what) {
  if (shape == more)
    return shape;
  std::optional<Dims> wide = broadcastShapes(shape, more);
  if (!wide)
    return ctx.error(ctx.name(i) + ": expected a shape that broadcasts with " +
                     ctx.in(i).withShape(shape).str() + " (" + what + "), got " + ctx.in(i).str());
  size_t common = std::min(shape.size(), more.size());
  for (size_t d = 1; d <= common; d++)
    TRY(ctx.require(Relation::Broadcast, more[more.size() - d], shape[shape.size() - d],
                    literal(ctx.name(i)) + ": expected a size that broadcasts with %b (" +
                        literal(what) + "), got %a in " + literal(ctx.in(i).str())));
  return *wide;
}

Result<std::optional<int64_t>> constantLength(const InferContext &ctx, int64_t i) {
  TRY(expectRank(ctx, i, 1));
  const Dim &length = ctx.in(i).dim(0);
  return length.isConst() ? std::optional<int64_t>(length.value()) : std::nullopt;
}

Result<Dims> kernelOf(const InferContext &ctx, int64_t i) {
  const Dims &shape = ctx.in(i).shape();
  Dims kernel(shape.begin() + 2, shape.end());
  std::vector<int64_t> stated = TRY(listAttr(ctx, "kernel_shape", kernel.size(), 0, 1));
  for (size_t d = 0; d < kernel.size() && ctx.op.attrs.has("kernel_shape"); d++) {
    if (stated[d] == 0)
      continue;
    TRY(expectDim(ctx, i, static_cast<int64_t>(d) + 2, Dim(stated[d]), "attribute 'kernel_shape'"));
    kernel[d] = Dim(stated[d]);
  }
  for (const Dim &size : kernel)
    TRY(ctx.require(Relation::AtMost, Dim(1), size,
                    literal(ctx.name(i)) + ": expected a kernel of at least 1, got %b in " +
                        literal(ctx.in(i).str())));
  return kernel;
}

DType dtypeAttr(const InferContext &ctx, std::string_view name, DType otherwise) {
  const Attr *attr = ctx.op.attrs.find(name);
  return attr ? std::get<DType>(*attr) : otherwise;
}

} // namespace cameo
