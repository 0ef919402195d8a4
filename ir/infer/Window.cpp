// Rules of ops that slide a window over spatial dims: convolutions and pools. Formulas are those of
// the ONNX operator texts; kernel, strides, dilations and pads are checked in one place.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

struct Window {
  Dims extent; // of the dilated kernel
  std::vector<int64_t> strides, dilations, pads;
  std::string autoPad;
  int64_t spatial() const { return static_cast<int64_t>(extent.size()); }
  bool same() const { return autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER"; }
};

Result<Window> windowOf(const InferContext &ctx, const Dims &kernel) {
  size_t spatial = kernel.size();
  Window window;
  window.autoPad =
      TRY(choiceAttr(ctx, "auto_pad", {"NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"}));
  window.strides = TRY(listAttr(ctx, "strides", spatial, 1, 1));
  window.dilations = TRY(listAttr(ctx, "dilations", spatial, 1, 1));
  window.pads = TRY(listAttr(ctx, "pads", 2 * spatial, 0, 0));
  if (window.autoPad != "NOTSET")
    window.pads.assign(2 * spatial, 0);
  for (size_t i = 0; i < spatial; i++)
    window.extent.push_back((kernel[i] - Dim(1)) * Dim(window.dilations[i]) + Dim(1));
  return window;
}

/// Number of windows along spatial dim i: all that fit into the padded input, rounded up or down.
/// There is one at least.
Result<Dim> windowCount(const InferContext &ctx, const Window &window, int64_t i, bool ceil) {
  const Dim &size = ctx.in(0).dim(i + 2);
  Dim stride(window.strides[i]), before(window.pads[i]), after(window.pads[i + window.spatial()]);
  if (window.same()) {
    TRY(expectElements(ctx, 0, i + 2, Dim(1), "a window"));
    return Dim::ceilDiv(size, stride);
  }
  Dim padded = size + before + after, room = padded - window.extent[i];
  TRY(expectWindow(ctx, i + 2, window.extent[i], padded));
  if (!ceil || window.autoPad == "VALID")
    return Dim::floorDiv(room, stride) + Dim(1);
  // A window that starts in the padding after the input does not count.
  Dim rounded = Dim::ceilDiv(room, stride) + Dim(1);
  if (provablyAtLeast(window.extent[i], after + stride))
    return rounded;
  return Dim::min(rounded, Dim::ceilDiv(size + before, stride));
}

Result<int64_t> groupsOf(const InferContext &ctx) {
  int64_t group = ctx.op.attrs.getInt("group", 1);
  if (group < 1)
    return ctx.error("attribute 'group': expected at least 1, got " + std::to_string(group));
  return group;
}

Result<void> expectBias(const InferContext &ctx, int64_t i, const Dim &channels, int64_t weight) {
  if (!ctx.has(i))
    return {};
  return expectShape(ctx, i, {channels}, "the output channels of " + ctx.name(weight));
}

/// Convolution of operand 0 by operand `weight`.
Result<void> convolve(InferContext &ctx, int64_t weight, int64_t bias) {
  TRY(expectRank(ctx, 0, 3, -1));
  TRY(expectRank(ctx, weight, ctx.in(0).rank()));
  int64_t group = TRY(groupsOf(ctx));
  const Type &w = ctx.in(weight);
  TRY(expectMultiple(ctx, weight, 0, Dim(group), "the groups"));
  TRY(expectDim(ctx, 0, 1, w.dim(1) * Dim(group),
                "the channels of " + ctx.name(weight) +
                    (group > 1 ? " times " + std::to_string(group) + " groups" : "")));
  if (bias >= 0)
    TRY(expectBias(ctx, bias, w.dim(0), weight));
  Window window = TRY(windowOf(ctx, TRY(kernelOf(ctx, weight))));
  Dims shape{ctx.in(0).dim(0), w.dim(0)};
  for (int64_t i = 0; i < window.spatial(); i++)
    shape.push_back(TRY(windowCount(ctx, window, i, false)));
  ctx.outShape(0, shape);
  return {};
}

/// The scale or zero point in operand i is one number, or one an output channel.
Result<void> expectPerChannel(const InferContext &ctx, int64_t i, int64_t weight) {
  if (!ctx.has(i))
    return {};
  return expectBroadcastTo(ctx, i, {ctx.in(weight).dim(0)},
                           "the output channels of " + ctx.name(weight));
}

} // namespace

