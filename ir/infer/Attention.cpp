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
  TRY(expectMultiple(ctx, i, 2, Dim(heads), "the heads"));
  return Heads{type.dim(0), Dim(heads), type.dim(1), Dim::floorDiv(type.dim(2), Dim(heads))};
}

/// `a`, of operand i, is `b`, of operand j.
Result<void> expectSame(const InferContext &ctx, int64_t i, const Dim &a, int64_t j, const Dim &b,
                        const std::string &what) {
  return ctx.require(Relation::Equal, a, b,
                     literal(ctx.name(i)) + ": expected the " + what + " of " +
                         literal(ctx.name(j)) + ", %b, got %a in " + literal(ctx.in(i).str()));
}

/// Mask i broadcasts to the scores, [batch, heads, queries, keys], but for its last dim, which may
/// be shorter than there are keys.
Result<void> expectMask(const InferContext &ctx, int64_t i, const Dims &scores) {
  TRY(expectRank(ctx, i, 1, 4));
  int64_t skip = 4 - ctx.in(i).rank();
  for (int64_t d = 0; d < ctx.in(i).rank(); d++) {
    bool isLast = d + 1 == ctx.in(i).rank();
    TRY(ctx.require(
        isLast ? Relation::AtMost : Relation::BroadcastTo, ctx.in(i).dim(d), scores[d + skip],
        literal(ctx.name(i)) + ": expected dim " + std::to_string(d) +
            (isLast ? " to be at most %b (the keys)" : " to broadcast to %b (the scores)") +
            ", got %a in " + literal(ctx.in(i).str())));
  }
  return {};
}

} // namespace

Result<void> inferAttention(InferContext &ctx) {
  Heads q = TRY(headsOf(ctx, 0, "q_num_heads")), k = TRY(headsOf(ctx, 1, "kv_num_heads")),
        v = TRY(headsOf(ctx, 2, "kv_num_heads"));
  for (int64_t i : {1, 2})
    TRY(expectRank(ctx, i, ctx.in(0).rank()));
  TRY(expectSame(ctx, 1, k.size, 0, q.size, "head size"));
  TRY(expectSame(ctx, 1, k.batch, 0, q.batch, "batch"));
  TRY(expectSame(ctx, 2, v.batch, 0, q.batch, "batch"));
  TRY(expectSame(ctx, 2, v.length, 1, k.length, "length"));
  TRY(expectSame(ctx, 2, v.heads, 1, k.heads, "number of heads"));
  TRY(ctx.require(Relation::Multiple, q.heads, k.heads,
                  literal(ctx.name(0)) + ": expected a multiple of the %b heads of " +
                      literal(ctx.name(1)) + ", got %a"));
  Dim total = k.length;
  for (int64_t i : {4, 5})
    if (ctx.has(i))
      TRY(expectRank(ctx, i, 4));
  if (ctx.has(4)) {
    TRY(expectShape(ctx, 4, {k.batch, k.heads, ctx.in(4).dim(2), k.size},
                    "batch, heads and head size of " + ctx.name(1)));
    total = ctx.in(4).dim(2) + k.length;
  }
  if (ctx.has(5))
    TRY(expectShape(ctx, 5,
                    {v.batch, v.heads, ctx.has(4) ? ctx.in(4).dim(2) : ctx.in(5).dim(2), v.size},
                    "batch, heads, past length and head size of " + ctx.name(2)));
  for (int64_t i : {3, 7})
    if (ctx.has(i))
      TRY(expectMask(ctx, i, {q.batch, q.heads, q.length, total}));
  if (ctx.has(6))
    TRY(expectShape(ctx, 6, {q.batch}, "the batch of " + ctx.name(0)));
  std::string softmax = ctx.op.attrs.getString("score.softmax");
  if (softmax != "masked" && softmax != "plain" && softmax != "nan_to_zero")
    return ctx.error("attribute 'score.softmax': expected masked, plain or nan_to_zero, got '" +
                     softmax + "'");
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
  Heads x = TRY(headsOf(ctx, 0, "num_heads"));
  Dim rotated(ctx.op.attrs.getInt("rotary_embedding_dim"));
  if (rotated == Dim(0))
    rotated = x.size;
  std::string size = literal(ctx.name(0)) + ": expected ";
  TRY(ctx.require(Relation::Multiple, rotated, Dim(2), size + "an even size to rotate, got %a"));
  TRY(ctx.require(Relation::AtMost, rotated, x.size, size + "heads of at least %a, got %b"));
  TRY(expectRank(ctx, 1, ctx.has(3) ? 2 : 3));
  Dims cache = ctx.has(3) ? Dims{ctx.in(1).dim(0)} : Dims{x.batch, x.length};
  cache.push_back(Dim::floorDiv(rotated, Dim(2)));
  for (int64_t i : {1, 2})
    TRY(expectShape(ctx, i, cache,
                    ctx.has(3)
                        ? "positions, half of what is rotated"
                        : "batch and length of " + ctx.name(0) + ", half of what is rotated"));
  if (ctx.has(3))
    TRY(expectShape(ctx, 3, {x.batch, x.length}, "batch and length of " + ctx.name(0)));
  return inferSame(ctx);
}

} // namespace cameo
