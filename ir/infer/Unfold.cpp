// Rules of ops that put windows back, or read them at computed places, and of layers that carry a
// state along a sequence.
#include "ir/infer/Checks.h"

#include <algorithm>

namespace cameo {

/// X[batch, channels, ...] with the indices MaxPool gave.
Result<void> inferMaxUnpool(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3, -1));
  int64_t rank = ctx.in(0).rank();
  TRY(expectShape(ctx, 1, ctx.in(0).shape(), "as in " + ctx.name(0)));
  size_t spatial = static_cast<size_t>(rank - 2);
  std::vector<int64_t> kernel = TRY(listAttr(ctx, "kernel_shape", spatial, 1, 1));
  std::vector<int64_t> strides = TRY(listAttr(ctx, "strides", spatial, 1, 1));
  std::vector<int64_t> pads = TRY(listAttr(ctx, "pads", 2 * spatial, 0, 0));
  Dims shape{ctx.in(0).dim(0), ctx.in(0).dim(1)};
  for (size_t d = 0; d < spatial; d++)
    shape.push_back((ctx.in(0).dim(static_cast<int64_t>(d) + 2) - Dim(1)) * Dim(strides[d]) +
                    Dim(kernel[d]) - Dim(pads[d]) - Dim(pads[d + spatial]));
  if (ctx.has(2)) {
    TRY(expectShape(ctx, 2, {Dim(rank)}, "one size a dim of " + ctx.name(0)));
    std::optional<Dims> stated = TRY(shapeFrom(ctx, 2));
    for (size_t d = 0; d < shape.size(); d++)
      shape[d] = stated ? (*stated)[d] : ctx.freshDim();
  }
  ctx.outShape(0, shape);
  return {};
}

/// X[batch, channels, height, width] at rois[count, 5].
Result<void> inferMaxRoiPool(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 4));
  TRY(expectRank(ctx, 1, 2));
  TRY(expectDim(ctx, 1, 1, Dim(5), "batch, x1, y1, x2, y2"));
  std::vector<int64_t> bins = TRY(listAttr(ctx, "pooled_shape", 2, 1, 1));
  ctx.outShape(0, {ctx.in(1).dim(0), ctx.in(0).dim(1), Dim(bins[0]), Dim(bins[1])});
  return {};
}

/// input[batch, channels * block, blocks] to [batch, channels, image...].
Result<void> inferCol2Im(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3));
  std::optional<Dims> image = TRY(shapeFrom(ctx, 1)), block = TRY(shapeFrom(ctx, 2));
  if (!image || !block)
    return {};
  if (image->size() != block->size() || image->empty())
    return ctx.error(ctx.name(2) + ": expected " + std::to_string(image->size()) +
                     " sizes, one a spatial dim, got " + std::to_string(block->size()));
  size_t rank = image->size();
  std::vector<int64_t> strides = TRY(listAttr(ctx, "strides", rank, 1, 1));
  std::vector<int64_t> dilations = TRY(listAttr(ctx, "dilations", rank, 1, 1));
  std::vector<int64_t> pads = TRY(listAttr(ctx, "pads", 2 * rank, 0, 0));
  Dim blocks(1);
  for (size_t d = 0; d < rank; d++) {
    Dim room = (*image)[d] + Dim(pads[d]) + Dim(pads[d + rank]) -
               ((*block)[d] - Dim(1)) * Dim(dilations[d]) - Dim(1);
    blocks = blocks * Dim::max(Dim::floorDiv(room, Dim(strides[d])) + Dim(1), Dim(0));
  }
  TRY(expectDim(ctx, 0, 2, blocks, "the blocks of the image"));
  Dim taps = productOrFresh(ctx, *block);
  if (taps == Dim(0))
    return ctx.error(ctx.name(2) + ": expected sizes of at least 1");
  TRY(expectMultiple(ctx, 0, 1, taps, "the block's elements"));
  Dims shape{ctx.in(0).dim(0), Dim::floorDiv(ctx.in(0).dim(1), taps)};
  shape.insert(shape.end(), image->begin(), image->end());
  ctx.outShape(0, shape);
  return {};
}

