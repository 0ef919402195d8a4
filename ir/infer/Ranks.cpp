// Rules of the ops around values of unknown rank (ir/ops/Custom.def).
#include "ir/infer/Checks.h"

namespace cameo {

Result<void> inferBox(InferContext &ctx) {
  ctx.out(0, Type::unranked(ctx.in(0).dtype()));
  return {};
}

Result<void> inferRank(InferContext &ctx) {
  ctx.outShape(0, {});
  if (ctx.in(0).isRanked())
    ctx.outKnown(0, {Dim(ctx.in(0).rank())});
  return {};
}

Result<void> inferExpect(InferContext &ctx) {
  std::vector<int64_t> shape = ctx.op.attrs.getInts("shape");
  int64_t rank = static_cast<int64_t>(shape.size());
  if (ctx.in(0).isRanked())
    TRY(expectRank(ctx, 0, rank));
  Dims dims;
  for (int64_t i = 0; i < rank; i++) {
    if (shape[i] >= 0 && ctx.in(0).isRanked())
      TRY(expectDim(ctx, 0, i, Dim(shape[i]), "which is " + ctx.op.attrs.getString("expected")));
    dims.push_back(shape[i] >= 0          ? Dim(shape[i])
                   : ctx.in(0).isRanked() ? ctx.in(0).dim(i)
                                          : ctx.freshDim());
  }
  ctx.outShape(0, std::move(dims));
  return {};
}

} // namespace cameo
