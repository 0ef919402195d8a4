// Attention layers, as ONNX's Attention: with the projections of their inputs or without, with the
// keys and values of earlier tokens, and with ONNX Runtime's forms of masks.
#include "frontend/ExpandSteps.h"

namespace cameo {
namespace {

/// What the forms have in common. Queries, keys and values are sequences, or have their heads
/// first.
struct Attention {
  int64_t heads = 0;
  double filter = 0; // is added to scores that the mask turns off
  AttrDict attrs;    // of the op
  Value *q = nullptr, *k = nullptr, *v = nullptr;
  Value *mask = nullptr, *bias = nullptr, *pastKey = nullptr, *pastValue = nullptr;

  int64_t lengthAxis() const { return k->type.rank() - 2; }
  Dim keys() const {
    const Dim &fresh = k->type.dim(lengthAxis());
    return pastKey ? pastKey->type.dim(2) + fresh : fresh;
  }
};

Result<Attention> takeAttention(Upgrade &u) {
  Attention attention;
  attention.heads = TRY(u.takeInt("num_heads", 0));
  attention.filter = TRY(u.takeFloat("mask_filter_value", -10000));
  if (attention.heads < 1)
    return u.error("attribute 'num_heads': expected at least 1, got " +
                   std::to_string(attention.heads));
  attention.attrs = attributes({{"q_num_heads", attention.heads},
                                {"kv_num_heads", attention.heads},
                                {"is_causal", TRY(u.takeInt("unidirectional", 0))}});
  if (double scale = TRY(u.takeFloat("scale", 0)))
    attention.attrs.set("scale", scale);
  return attention;
}

/// How many keys there are, as a vector of one.
Result<Value *> countKeys(Upgrade &u, const Attention &attention) {
  Value *fresh = TRY(sizeOf(u, attention.k, attention.lengthAxis()));
  if (!attention.pastKey)
    return fresh;
  return u.emit(OpKind::Add, {fresh, TRY(sizeOf(u, attention.pastKey, 2))});
}

/// The keys from each sequence's start, if the mask has starts, to its end, which comes first.
Result<Value *> keysInRange(Upgrade &u, const Attention &attention) {
  Value *mask = attention.mask;
  const Dim &batch = attention.q->type.dim(0), &count = mask->type.dim(0);
  if (count == Dim(3) * batch + Dim(2))
    return u.unsupported("a mask of the lengths and places of packed sequences is not supported");
  Value *zero = u.scalar(DType::I64, 0), *one = u.scalar(DType::I64, 1);
  Value *all = TRY(u.emit(OpKind::Squeeze, {TRY(countKeys(u, attention))}));
  Value *position = TRY(u.emit(OpKind::Range, {zero, all, one}));
  auto column = [&](Value *x) -> Result<Value *> {
    return u.emit(OpKind::Unsqueeze, {TRY(u.cast(x, DType::I64)), u.ints({1, 2, 3})});
  };
  if (!(count == batch + batch))
    return u.emit(OpKind::Less, {position, TRY(column(mask))});
  AttrDict halves = attributes({{"axis", int64_t{0}}, {"num_outputs", int64_t{2}}});
  Op *split = TRY(u.build.graph(OpKind::Split, {mask}, std::move(halves), 2));
  Value *before = TRY(u.emit(OpKind::Less, {position, TRY(column(split->result(0)))}));
  Value *behind = TRY(u.emit(OpKind::GreaterOrEqual, {position, TRY(column(split->result(1)))}));
  return u.emit(OpKind::And, {before, behind});
}

/// The keys that the mask lets queries look at, to broadcast to [batch, heads, queries, keys].
Result<Value *> allowedKeys(Upgrade &u, const Attention &attention) {
  Value *mask = attention.mask;
  if (!mask->type.isRanked() || mask->type.rank() < 1 || mask->type.rank() > 3)
    return u.unsupported("a mask " + mask->type.str() + " is not supported");
  if (mask->type.rank() == 1)
    return keysInRange(u, attention);
  Value *on = TRY(u.emit(OpKind::Greater, {mask, u.scalar(mask->type.dtype(), 0)}));
  Value *axes = mask->type.rank() == 2 ? u.ints({1, 2}) : u.ints({1});
  return u.emit(OpKind::Unsqueeze, {on, axes});
}

/// What the mask adds to the scores.
Result<Value *> maskTerm(Upgrade &u, const Attention &attention) {
  Value *on = TRY(allowedKeys(u, attention));
  DType dtype = attention.q->type.dtype();
  Value *term =
      TRY(u.emit(OpKind::Where, {on, u.scalar(dtype, 0), u.scalar(dtype, attention.filter)}));
  if (term->type.shape().back() == attention.keys())
    return term;
  // A mask of one key is one for all.
  Value *zeros = TRY(u.emit(OpKind::ConstantOfShape, {TRY(countKeys(u, attention))},
                            attributes({{"value", makeSplat(dtype, {1}, 0)}})));
  return u.emit(OpKind::Add, {term, zeros});
}

/// The op, its results the layer's, the keys and the values.
Result<Op *> attend(Upgrade &u, const Attention &attention) {
  std::vector<Value *> operands = {attention.q,    attention.k,       attention.v,
                                   attention.bias, attention.pastKey, attention.pastValue};
  if (attention.mask) {
    Value *term = TRY(maskTerm(u, attention));
    if (attention.bias)
      term = TRY(u.emit(OpKind::Add, {attention.bias, term}));
    operands[3] = term;
  }
  return u.build.graph(OpKind::Attention, std::move(operands), attention.attrs, 3);
}

/// Queries, keys and values in one, along the last axis: sizes of each, thirds if none are given.
Result<void> splitProjections(Upgrade &u, Attention &attention, Value *all,
                              const std::vector<int64_t> &sizes) {
  std::vector<Value *> operands = {all};
  AttrDict attrs = attributes({{"axis", int64_t{-1}}});
  if (sizes.empty())
    attrs.set("num_outputs", int64_t{3});
  else if (sizes.size() == 3)
    operands.push_back(u.ints(sizes));
  else
    return u.error("attribute 'qkv_hidden_sizes': expected three sizes, got " +
                   std::to_string(sizes.size()));
  const Dim &width = all->type.shape().back();
  if (sizes.empty() && width.isConst() && width.value() % 3)
    return u.error("expected weights of queries, keys and values of one size, got " +
                   all->type.str());
  Op *split = TRY(u.build.graph(OpKind::Split, std::move(operands), std::move(attrs), 3));
  attention.q = split->result(0), attention.k = split->result(1), attention.v = split->result(2);
  return {};
}

/// Earlier keys and values, one behind the other along a first axis: half 0 or 1.
Result<Value *> pastHalf(Upgrade &u, Value *past, int64_t half) {
  return u.emit(OpKind::Gather, {past, u.scalar(DType::I64, static_cast<double>(half))});
}

/// Projections and the layer that follows; the second result has the keys and values for later.
Result<void> projectedAttention(Upgrade &u, Attention attention, Value *projections, Value *past) {
  TRY(expectSequence(u, projections));
  TRY(splitProjections(u, attention, projections, TRY(u.takeInts("qkv_hidden_sizes"))));
  if (past) {
    TRY(expectRank(u, past, 5, "[2, batch, heads, length, head size]"));
    attention.pastKey = TRY(pastHalf(u, past, 0));
    attention.pastValue = TRY(pastHalf(u, past, 1));
  }
  if (TRY(u.takeInt("past_present_share_buffer", 0)))
    return u.unsupported("past_present_share_buffer is not supported");
  if (TRY(u.takeInt("do_rotary", 0)))
    return u.unsupported("do_rotary is not supported");
  Op *op = TRY(attend(u, attention));
  Value *present = nullptr;
  if (u.wants(1)) {
    Value *keys = TRY(u.emit(OpKind::Unsqueeze, {op->result(1), u.ints({0})}));
    Value *values = TRY(u.emit(OpKind::Unsqueeze, {op->result(2), u.ints({0})}));
    present = TRY(u.emit(OpKind::Concat, {keys, values}, attributes({{"axis", int64_t{0}}})));
  }
  u.node.results = {op->result(), present};
  return {};
}

/// Input, weights of all projections, bias, mask, past keys and values, bias of the scores.
Result<void> attentionLayer(Upgrade &u) {
  Attention attention = TRY(takeAttention(u));
  attention.mask = u.input(3), attention.bias = u.input(5);
  Value *x = TRY(u.required(0)), *weights = TRY(u.required(1));
  TRY(expectSequence(u, x));
  Value *projections = TRY(u.emit(OpKind::MatMul, {x, weights}));
  if (u.has(2))
    projections = TRY(plus(u, projections, 2));
  return projectedAttention(u, std::move(attention), projections, u.input(4));
}

/// Bytes and weights of bytes, bias, both scales, mask, both zero points, past keys and values.
Result<void> quantizedAttention(Upgrade &u) {
  Attention attention = TRY(takeAttention(u));
  attention.mask = u.input(5);
  Value *x = TRY(u.required(0)), *weights = TRY(u.required(1)), *bias = TRY(u.required(2));
  Value *xScale = TRY(u.required(3)), *scale = TRY(u.required(4));
  TRY(expectSequence(u, x));
  Value *projections =
      TRY(byteProduct(u, {x, xScale, u.input(6), weights, scale, u.input(7), bias}));
  return projectedAttention(u, std::move(attention), projections, u.input(8));
}

/// x plus the part of the bias of the projections, input 3, that begins at `first`.
Result<Value *> withBias(Upgrade &u, Value *x, Value *&bias) {
  Value *size = TRY(sizeOf(u, x, 2));
  Value *own = TRY(u.emit(OpKind::Slice, {bias, u.ints({0}), size, u.ints({0})}));
  bias = TRY(u.emit(OpKind::Slice, {bias, size, u.ints({INT64_MAX}), u.ints({0})}));
  return u.emit(OpKind::Add, {x, own});
}

/// Queries, keys, values, their biases in a row, mask, bias of the scores, past keys and values.
Result<void> multiHeadAttention(Upgrade &u) {
  Attention attention = TRY(takeAttention(u));
  Value *q = TRY(u.required(0));
  int64_t rank = TRY(u.ranked(0)).rank();
  if (rank == 5 || (u.has(1) && TRY(u.ranked(1)).rank() == 5) || !u.has(1) || !u.has(2))
    return u.unsupported("queries, keys and values in one tensor are not supported");
  TRY(expectSequence(u, q));
  Value *k = u.node.inputs[1], *v = u.node.inputs[2];
  // Keys and values of another sequence come with their heads first.
  bool headsFirst = k->type.rank() == 4;
  if (!headsFirst)
    TRY(expectSequence(u, k));
  if (Value *bias = u.input(3)) {
    if (headsFirst)
      return u.unsupported("a bias of keys that have their heads first is not supported");
    q = TRY(withBias(u, q, bias));
    k = TRY(withBias(u, k, bias));
    v = TRY(withBias(u, v, bias));
  }
  attention.q = headsFirst ? TRY(splitHeads(u, q, attention.heads)) : q;
  attention.k = k, attention.v = v, attention.mask = u.input(4), attention.bias = u.input(5);
  attention.pastKey = u.input(6), attention.pastValue = u.input(7);
  if (u.has(6))
    TRY(expectCache(u, attention.pastKey));
  Op *op = TRY(attend(u, attention));
  Value *y = headsFirst ? TRY(mergeHeads(u, op->result())) : op->result();
  u.node.results = {y, op->result(1), op->result(2)};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"Attention", attentionLayer, 6},
    {"MultiHeadAttention", multiHeadAttention, 8},
    {"QAttention", quantizedAttention, 9},
};

} // namespace

Result<Value *> splitHeads(Upgrade &u, Value *x, int64_t heads) {
  // A size that is known needs no elements to be found.
  const Dim &width = x->type.shape().back();
  int64_t size = width.isConst() && width.value() % heads == 0 ? width.value() / heads : -1;
  Value *apart = TRY(u.emit(OpKind::Reshape, {x, u.ints({0, 0, heads, size})}));
  return transposed(u, apart, {0, 2, 1, 3});
}

Result<Value *> mergeHeads(Upgrade &u, Value *x) {
  Value *sequence = TRY(transposed(u, x, {0, 2, 1, 3}));
  Dim width = x->type.dim(1) * x->type.dim(3);
  return u.emit(OpKind::Reshape, {sequence, u.ints({0, 0, width.isConst() ? width.value() : -1})});
}

std::span<const Expansion> attentionExpansions() { return kExpansions; }

} // namespace cameo