/// X[batch, channels, ...], W[out, channels / group, kernel...], an offset for each tap and output.
Result<void> inferDeformConv(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3, -1));
  int64_t rank = ctx.in(0).rank();
  TRY(expectRank(ctx, 1, rank));
  int64_t group = ctx.op.attrs.getInt("group"), offsetGroup = ctx.op.attrs.getInt("offset_group");
  if (group < 1 || offsetGroup < 1)
    return ctx.error("expected groups of at least 1, got " +
                     std::to_string(std::min(group, offsetGroup)));
  const Type &w = ctx.in(1);
  TRY(expectDim(ctx, 0, 1, w.dim(1) * Dim(group),
                "the channels of " + ctx.name(1) + " times the groups"));
  TRY(expectMultiple(ctx, 1, 0, Dim(group), "the groups"));
  TRY(expectMultiple(ctx, 0, 1, Dim(offsetGroup), "attribute 'offset_group'"));
  if (ctx.has(3))
    TRY(expectShape(ctx, 3, {w.dim(0)}, "the output channels of " + ctx.name(1)));
  size_t spatial = static_cast<size_t>(rank - 2);
  std::vector<int64_t> strides = TRY(listAttr(ctx, "strides", spatial, 1, 1));
  std::vector<int64_t> dilations = TRY(listAttr(ctx, "dilations", spatial, 1, 1));
  std::vector<int64_t> pads = TRY(listAttr(ctx, "pads", 2 * spatial, 0, 0));
  Dims shape{ctx.in(0).dim(0), w.dim(0)}, kernel = TRY(kernelOf(ctx, 1));
  Dim taps = product(kernel);
  for (size_t d = 0; d < spatial; d++) {
    int64_t axis = static_cast<int64_t>(d) + 2;
    Dim extent = (kernel[d] - Dim(1)) * Dim(dilations[d]) + Dim(1);
    Dim padded = ctx.in(0).dim(axis) + Dim(pads[d]) + Dim(pads[d + spatial]);
    TRY(expectWindow(ctx, axis, extent, padded));
    shape.push_back(Dim::floorDiv(padded - extent, Dim(strides[d])) + Dim(1));
  }
  Dim perGroup = taps * Dim(offsetGroup), coordinates(static_cast<int64_t>(spatial));
  Dims offsets = shape, mask = shape;
  offsets[1] = perGroup * coordinates, mask[1] = perGroup;
  TRY(expectShape(ctx, 2, offsets, "the batch, an offset a tap and coordinate, the output's size"));
  if (ctx.has(4))
    TRY(expectShape(ctx, 4, mask, "the batch, a factor a tap, the output's size"));
  ctx.outShape(0, shape);
  return {};
}

/// input[batch, channels, length], weight[channels, 1, taps]; the state is the last taps - 1
/// inputs.
Result<void> inferCausalConvWithState(InferContext &ctx) {
  TRY(choiceAttr(ctx, "activation", {"none", "silu", "swish"}));
  for (int64_t i : {0, 1})
    TRY(expectRank(ctx, i, 3));
  const Type &x = ctx.in(0);
  TRY(expectDim(ctx, 1, 0, x.dim(1), "the channels of " + ctx.name(0)));
  TRY(expectDim(ctx, 1, 1, Dim(1), "depthwise weights"));
  TRY(expectElements(ctx, 1, 2, Dim(1), "a step"));
  Dims state{x.dim(0), x.dim(1), ctx.in(1).dim(2) - Dim(1)};
  if (ctx.has(2))
    TRY(expectShape(ctx, 2, {x.dim(1)}, "the channels of " + ctx.name(0)));
  if (ctx.has(3))
    TRY(expectShape(ctx, 3, state, "batch and channels of " + ctx.name(0) + ", taps before"));
  ctx.outShape(0, x.shape());
  ctx.outShape(1, state);
  return {};
}

/// The decays that a LinearAttention's rule reads, one a head or one a row of its matrix, and the
/// rates, one or one a head.
static Result<void> expectFactors(const InferContext &ctx, int64_t heads, const Dim &keySize) {
  std::string rule = ctx.op.attrs.getString("update_rule");
  if (rule.starts_with("gated")) {
    if (!ctx.has(4))
      return ctx.error("update_rule '" + rule + "': input decay is missing");
    TRY(expectMultiple(ctx, 4, 2, Dim(heads), "the key heads"));
    TRY(ctx.require(Relation::BroadcastTo, Dim::floorDiv(ctx.in(4).dim(2), Dim(heads)), keySize,
                    literal(ctx.name(4)) +
                        ": expected a decay a head, or one for each of %b (the "
                        "key size of " +
                        literal(ctx.name(1)) + "), got %a in " + literal(ctx.in(4).str())));
  }
  if (!rule.ends_with("delta"))
    return {};
  if (!ctx.has(5))
    return ctx.error("update_rule '" + rule + "': input beta is missing");
  return ctx.require(Relation::BroadcastTo, ctx.in(5).dim(2), Dim(heads),
                     literal(ctx.name(5)) +
                         ": expected one rate, or one for each of %b key heads, "
                         "got %a in " +
                         literal(ctx.in(5).str()));
}

