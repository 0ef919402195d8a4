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
    if (provablyDiffer(dim, Dim(1)))
      return ctx.error(ctx.name(i) + ": expected one element, got " + ctx.in(i).str());
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

Result<void> expectDim(const InferContext &ctx, int64_t i, int64_t axis, const Dim &size,
                       const std::string &what) {
  const Dim &got = ctx.in(i).dim(axis);
  if (!provablyDiffer(got, size))
    return {};
  return ctx.error(ctx.name(i) + ": expected dim " + std::to_string(axis) + " to be " + size.str() +
                   " (" + what + "), got " + got.str() + " in " + ctx.in(i).str());
}

Result<std::optional<int64_t>> constantLength(const InferContext &ctx, int64_t i) {
  TRY(expectRank(ctx, i, 1));
  const Dim &length = ctx.in(i).dim(0);
  return length.isConst() ? std::optional<int64_t>(length.value()) : std::nullopt;
}

DType dtypeAttr(const InferContext &ctx, std::string_view name, DType otherwise) {
  const Attr *attr = ctx.op.attrs.find(name);
  return attr ? std::get<DType>(*attr) : otherwise;
}

} // namespace cameo
