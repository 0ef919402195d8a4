// The rule of recurrent layers.
#include "ir/RecurrentActivations.h"
#include "ir/infer/Checks.h"

namespace cameo {
namespace {

Result<void> expectOptional(const InferContext &ctx, int64_t i, const Dims &shape,
                            const std::string &what) {
  return ctx.has(i) ? expectShape(ctx, i, shape, what) : Result<void>();
}

} // namespace

/// X[steps, batch, input] (layout = 1: batch first), W[directions, gates * hidden, input] and
/// R[directions, gates * hidden, hidden] to Y[steps, directions, batch, hidden] and states
/// [directions, batch, hidden].
Result<void> inferRecurrent(InferContext &ctx) {
  for (int64_t i : {0, 1, 2})
    TRY(expectRank(ctx, i, 3));
  TRY(choiceAttr(ctx, "direction", {"forward", "reverse", "bidirectional"}));
  OpKind kind = ctx.op.kind();
  Dim gates(isLstm(kind) ? 4 : kind == OpKind::GRU ? 3 : 1);
  Dim directions(ctx.op.attrs.getString("direction") == "bidirectional" ? 2 : 1);
  bool batchFirst = ctx.op.attrs.getInt("layout") != 0;
  const Type &x = ctx.in(0);
  Dim steps = x.dim(batchFirst), batch = x.dim(!batchFirst), hidden = ctx.in(2).dim(2);
  if (ctx.op.attrs.has("hidden_size")) {
    Dim stated(ctx.op.attrs.getInt("hidden_size"));
    TRY(expectDim(ctx, 2, 2, stated, "attribute 'hidden_size'"));
    hidden = moreKnown(hidden, stated);
  }
  Dim width = gates * hidden;
  TRY(expectShape(ctx, 1, {directions, width, x.dim(2)},
                  "directions, gates and the last dim of " + ctx.name(0)));
  TRY(expectShape(ctx, 2, {directions, width, hidden}, "directions, gates and hidden size"));
  TRY(expectOptional(ctx, 3, {directions, width + width},
                     "directions, two biases a gate of " + ctx.name(2)));
  TRY(expectOptional(ctx, 4, {batch}, "the batch of " + ctx.name(0)));
  Dims state = batchFirst ? Dims{batch, directions, hidden} : Dims{directions, batch, hidden};
  std::string states = "directions, the batch of " + ctx.name(0) + ", the size of " + ctx.name(2);
  TRY(expectOptional(ctx, 5, state, states));
  if (isLstm(kind)) {
    TRY(expectOptional(ctx, 6, state, states));
    TRY(expectOptional(ctx, 7, {directions, hidden + hidden + hidden},
                       "directions, three weights a unit of " + ctx.name(2)));
  }
  for (int64_t i = 8; i < ctx.op.numOperands(); i++) {
    TRY(expectRank(ctx, i, 1, 2));
    TRY(expectShape(ctx, i, ctx.in(i).rank() == 1 ? Dims{directions} : Dims{directions, width},
                    "directions, or one number a gate of each"));
  }
  ctx.outShape(0, batchFirst ? Dims{batch, steps, directions, hidden}
                             : Dims{steps, directions, batch, hidden});
  ctx.outShape(1, state);
  ctx.outShape(2, state);
  return {};
}

} // namespace cameo
