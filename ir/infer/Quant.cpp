// Rules of quantization. A scale is one element, one element an index of `axis`, or, with
// block_size, one element a block along `axis`.
#include "ir/infer/Checks.h"

namespace cameo {
namespace {

Result<void> checkBlocks(const InferContext &ctx, int64_t block) {
  int64_t rank = ctx.in(0).rank(), axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), rank));
  TRY(expectRank(ctx, 1, rank));
  for (int64_t d = 0; d < rank; d++)
    TRY(expectDim(ctx, 1, d,
                  d == axis ? Dim::ceilDiv(ctx.in(0).dim(d), Dim(block)) : ctx.in(0).dim(d),
                  d == axis ? "the blocks of " + ctx.name(0) : "as in " + ctx.name(0)));
  return {};
}

Result<void> checkScale(const InferContext &ctx) {
  int64_t block = ctx.op.attrs.getInt("block_size");
  if (block < 0)
    return ctx.error("attribute 'block_size': expected at least 0, got " + std::to_string(block));
  if (block > 0) {
    TRY(checkBlocks(ctx, block));
  } else {
    TRY(expectRank(ctx, 1, 0, 1));
    bool one = ctx.in(1).rank() == 0 || ctx.in(1).dim(0) == Dim(1);
    if (!one) {
      int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), ctx.in(0).rank()));
      // One element is a scale for all.
      TRY(ctx.require(Relation::BroadcastTo, ctx.in(1).dim(0), ctx.in(0).dim(axis),
                      literal(ctx.name(1)) + ": expected dim 0 to be %b (axis " +
                          std::to_string(axis) + " of " + literal(ctx.name(0)) + "), got %a in " +
                          literal(ctx.in(1).str())));
    }
  }
  if (!ctx.has(2))
    return {};
  // A scalar and a tensor of one element pass for each other.
  if (ctx.in(1).rank() + ctx.in(2).rank() > 1 || ctx.in(1).rank() == ctx.in(2).rank())
    TRY(expectRank(ctx, 2, ctx.in(1).rank()));
  for (int64_t d = 0; d < ctx.in(1).rank() && d < ctx.in(2).rank(); d++)
    TRY(expectDim(ctx, 2, d, ctx.in(1).dim(d), "the shape of " + ctx.name(1)));
  return {};
}

} // namespace

Result<void> inferQuantizeLinear(InferContext &ctx) {
  if (ctx.ranked())
    TRY(checkScale(ctx));
  DType zero = ctx.has(2) ? ctx.in(2).dtype() : dtypeAttr(ctx, "output_dtype", DType::U8);
  DType dtype = dtypeAttr(ctx, "output_dtype", zero);
  if (dtype != zero)
    return ctx.error("attribute 'output_dtype': expected " + std::string(dtypeName(zero)) + " as " +
                     ctx.name(2) + " has, got " + std::string(dtypeName(dtype)));
  if (!isInt(dtype) || dtypeBytes(dtype) > 2)
    return ctx.error("attribute 'output_dtype': expected u8, i8, u16 or i16, got " +
                     std::string(dtypeName(dtype)));
  ctx.out(0, ctx.in(0).withDType(dtype));
  return {};
}

Result<void> inferDequantizeLinear(InferContext &ctx) {
  if (ctx.ranked())
    TRY(checkScale(ctx));
  DType dtype = dtypeAttr(ctx, "output_dtype", ctx.in(1).dtype());
  if (!isFloat(dtype) || dtype == DType::F64)
    return ctx.error("attribute 'output_dtype': expected f32, f16 or bf16, got " +
                     std::string(dtypeName(dtype)));
  ctx.out(0, ctx.in(0).withDType(dtype));
  return {};
}

Result<void> inferDynamicQuantizeLinear(InferContext &ctx) {
  ctx.outShape(0, ctx.in(0).shape());
  ctx.outShape(1, {});
  ctx.outShape(2, {});
  return {};
}

} // namespace cameo
