// Rules of normalizations. Shapes stay; what can be wrong is the parameters'.
#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

/// Operands [from, to) have one value a channel, dim 1 of operand 0.
Result<void> expectPerChannel(const InferContext &ctx, int64_t from, int64_t to) {
  Dim channels = ctx.in(0).rank() > 1 ? ctx.in(0).dim(1) : Dim(1);
  for (int64_t i = from; i < to; i++) {
    TRY(expectShape(ctx, i, {channels}, "the channels of " + ctx.name(0)));
  }
  return {};
}

} // namespace

Result<void> inferBatchNormalization(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 1, -1));
  TRY(expectPerChannel(ctx, 1, 5));
  ctx.outShape(1, ctx.in(3).shape());
  ctx.outShape(2, ctx.in(4).shape());
  return inferSame(ctx);
}

/// InstanceNormalization, GroupNormalization.
Result<void> inferChannelNormalization(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  TRY(expectPerChannel(ctx, 1, 3));
  int64_t groups = ctx.op.attrs.getInt("num_groups", 1);
  if (groups < 1)
    return ctx.error("attribute 'num_groups': expected at least 1, got " + std::to_string(groups));
  TRY(expectMultiple(ctx, 0, 1, Dim(groups), "attribute 'num_groups'"));
  return inferSame(ctx);
}

/// LayerNormalization, RMSNormalization: over the dims from `axis` on.
Result<void> inferLayerNormalization(InferContext &ctx) {
  int64_t stash = ctx.op.attrs.getInt("stash_type");
  DType dtype = dtypeFromOnnx(stash).value_or(DType::String);
  if (dtype != DType::F32 && dtype != DType::BF16)
    return ctx.error("attribute 'stash_type': expected 1 (f32) or 16 (bf16), got " +
                     std::to_string(stash));
  for (int64_t i : {1, 2})
    ctx.out(i, Type::unranked(dtype));
  if (!ctx.ranked())
    return {};
  int64_t rank = ctx.in(0).rank(), axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), rank));
  const Dims &shape = ctx.in(0).shape();
  Dims normalized(shape.begin() + axis, shape.end());
  for (int64_t i = 1; i < ctx.op.numOperands(); i++)
    if (ctx.has(i))
      TRY(expectBroadcastTo(ctx, i, normalized,
                            "the dims of " + ctx.name(0) + " from axis " + std::to_string(axis) +
                                " on"));
  Dims statistics = shape;
  std::fill(statistics.begin() + axis, statistics.end(), Dim(1));
  ctx.outShape(0, shape);
  for (int64_t i : {1, 2})
    ctx.outShape(i, statistics);
  return {};
}

Result<void> inferMeanVarianceNormalization(InferContext &ctx) {
  TRY(checkedAxes(ctx, ctx.op.attrs.getInts("axes"), ctx.in(0).rank()));
  return inferSame(ctx);
}

Result<void> inferLRN(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  if (ctx.op.attrs.getInt("size") < 1)
    return ctx.error("attribute 'size': expected at least 1, got " +
                     std::to_string(ctx.op.attrs.getInt("size")));
  return inferSame(ctx);
}

Result<void> inferDropout(InferContext &ctx) {
  for (int64_t i : {1, 2})
    if (ctx.has(i))
      TRY(expectScalar(ctx, i));
  ctx.outShape(1, ctx.in(0).shape());
  return inferSame(ctx);
}

} // namespace cameo
