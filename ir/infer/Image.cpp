// Rules of ops that sample images: resizing, grids, regions of interest, boxes.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <cmath>
#include <numeric>

namespace cameo {
namespace {

/// Whether an optional list input is given: exporters write an absent one as an empty tensor.
bool isGiven(const InferContext &ctx, int64_t i) {
  return ctx.has(i) && !(ctx.in(i).rank() == 1 && ctx.in(i).dim(0) == Dim(0));
}

/// The elements of constant float operand i; nothing if it is not constant.
Result<std::optional<std::vector<double>>> floatList(const InferContext &ctx, int64_t i,
                                                     size_t count) {
  TRY(expectRank(ctx, i, 1));
  TRY(expectDim(ctx, i, 0, Dim(static_cast<int64_t>(count)), "the number of axes"));
  ConstRef data = ctx.constant(i);
  if (!data || data->numElements() != static_cast<int64_t>(count))
    return std::optional<std::vector<double>>();
  std::vector<double> values;
  for (size_t k = 0; k < count; k++)
    values.push_back(constFloat(*data, static_cast<int64_t>(k)));
  return std::optional(values);
}

/// floor(size * scale), computed in 32 bits as ONNX Runtime and onnx do. A symbolic size takes
/// scales that are multiples of 1/64, for which that is exact.
Result<Dim> scaled(InferContext &ctx, const Dim &size, double scale) {
  if (!(scale > 0) || !(scale < 0x1p31))
    return ctx.error(ctx.name(2) + ": expected finite scales above 0, got " +
                     std::to_string(scale));
  if (size.isConst()) {
    float result = std::floor(static_cast<float>(size.value()) * static_cast<float>(scale));
    return result < 0x1p62f ? Dim(static_cast<int64_t>(result)) : Dim::overflow();
  }
  double numerator = scale * 64;
  if (numerator != std::floor(numerator))
    return ctx.freshDim();
  int64_t top = static_cast<int64_t>(numerator), common = std::gcd<int64_t>(top, 64);
  return Dim::floorDiv(size * Dim(top / common), Dim(64 / common));
}

bool crops(const InferContext &ctx) {
  return ctx.op.attrs.getString("coordinate_transformation_mode") == "tf_crop_and_resize";
}

Result<Dims> resizeByScales(InferContext &ctx, const std::vector<int64_t> &axes) {
  Dims shape = ctx.in(0).shape();
  std::optional<std::vector<double>> scales = TRY(floatList(ctx, 2, axes.size()));
  bool crop = crops(ctx);
  std::optional<std::vector<double>> roi;
  if (crop && isGiven(ctx, 1))
    roi = TRY(floatList(ctx, 1, 2 * axes.size()));
  for (size_t i = 0; i < axes.size(); i++) {
    Dim &dim = shape[axes[i]];
    if (!scales || (crop && !roi))
      dim = ctx.freshDim();
    else
      dim = TRY(scaled(ctx, dim,
                       crop ? ((*roi)[i + axes.size()] - (*roi)[i]) * (*scales)[i] : (*scales)[i]));
  }
  return shape;
}

/// One scale for all axes: the smallest (largest) that makes no axis larger (smaller) than asked.
void keepAspect(InferContext &ctx, Dims &shape, const std::vector<int64_t> &axes, const Dims &sizes,
                bool notLarger) {
  double scale = 0;
  bool known = true;
  for (size_t i = 0; i < axes.size(); i++) {
    const Dim &dim = shape[axes[i]];
    known = known && dim.isConst() && sizes[i].isConst() && dim.value() > 0;
    if (!known)
      break;
    double ratio = static_cast<double>(sizes[i].value()) / static_cast<double>(dim.value());
    scale = i == 0 ? ratio : notLarger ? std::min(scale, ratio) : std::max(scale, ratio);
  }
  for (int64_t axis : axes) {
    double result = known ? std::floor(scale * static_cast<double>(shape[axis].value()) + 0.5) : 0;
    shape[axis] = !known            ? ctx.freshDim()
                  : result < 0x1p62 ? Dim(static_cast<int64_t>(result))
                                    : Dim::overflow();
  }
}

Result<Dims> resizeToSizes(InferContext &ctx, const std::vector<int64_t> &axes) {
  std::string policy =
      TRY(choiceAttr(ctx, "keep_aspect_ratio_policy", {"stretch", "not_larger", "not_smaller"}));
  TRY(expectRank(ctx, 3, 1));
  TRY(expectDim(ctx, 3, 0, Dim(static_cast<int64_t>(axes.size())), "the number of axes"));
  if (crops(ctx) && isGiven(ctx, 1))
    TRY(expectShape(ctx, 1, {Dim(static_cast<int64_t>(axes.size()) * 2)}, "two an axis"));
  std::optional<Dims> sizes = TRY(shapeFrom(ctx, 3));
  Dims shape = ctx.in(0).shape();
  for (size_t i = 0; sizes && i < axes.size(); i++)
    if (!((*sizes)[i] == shape[axes[i]]))
      TRY(expectElements(ctx, 0, axes[i], (*sizes)[i], "the size in " + ctx.name(3)));
  if (sizes && policy != "stretch") {
    keepAspect(ctx, shape, axes, *sizes, policy == "not_larger");
    return shape;
  }
  for (size_t i = 0; i < axes.size(); i++)
    shape[axes[i]] = sizes ? (*sizes)[i] : ctx.freshDim();
  return shape;
}

} // namespace

Result<void> inferResize(InferContext &ctx) {
  TRY(choiceAttr(ctx, "mode", {"nearest", "linear", "cubic"}));
  TRY(choiceAttr(ctx, "nearest_mode",
                 {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}));
  TRY(choiceAttr(ctx, "coordinate_transformation_mode",
                 {"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners",
                  "asymmetric", "tf_crop_and_resize"}));
  std::vector<int64_t> axes = ctx.op.attrs.getInts("axes");
  if (!ctx.op.attrs.has("axes"))
    for (int64_t i = 0; i < ctx.in(0).rank(); i++)
      axes.push_back(i);
  axes = TRY(checkedAxes(ctx, axes, ctx.in(0).rank()));
  bool scales = isGiven(ctx, 2), sizes = isGiven(ctx, 3);
  if (scales == sizes)
    return ctx.error(std::string("expected one of the inputs scales and sizes, got ") +
                     (scales ? "both" : "neither"));
  ctx.outShape(0, scales ? TRY(resizeByScales(ctx, axes)) : TRY(resizeToSizes(ctx, axes)));
  return {};
}

/// X[batch, channels, in...] sampled at grid[batch, out..., coordinates].
Result<void> inferGridSample(InferContext &ctx) {
  TRY(choiceAttr(ctx, "mode", {"linear", "nearest", "cubic"}));
  TRY(choiceAttr(ctx, "padding_mode", {"zeros", "border", "reflection"}));
  TRY(expectRank(ctx, 0, 3, -1));
  int64_t rank = ctx.in(0).rank();
  TRY(expectRank(ctx, 1, rank));
  TRY(expectDim(ctx, 1, 0, ctx.in(0).dim(0), "the batch of " + ctx.name(0)));
  TRY(expectDim(ctx, 1, rank - 1, Dim(rank - 2), "one coordinate a spatial dim"));
  for (int64_t axis = 2; axis < rank; axis++)
    TRY(expectElements(ctx, 0, axis, Dim(1), "a grid"));
  Dims shape{moreKnown(ctx.in(0).dim(0), ctx.in(1).dim(0)), ctx.in(0).dim(1)};
  shape.insert(shape.end(), ctx.in(1).shape().begin() + 1, ctx.in(1).shape().end() - 1);
  ctx.outShape(0, shape);
  return {};
}

Result<void> inferRoiAlign(InferContext &ctx) {
  TRY(choiceAttr(ctx, "mode", {"avg", "max"}));
  TRY(choiceAttr(ctx, "coordinate_transformation_mode", {"half_pixel", "output_half_pixel"}));
  TRY(expectRank(ctx, 0, 4));
  TRY(expectRank(ctx, 1, 2));
  TRY(expectRank(ctx, 2, 1));
  TRY(expectDim(ctx, 1, 1, Dim(4), "x1, y1, x2, y2"));
  TRY(expectDim(ctx, 2, 0, ctx.in(1).dim(0), "the regions of " + ctx.name(1)));
  Dims shape{moreKnown(ctx.in(1).dim(0), ctx.in(2).dim(0)), ctx.in(0).dim(1)};
  for (int64_t axis : {2, 3})
    TRY(expectElements(ctx, 0, axis, shape[0], "the regions of " + ctx.name(1)));
  for (const char *name : {"output_height", "output_width"}) {
    int64_t size = ctx.op.attrs.getInt(name);
    if (size < 1)
      return ctx.error(std::string("attribute '") + name + "': expected at least 1, got " +
                       std::to_string(size));
    shape.push_back(Dim(size));
  }
  if (ctx.op.attrs.getInt("sampling_ratio") < 0)
    return ctx.error("attribute 'sampling_ratio': expected at least 0, got " +
                     std::to_string(ctx.op.attrs.getInt("sampling_ratio")));
  ctx.outShape(0, shape);
  return {};
}

/// boxes[batch, count, 4], scores[batch, classes, count] to [selected, 3].
Result<void> inferNonMaxSuppression(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3));
  TRY(expectRank(ctx, 1, 3));
  TRY(expectDim(ctx, 0, 2, Dim(4), "a box's coordinates"));
  TRY(expectDim(ctx, 1, 0, ctx.in(0).dim(0), "the batch of " + ctx.name(0)));
  TRY(expectDim(ctx, 1, 2, ctx.in(0).dim(1), "the boxes of " + ctx.name(0)));
  for (int64_t i : {2, 3, 4})
    if (ctx.has(i))
      TRY(expectScalar(ctx, i));
  ctx.outShape(0, {ctx.freshDim(), Dim(3)});
  return {};
}

} // namespace cameo