/// query[batch, length, heads * size], key and value alike; the state is a matrix a head.
Result<void> inferLinearAttention(InferContext &ctx) {
  TRY(choiceAttr(ctx, "update_rule", {"linear", "gated", "delta", "gated_delta"}));
  for (int64_t i : {0, 1, 2})
    TRY(expectRank(ctx, i, 3));
  int64_t queryHeads = ctx.op.attrs.getInt("q_num_heads");
  int64_t heads = ctx.op.attrs.getInt("kv_num_heads");
  if (heads < 1 || queryHeads < 1 || queryHeads % heads != 0)
    return ctx.error("expected a multiple of " + std::to_string(heads) + " key heads, got " +
                     std::to_string(queryHeads) + " query heads");
  const Type &q = ctx.in(0);
  for (int64_t i : {1, 2}) {
    TRY(expectDim(ctx, i, 0, q.dim(0), "the batch of " + ctx.name(0)));
    TRY(expectDim(ctx, i, 1, q.dim(1), "the length of " + ctx.name(0)));
    TRY(expectMultiple(ctx, i, 2, Dim(heads), "the key heads"));
  }
  Dim keySize = Dim::floorDiv(ctx.in(1).dim(2), Dim(heads));
  Dim valueSize = Dim::floorDiv(ctx.in(2).dim(2), Dim(heads));
  TRY(expectDim(ctx, 0, 2, keySize * Dim(queryHeads),
                "the query heads times the key size of " + ctx.name(1)));
  ctx.outShape(0, {q.dim(0), q.dim(1), valueSize * Dim(queryHeads)});
  Dims state{q.dim(0), Dim(heads), keySize, valueSize};
  for (int64_t i : {4, 5}) {
    if (!ctx.has(i))
      continue;
    TRY(expectRank(ctx, i, 3));
    TRY(expectDim(ctx, i, 0, q.dim(0), "the batch of " + ctx.name(0)));
    TRY(expectDim(ctx, i, 1, q.dim(1), "the length of " + ctx.name(0)));
  }
  TRY(expectFactors(ctx, heads, keySize));
  if (ctx.has(3))
    TRY(expectShape(ctx, 3, state, "the batch, the key heads, key size and value size"));
  if (1 < ctx.op.numResults())
    ctx.out(1, Type::tensor(ctx.has(3) ? ctx.in(3).dtype() : q.dtype(), state));
  return {};
}

/// theta[batch, 2 or 3, 3 or 4] and the size of the image: [batch, sizes..., coordinates].
Result<void> inferAffineGrid(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3));
  TRY(expectShape(ctx, 1, {ctx.in(0).dim(1) + Dim(2)}, "the dims of an image"));
  std::optional<Dims> size = TRY(shapeFrom(ctx, 1));
  // How many coordinates there are says how long a list of open length is.
  const Dim &given = ctx.in(0).dim(1);
  if (!size && (given == Dim(2) || given == Dim(3))) {
    size.emplace(given.value() + 2);
    for (Dim &dim : *size)
      dim = ctx.freshDim();
  }
  if (!size)
    return {};
  if (size->size() != 4 && size->size() != 5)
    return ctx.error(ctx.name(1) + ": expected 4 or 5 sizes, got " + std::to_string(size->size()));
  Dims shape{size->front()};
  shape.insert(shape.end(), size->begin() + 2, size->end());
  Dim coordinates(static_cast<int64_t>(size->size()) - 2);
  TRY(expectShape(ctx, 0, {shape[0], coordinates, coordinates + Dim(1)},
                  "the batch and coordinates in " + ctx.name(1)));
  shape.push_back(coordinates);
  ctx.outShape(0, shape);
  return {};
}

} // namespace cameo