Result<void> inferConv(InferContext &ctx) { return convolve(ctx, 1, 2); }
Result<void> inferConvInteger(InferContext &ctx) {
  TRY(convolve(ctx, 1, -1));
  if (ctx.has(2))
    TRY(expectScalar(ctx, 2));
  return expectPerChannel(ctx, 3, 1);
}
Result<void> inferQLinearConv(InferContext &ctx) {
  TRY(convolve(ctx, 3, 8));
  for (int64_t i : {1, 2, 6, 7})
    TRY(expectScalar(ctx, i));
  for (int64_t i : {4, 5})
    TRY(expectPerChannel(ctx, i, 3));
  return {};
}

Result<void> inferConvTranspose(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3, -1));
  TRY(expectRank(ctx, 1, ctx.in(0).rank()));
  int64_t group = TRY(groupsOf(ctx)), spatial = ctx.in(0).rank() - 2;
  TRY(expectDim(ctx, 1, 0, ctx.in(0).dim(1), "the channels of " + ctx.name(0)));
  TRY(expectMultiple(ctx, 1, 0, Dim(group), "the groups"));
  Dim channels = ctx.in(1).dim(1) * Dim(group);
  TRY(expectBias(ctx, 2, channels, 1));
  Window window = TRY(windowOf(ctx, TRY(kernelOf(ctx, 1))));
  std::vector<int64_t> extra = TRY(listAttr(ctx, "output_padding", spatial, 0, 0));
  std::vector<int64_t> wanted = ctx.op.attrs.getInts("output_shape");
  // Some exporters state batch and channels too.
  if (static_cast<int64_t>(wanted.size()) == spatial + 2)
    wanted.erase(wanted.begin(), wanted.begin() + 2);
  if (!wanted.empty() && static_cast<int64_t>(wanted.size()) != spatial)
    return ctx.error("attribute 'output_shape': expected " + std::to_string(spatial) +
                     " sizes, got " + listText(wanted));
  Dims shape{ctx.in(0).dim(0), channels};
  for (int64_t i = 0; i < spatial; i++) {
    Dim stride(window.strides[i]), size = ctx.in(0).dim(i + 2);
    if (!wanted.empty())
      shape.push_back(Dim(wanted[i]));
    else if (window.same())
      shape.push_back(size * stride);
    else
      shape.push_back(stride * (size - Dim(1)) + Dim(extra[i]) + window.extent[i] -
                      Dim(window.pads[i]) - Dim(window.pads[i + spatial]));
    TRY(ctx.require(Relation::AtMost, Dim(1), shape.back(),
                    "expected a result of at least %a in dim " + std::to_string(i + 2) +
                        ", got %b of " + literal(ctx.in(0).str())));
  }
  ctx.outShape(0, shape);
  return {};
}

/// MaxPool, AveragePool, LpPool.
Result<void> inferPool(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3, -1));
  int64_t spatial = ctx.in(0).rank() - 2;
  if (ctx.op.attrs.getInts("kernel_shape").empty())
    return ctx.error("attribute 'kernel_shape': expected " + std::to_string(spatial) +
                     " integers, got none");
  std::vector<int64_t> kernel = TRY(listAttr(ctx, "kernel_shape", spatial, 1, 1));
  Window window = TRY(windowOf(ctx, Dims(kernel.begin(), kernel.end())));
  for (int64_t i = 0; i < 2 * spatial; i++)
    if (provablyAtLeast(Dim(window.pads[i]), window.extent[i % spatial]))
      return ctx.error("attribute 'pads': expected less than the kernel's " +
                       window.extent[i % spatial].str() + ", got " + listText(window.pads));
  if (ctx.op.attrs.getInt("p", 1) < 1)
    return ctx.error("attribute 'p': expected at least 1, got " +
                     std::to_string(ctx.op.attrs.getInt("p")));
  bool ceil = ctx.op.attrs.getInt("ceil_mode") != 0;
  Dims shape{ctx.in(0).dim(0), ctx.in(0).dim(1)};
  for (int64_t i = 0; i < spatial; i++)
    shape.push_back(TRY(windowCount(ctx, window, i, ceil)));
  ctx.outShape(0, shape);
  ctx.outShape(1, shape);
  return {};
}

Result<void> inferGlobalPool(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  for (int64_t axis = 2; axis < ctx.in(0).rank(); axis++)
    TRY(expectElements(ctx, 0, axis, Dim(1), "a window"));
  Dims shape = ctx.in(0).shape();
  std::fill(shape.begin() + 2, shape.end(), Dim(1));
  ctx.outShape(0, shape);
  return {};
}

} // namespace cameo
