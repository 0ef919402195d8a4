// Rules of attention ops. Heads are a dim of their own (rank 4) or part of the last (rank 3).
#include "ir/infer/Checks.h"

namespace cameo {
namespace {

/// A query, key or value as [batch, heads, length, size].
struct Heads {
  Dim batch, heads, length, size;
};

Result<Heads> headsOf(const InferContext &ctx, int64_t i, const char *attribute) {
  TRY(expectRank(ctx, i, 3, 4));
  const Type &type = ctx.in(i);
  if (type.rank() == 4)
    return Heads{type.dim(0), type.dim(1), type.dim(2), type.dim(3)};
  int64_t heads = ctx.op.attrs.getInt(attribute);
  if (heads < 1)
    return ctx.error(std::string("attribute '") + attribute +
                     "': expected at least 1 for inputs of rank 3, got " + std::to_string(heads));
  const Dim &hidden = type.dim(2);
  if (hidden.isConst() && hidden.value() % heads != 0)
    return ctx.error(ctx.name(i) + ": expected dim 2 to be a multiple of the " +
                     std::to_string(heads) + " heads, got " + type.str());
  return Heads{type.dim(0), Dim(heads), type.dim(1), Dim::floorDiv(hidden, Dim(heads))};
}

} // namespace

Result<void> inferAttention(InferContext &ctx) {
  Heads q = TRY(headsOf(ctx, 0, "q_num_heads")), k = TRY(headsOf(ctx, 1, "kv_num_heads")),
        v = TRY(headsOf(ctx, 2, "kv_num_heads"));
  for (int64_t i : {1, 2})
    TRY(expectRank(ctx, i, ctx.in(0).rank()));
  if (provablyDiffer(q.size, k.size))
    return ctx.error(ctx.name(1) + ": expected heads of size " + q.size.str() + " as " +
                     ctx.name(0) + " has, got " + k.size.str());
  if (provablyDiffer(k.length, v.length) || provablyDiffer(k.heads, v.heads))
    return ctx.error(ctx.name(2) + ": expected length and heads of " + ctx.name(1) + ", " +
                     ctx.in(1).str() + ", got " + ctx.in(2).str());
  if (k.heads.isConst() && q.heads.isConst() &&
      (k.heads.value() == 0 || q.heads.value() % k.heads.value() != 0))
    return ctx.error(ctx.name(0) + ": expected a multiple of the " + k.heads.str() +
                     " key heads, got " + q.heads.str());
  Dim total = k.length;
  for (int64_t i : {4, 5})
    if (ctx.has(i))
      TRY(expectRank(ctx, i, 4));
  if (ctx.has(4))
    total = ctx.in(4).dim(2) + k.length;
  if (ctx.in(0).rank() == 4)
    ctx.outShape(0, {q.batch, q.heads, q.length, v.size});
  else
    ctx.outShape(0, {q.batch, q.length, q.heads * v.size});
  ctx.outShape(1, {q.batch, k.heads, total, k.size});
  ctx.outShape(2, {q.batch, v.heads, total, v.size});
  ctx.outShape(3, {q.batch, q.heads, q.length, total});
  return {};
}

Result<void> inferRotaryEmbedding(InferContext &ctx) {
  TRY(headsOf(ctx, 0, "num_heads"));
  for (int64_t i : {1, 2})
    TRY(expectRank(ctx, i, ctx.has(3) ? 2 : 3));
  if (ctx.has(3))
    TRY(expectRank(ctx, 3, 2));
  return inferSame(ctx);
}

} // namespace cameo
