// Attention of language models: groups of heads that share keys, caches of earlier keys that hold
// more for some batch entries than for others, and rotary positions.
#include "frontend/ExpandSteps.h"
#include "support/Text.h"

#include <algorithm>

namespace cameo {
namespace {

/// An error unless the attribute, if it is given, says that a feature is not used.
Result<void> expectUnused(Upgrade &u, const char *name, std::initializer_list<int64_t> unused) {
  int64_t value = TRY(u.takeInt(name, *unused.begin()));
  if (std::find(unused.begin(), unused.end(), value) == unused.end())
    return u.unsupported("attribute " + quote(name) + ": " + std::to_string(value) +
                         " is not supported");
  return {};
}

Result<void> expectUnquantized(Upgrade &u, const char *name) {
  if (std::string type = TRY(u.takeString(name, "NONE")); type != "NONE")
    return u.unsupported("attribute " + quote(name) + ": " + quote(type) + " is not supported");
  return {};
}

/// How many elements of each head are rotated: twice as many as a row of the tables has, 0 for all.
int64_t rotatedSize(const Value *table, const Dim &headSize) {
  const Dim &half = table->type.dim(1);
  return half.isConst() && !(Dim(2) * half == headSize) ? 2 * half.value() : 0;
}

/// The numbers from `first`, one of each batch entry, on: [batch, count].
Result<Value *> positionsFrom(Upgrade &u, Value *first, Value *count) {
  Value *zero = u.scalar(DType::I64, 0), *one = u.scalar(DType::I64, 1);
  Value *steps = TRY(u.emit(OpKind::Range, {zero, TRY(u.emit(OpKind::Squeeze, {count})), one}));
  return u.emit(OpKind::Add, {TRY(u.emit(OpKind::Unsqueeze, {first, u.ints({1})})), steps});
}

struct GroupQuery {
  int64_t heads = 0, keyHeads = 0;
  bool rotates = false, interleaved = false;
  AttrDict attrs; // of the op
  // Sequences, then how many tokens there are of each and how many were before them.
  Value *q = nullptr, *k = nullptr, *v = nullptr;
  Value *count = nullptr, *before = nullptr;
  // Zeros for the tokens that the caches have no room for, [1, 1, tokens, 1], and which places of
  // the grown caches have earlier tokens, [batch, 1, places, 1].
  Value *growth = nullptr, *isUsed = nullptr;
};

Result<GroupQuery> takeGroupQuery(Upgrade &u) {
  GroupQuery layer;
  layer.heads = TRY(u.takeInt("num_heads", 0)), layer.keyHeads = TRY(u.takeInt("kv_num_heads", 0));
  if (layer.heads < 1 || layer.keyHeads < 1)
    return u.error("attributes 'num_heads' and 'kv_num_heads': expected at least 1, got " +
                   std::to_string(layer.heads) + " and " + std::to_string(layer.keyHeads));
  layer.rotates = TRY(u.takeInt("do_rotary", 0));
  layer.interleaved = TRY(u.takeInt("rotary_interleaved", 0));
  layer.attrs = attributes(
      {{"is_causal", TRY(u.takeInt("causal", 1))}, {"softcap", TRY(u.takeFloat("softcap", 0))}});
  if (double scale = TRY(u.takeFloat("scale", 0)))
    layer.attrs.set("scale", scale);
  // The window has the token itself.
  if (int64_t window = TRY(u.takeInt("local_window_size", -1)); window > 0)
    layer.attrs.set("left_window_size", window - 1);
  for (const char *name : {"kv_cache_bit_width", "qk_output", "sliding_window_cache"})
    TRY(expectUnused(u, name, {0}));
  TRY(expectUnused(u, "smooth_softmax", {-1, 0}));
  for (const char *name : {"k_quant_type", "v_quant_type"})
    TRY(expectUnquantized(u, name));
  // Of normalizations, which inputs behind those that are supported would ask for.
  for (const char *name : {"q_norm_epsilon", "k_norm_epsilon", "qk_norm_epsilon"})
    u.drop(name);
  return layer;
}

/// Inputs 0 to 2, or all in input 0, one behind the other along the last axis.
Result<void> readProjections(Upgrade &u, GroupQuery &layer) {
  layer.q = TRY(u.required(0));
  TRY(expectSequence(u, layer.q));
  if (u.has(1) && u.has(2)) {
    layer.k = u.node.inputs[1], layer.v = u.node.inputs[2];
    TRY(expectSequence(u, layer.k));
    return expectSequence(u, layer.v);
  }
  int64_t all = layer.heads + 2 * layer.keyHeads;
  const Dim &width = layer.q->type.dim(2);
  if (u.has(1) || u.has(2))
    return u.error("inputs 1 and 2, keys and values, come together");
  if (!width.isConst())
    return u.unsupported(
        "queries, keys and values in one tensor of an open size are not supported");
  if (width.value() % all)
    return u.error("expected queries, keys and values of " + std::to_string(all) +
                   " heads of one size, got " + layer.q->type.str());
  int64_t size = width.value() / all;
  Value *sizes = u.ints({layer.heads * size, layer.keyHeads * size, layer.keyHeads * size});
  Op *split =
      TRY(u.build.graph(OpKind::Split, {layer.q, sizes}, attributes({{"axis", int64_t{-1}}}), 3));
  layer.q = split->result(0), layer.k = split->result(1), layer.v = split->result(2);
  return {};
}

Result<Value *> asVector(Upgrade &u, size_t i) {
  Value *wide = TRY(u.cast(TRY(u.required(i)), DType::I64));
  return u.emit(OpKind::Reshape, {wide, u.ints({-1})});
}

/// How many tokens the cache of each batch entry has before this run: none if all there are in the
/// longest entry, input 6, are those of this run. Input 5 is the number of the last one.
Result<void> countTokens(Upgrade &u, GroupQuery &layer) {
  layer.count = TRY(sizeOf(u, layer.q, 1));
  Value *last = TRY(asVector(u, 5)), *longest = TRY(asVector(u, 6));
  Value *isFirst = TRY(u.emit(OpKind::Equal, {longest, layer.count}));
  Value *all = TRY(u.emit(OpKind::Add, {last, u.ints({1})}));
  Value *before = TRY(u.emit(OpKind::Sub, {all, layer.count}));
  layer.before = TRY(u.emit(OpKind::Where, {isFirst, u.ints({0}), before}));
  return {};
}

/// x, of so many heads, rotated by the tables, inputs 7 and 8, at the tokens' positions.
Result<Value *> rotated(Upgrade &u, const GroupQuery &layer, Value *x, int64_t heads,
                        Value *positions) {
  Value *cosines = TRY(u.required(7)), *sines = TRY(u.required(8));
  if (const Type &type = TRY(u.ranked(7)); type.rank() != 2)
    return u.error("expected input 7 to have rank 2, got " + type.str());
  Dim headSize = Dim::floorDiv(x->type.shape().back(), Dim(heads));
  return u.emit(OpKind::RotaryEmbedding, {x, cosines, sines, positions},
                attributes({{"num_heads", heads},
                            {"interleaved", int64_t(layer.interleaved)},
                            {"rotary_embedding_dim", rotatedSize(cosines, headSize)}}));
}

/// Sets what both caches have in common, from that of the keys.
Result<void> prepareCaches(Upgrade &u, GroupQuery &layer) {
  if (u.has(3) != u.has(4))
    return u.error("inputs 3 and 4, earlier keys and values, come together");
  if (!u.has(3))
    return {};
  Value *cache = u.node.inputs[3];
  TRY(expectCache(u, cache));
  TRY(expectCache(u, u.node.inputs[4]));
  Value *room = TRY(sizeOf(u, cache, 2));
  Value *missing = TRY(u.emit(OpKind::Sub, {TRY(asVector(u, 6)), room}));
  missing = TRY(u.emit(OpKind::Max, {missing, u.ints({0})}));
  Value *none = u.build.constant(makeSplat(cache->type.dtype(), {1, 1, 0, 1}, 0));
  Value *pads =
      TRY(u.emit(OpKind::Concat, {u.ints({0}), missing}, attributes({{"axis", int64_t{0}}})));
  layer.growth = TRY(u.emit(OpKind::Pad, {none, pads, nullptr, u.ints({2})}));
  room = TRY(u.emit(OpKind::Add, {room, TRY(sizeOf(u, layer.growth, 2))}));
  Value *zero = u.scalar(DType::I64, 0), *one = u.scalar(DType::I64, 1);
  Value *places = TRY(u.emit(OpKind::Range, {zero, TRY(u.emit(OpKind::Squeeze, {room})), one}));
  places = TRY(u.emit(OpKind::Unsqueeze, {places, u.ints({1})}));
  Value *ends = TRY(u.emit(OpKind::Unsqueeze, {layer.before, u.ints({1, 2, 3})}));
  layer.isUsed = TRY(u.emit(OpKind::Less, {places, ends}));
  return {};
}

/// A cache, which grows if it has no room for the longest batch entry, with the new tokens in it.
/// Behind those of each batch entry are zeros: what a caller left there may be no numbers, which a
/// probability of 0 would not hide.
Result<Value *> withCache(Upgrade &u, const GroupQuery &layer, size_t past, Value *fresh) {
  Value *cache = u.input(past);
  if (!cache)
    return fresh;
  std::vector<Value *> sizes;
  for (int64_t axis = 0; axis < 4; axis++)
    sizes.push_back(TRY(sizeOf(u, axis == 2 ? layer.growth : cache, axis)));
  AttrDict first = attributes({{"axis", int64_t{0}}}), third = attributes({{"axis", int64_t{2}}});
  Value *shape = TRY(u.emit(OpKind::Concat, std::move(sizes), std::move(first)));
  Value *growth = TRY(u.emit(OpKind::Expand, {layer.growth, shape}));
  cache = TRY(u.emit(OpKind::Concat, {cache, growth}, third));
  Value *zero = u.scalar(cache->type.dtype(), 0);
  cache = TRY(u.emit(OpKind::Where, {layer.isUsed, cache, zero}));
  return u.emit(OpKind::TensorScatter, {cache, fresh, layer.before}, third);
}

/// Queries, keys, values, both caches, numbers of tokens (see countTokens), tables of cosines and
/// sines, positions, bias of the scores.
Result<void> groupQueryAttention(Upgrade &u) {
  GroupQuery layer = TRY(takeGroupQuery(u));
  TRY(readProjections(u, layer));
  TRY(countTokens(u, layer));
  TRY(prepareCaches(u, layer));
  if (layer.rotates) {
    Value *positions =
        u.has(9) ? u.node.inputs[9] : TRY(positionsFrom(u, layer.before, layer.count));
    layer.q = TRY(rotated(u, layer, layer.q, layer.heads, positions));
    layer.k = TRY(rotated(u, layer, layer.k, layer.keyHeads, positions));
  }
  Value *q = TRY(splitHeads(u, layer.q, layer.heads));
  Value *keys = TRY(withCache(u, layer, 3, TRY(splitHeads(u, layer.k, layer.keyHeads))));
  Value *values = TRY(withCache(u, layer, 4, TRY(splitHeads(u, layer.v, layer.keyHeads))));
  std::vector<Value *> operands = {q, keys, values, u.input(10), nullptr, nullptr};
  if (u.has(3))
    operands.push_back(TRY(u.emit(OpKind::Add, {layer.before, layer.count})));
  Value *y = TRY(u.emit(OpKind::Attention, std::move(operands), std::move(layer.attrs)));
  u.node.results = {TRY(mergeHeads(u, y)), keys, values};
  return {};
}

/// Positions of the tokens of x: input 1, or numbers from it on if it is one.
Result<Value *> positionsOf(Upgrade &u, Value *x) {
  const Type &type = TRY(u.ranked(1));
  if (type.rank() == 2)
    return u.node.inputs[1];
  Value *batch = TRY(sizeOf(u, x, 0)), *one = u.ints({1});
  Value *first = TRY(u.emit(OpKind::Reshape, {u.node.inputs[1], one}));
  first = TRY(u.emit(OpKind::Expand, {first, batch}));
  return positionsFrom(u, first, TRY(sizeOf(u, x, x->type.rank() - 2)));
}

/// x, positions, tables of cosines and sines.
Result<void> rotaryEmbedding(Upgrade &u) {
  Value *x = TRY(u.required(0)), *cosines = TRY(u.required(2)), *sines = TRY(u.required(3));
  int64_t heads = TRY(u.takeInt("num_heads", 0)), size = TRY(u.takeInt("rotary_embedding_dim", 0));
  TRY(expectUnused(u, "is_packed_batching", {0}));
  if (TRY(u.takeFloat("scale", 1)) != 1)
    return u.unsupported("attribute 'scale' is not supported");
  const Type &type = TRY(u.ranked(0));
  if (type.rank() != 3 && type.rank() != 4)
    return u.error("expected a sequence, or one with its heads first, got " + type.str());
  // Without a number of heads or of what is rotated, the tables say how large a head is.
  const Dim &width = type.shape().back();
  if (const Type &table = TRY(u.ranked(2)); type.rank() == 3 && heads == 0) {
    bool isKnown = table.rank() == 2 && table.dim(1).isConst() && width.isConst();
    int64_t headSize = isKnown ? 2 * table.dim(1).value() : 0;
    if (headSize == 0 || width.value() % headSize)
      return u.unsupported("cannot tell how many heads " + type.str() + " has with a table " +
                           table.str());
    heads = width.value() / headSize;
  }
  AttrDict attrs = attributes(
      {{"interleaved", TRY(u.takeInt("interleaved", 0))}, {"rotary_embedding_dim", size}});
  if (type.rank() == 3)
    attrs.set("num_heads", heads);
  u.node.results = {TRY(u.emit(OpKind::RotaryEmbedding, {x, cosines, sines, TRY(positionsOf(u, x))},
                               std::move(attrs)))};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"GroupQueryAttention", groupQueryAttention, 11},
    {"RotaryEmbedding", rotaryEmbedding, 4},
};

} // namespace

std::span<const Expansion> groupQueryExpansions() { return kExpansions; }

} // namespace cameo
