// Rules of losses: log probabilities or scores [batch, classes, ...] against classes [batch, ...].
#include "ir/infer/Checks.h"

namespace cameo {

Result<void> inferNegativeLogLikelihoodLoss(InferContext &ctx) {
  TRY(choiceAttr(ctx, "reduction", {"none", "sum", "mean"}));
  TRY(expectRank(ctx, 0, 2, -1));
  const Type &x = ctx.in(0);
  TRY(expectRank(ctx, 1, x.rank() - 1));
  Dims shape;
  for (int64_t d = 0; d + 1 < x.rank(); d++) {
    TRY(expectDim(ctx, 1, d, x.dim(d ? d + 1 : 0), "as in " + ctx.name(0)));
    shape.push_back(moreKnown(ctx.in(1).dim(d), x.dim(d ? d + 1 : 0)));
  }
  if (ctx.has(2)) {
    TRY(expectShape(ctx, 2, {x.dim(1)}, "the classes of " + ctx.name(0)));
  }
  ctx.outShape(0, ctx.op.attrs.getString("reduction") == "none" ? shape : Dims{});
  return {};
}

Result<void> inferSoftmaxCrossEntropyLoss(InferContext &ctx) {
  TRY(inferNegativeLogLikelihoodLoss(ctx));
  ctx.outShape(1, ctx.in(0).shape());
  return {};
}

} // namespace cameo
