// Attention as two matrix products around a softmax, with f32 (or f64) scores whatever the
// elements unless `score.type` says otherwise; scaling, soft cap and masks are pointwise and join
// the first product's epilogue. Query heads that share a key head with others are a dim of their
// own, along which keys and values broadcast.
#include "lowering/select/Select.h"

#include "ir/infer/Sizes.h"
#include "ir/kernel/ViewOps.h"

#include <cmath>

namespace cameo {
namespace {

/// A score and an element of an operand (nullptr without one), to a score.
using ScoreFn = std::function<Value *(Value *score, Value *element)>;

struct Attention {
  Selection &s;
  LoopBuilder &b;
  DType work, scoreType; // what formulas of scores are computed in, and what they are rounded to
  Value *q, *k, *v;      // [batch, heads, length, size]
  Dim past, total, length;
  Dim outer, inner; // heads of the keys, and queries of each
  bool causal;
  int64_t left, right;

  explicit Attention(Selection &s)
      : s(s), b(s.b), work(s.in(0).dtype() == DType::F64 ? DType::F64 : DType::F32),
        scoreType(s.op.attrs.has("score.type") ? std::get<DType>(*s.op.attrs.find("score.type"))
                                               : work),
        causal(s.op.attrs.getInt("is_causal")), left(s.op.attrs.getInt("left_window_size", -1)),
        right(s.op.attrs.getInt("right_window_size", -1)) {}

  Value *operand(int64_t i) const { return i < s.op.numOperands() ? s.op.operand(i) : nullptr; }
  bool wants(int64_t i) const { return i < s.op.numResults() && !s.op.result(i)->users().empty(); }

  Value *heads(Value *x, const char *attribute) {
    if (x->type.rank() == 4)
      return x;
    const Dims &shape = x->type.shape();
    Dim count(s.op.attrs.getInt(attribute));
    Value *split = reshapeView(b, x, {shape[0], shape[1], count, Dim::floorDiv(shape[2], count)});
    return transposeView(b, split, {0, 2, 1, 3});
  }

  Value *withCache(Value *cache, Value *fresh) {
    if (!cache)
      return fresh;
    Dims shape = fresh->type.shape();
    shape[2] = total;
    return b
        .create(OpKind::KernelConcat, {cache, fresh}, {fresh->type.withShape(shape)},
                dictOf(ConcatAttrs{2, {}}))
        ->result();
  }

  bool isGrouped() const { return !(inner == Dim(1)); }

  /// [batch, heads, ...] with the heads split into those of the keys and those that share one.
  Value *split(Value *x, const Dim &outer, const Dim &inner) {
    Dims shape = x->type.shape();
    if (!isGrouped())
      return x;
    shape[1] = outer;
    shape.insert(shape.begin() + 2, inner);
    return reshapeView(b, x, shape);
  }

  /// A mask, broadcast from the right, with the scores' dims.
  Value *mask(Value *given) {
    Dims shape = given->type.shape();
    shape.insert(shape.begin(), 4 - shape.size(), Dim(1));
    Value *x = reshapeView(b, given, shape);
    if (shape[1] == Dim(1))
      return split(x, Dim(1), Dim(1));
    // Only the run may know whether there is one for each head or one for all.
    shape[1] = q->type.dim(1);
    return split(broadcastView(b, x, shape), outer, inner);
  }

  /// What scores are multiplied with, inside a region.
  Value *scale() {
    const Dim &size = q->type.dim(3);
    Type type = Type::scalar(work);
    if (s.op.attrs.has("scale"))
      return b.constant(type, s.op.attrs.getFloat("scale"));
    if (size.isConst())
      return b.constant(type, 1 / std::sqrt(static_cast<double>(size.value())));
    Value *root = b.unary(OpKind::ScalarSqrt, b.cast(b.cast(sizeValue(b, size), DType::I64), work));
    return b.div(b.constant(type, 1), root);
  }

  Value *restricted(Value *given);
  Value *bias();
  Result<void> select();
  Value *scored(Value *scores, Value *operand, const ScoreFn &formula);
  Value *masked(Value *scores);
  Value *probabilities(Value *scores);
  void show(int64_t mode, Value *scores);
};

/// The mask over all keys: those it does not reach are masked.
Value *Attention::restricted(Value *given) {
  Dims shape = given->type.shape();
  Dim reach = shape.back();
  if (reach == total)
    return given;
  shape.back() = total;
  Type type = given->type;
  return generated(
      s, {given}, type.withShape(shape), [&](LoopBuilder &, const std::vector<Value *> &index) {
        std::vector<Value *> at = index;
        Value *size = sizeValue(b, reach);
        at.back() = clampedIndex(b, index.back(), reach);
        Type scalar = Type::scalar(type.dtype());
        Value *none =
            isFloat(type.dtype()) ? b.constant(scalar, -INFINITY) : b.constantInt(scalar, 0);
        return b.select(b.cmp("lt", index.back(), size), elementAt(b, type, 0, at), none);
      });
}

/// 0 where position i of a batch may look at key j by the attributes and lengths alone, -inf
/// elsewhere; nullptr if it may look everywhere.
Value *Attention::bias() {
  Value *lengths = operand(6);
  if (!causal && left < 0 && right < 0 && !lengths)
    return nullptr;
  Dim batch = lengths ? q->type.dim(0) : Dim(1);
  std::vector<Value *> operands;
  if (lengths)
    operands.push_back(lengths);
  Dims shape = {batch, Dim(1), length, total};
  if (isGrouped())
    shape.insert(shape.begin() + 1, Dim(1));
  Type type = Type::tensor(work, shape);
  return generated(s, operands, type, [&](LoopBuilder &, const std::vector<Value *> &index) {
    Value *i = index[shape.size() - 2], *j = index.back(), *allowed = nullptr,
          *offset = sizeValue(b, past);
    if (lengths) {
      Value *which = indexWithin(b, index[0], batch, lengths->type.dim(0));
      Value *valid = b.toIndex(elementAt(b, lengths->type, 0, {which}));
      allowed = b.cmp("lt", j, valid);
      Value *fromEnd = b.sub(valid, sizeValue(b, length));
      offset =
          past == Dim(0) ? fromEnd : b.select(b.cmp("gt", offset, b.index(0)), offset, fromEnd);
    }
    Value *ahead = b.sub(j, b.add(i, offset));
    if (causal)
      allowed = both(b, allowed, b.cmp("le", ahead, b.index(0)));
    if (left >= 0)
      allowed = both(b, allowed, b.cmp("ge", ahead, b.index(-left)));
    if (right >= 0)
      allowed = both(b, allowed, b.cmp("le", ahead, b.index(right)));
    Type scalar = Type::scalar(work);
    return b.select(allowed, b.constant(scalar, 0), b.constant(scalar, -INFINITY));
  });
}

/// Gives the debug output the scores of the stage it asks for.
void Attention::show(int64_t mode, Value *scores) {
  if (!wants(3) || s.op.attrs.getInt("qk_matmul_output_mode") != mode)
    return;
  Value *result = pointwise(s, {scores}, scores->type.withDType(s.out(3).dtype()),
                            [](LoopBuilder &, const std::vector<Value *> &x) { return x[0]; });
  result = reshapeView(b, result, s.out(3).shape());
  s.op.result(3)->replaceAllUsesWith(result);
}

/// The formula for each score, which is rounded to the scores' type again.
Value *Attention::scored(Value *scores, Value *operand, const ScoreFn &formula) {
  std::vector<Value *> operands = {scores};
  if (operand)
    operands.push_back(operand);
  return pointwise(s, operands, scores->type, [&](LoopBuilder &, const std::vector<Value *> &x) {
    return formula(b.cast(x[0], work), operand ? x[1] : nullptr);
  });
}

/// Scores with soft cap and masks.
Value *Attention::masked(Value *scores) {
  double softcap = s.op.attrs.getFloat("softcap", 0);
  auto number = [&](double value) { return b.constant(Type::scalar(work), value); };
  if (softcap > 0)
    scores = scored(scores, nullptr, [&](Value *score, Value *) {
      Value *cap = number(softcap);
      return b.mul(cap, b.unary(OpKind::ScalarTanh, b.div(score, cap)));
    });
  show(1, scores);
  for (Value *given : {operand(7), operand(3)}) {
    if (!given)
      continue;
    Value *full = mask(restricted(given));
    scores = scored(scores, full, [&](Value *score, Value *element) {
      if (element->type.dtype() != DType::Bool)
        return b.add(score, b.cast(element, work));
      if (s.op.attrs.has("score.fill")) {
        Value *fill = number(s.op.attrs.getFloat("score.fill"));
        bool fillsTrue = s.op.attrs.getInt("score.fill_if");
        return fillsTrue ? b.select(element, fill, score) : b.select(element, score, fill);
      }
      return b.add(score, b.select(element, number(0), number(-INFINITY)));
    });
  }
  if (Value *where = bias())
    scores = scored(scores, where, [&](Value *score, Value *term) { return b.add(score, term); });
  show(2, scores);
  return scores;
}

Value *Attention::probabilities(Value *scores) {
  std::string softmax = s.op.attrs.getString("score.softmax");
  RowForm form = softmax == "masked" ? RowForm::MaskedSoftmax : RowForm::Softmax;
  Op *row = b.create(OpKind::KernelRow, {scores}, {scores->type.withDType(v->type.dtype())},
                     dictOf(RowAttrs{form, 0}), 1);
  Value *element = row->region().addArg(Type::scalar(work));
  b.atEnd(row->region());
  if (softmax == "nan_to_zero")
    element = b.select(b.cmp("ne", element, element), b.constant(Type::scalar(work), 0), element);
  b.create(OpKind::LoopYield, {b.cast(element, v->type.dtype())}, {});
  b.after(row);
  return row->result();
}

Result<void> Attention::select() {
  q = heads(operand(0), "q_num_heads");
  k = heads(operand(1), "kv_num_heads");
  v = heads(operand(2), "kv_num_heads");
  length = q->type.dim(2);
  past = operand(4) ? operand(4)->type.dim(2) : Dim(0);
  total = past + k->type.dim(2);
  k = withCache(operand(4), k);
  v = withCache(operand(5), v);
  outer = k->type.dim(1), inner = Dim::floorDiv(q->type.dim(1), outer);
  Value *keys = split(transposeView(b, k, {0, 1, 3, 2}), outer, Dim(1));
  Value *scores = matrixProduct(s, split(q, outer, inner), keys, scoreType);
  if (s.op.attrs.getFloat("scale") != 1)
    scores = scored(scores, nullptr, [&](Value *score, Value *) { return b.mul(score, scale()); });
  show(0, scores);
  scores = probabilities(masked(scores));
  show(3, scores);
  Value *y = matrixProduct(s, scores, split(v, outer, Dim(1)), s.out().dtype());
  y = reshapeView(b, y, {q->type.dim(0), q->type.dim(1), length, v->type.dim(3)});
  if (s.out().rank() == 3)
    y = reshapeView(b, transposeView(b, y, {0, 2, 1, 3}), s.out().shape());
  s.replaceWithValue(y);
  for (int64_t i : {1, 2})
    if (wants(i))
      s.op.result(i)->replaceAllUsesWith(i == 1 ? k : v);
  return {};
}

} // namespace

Result<void> selectAttention(Selection &s) { return Attention(s).select(); }

/// Pairs of elements of each head are rotated by angles whose cosines and sines are given, one row
/// a position.
Result<void> selectRotaryEmbedding(Selection &s) {
  Type x = s.in(0), cosines = s.in(1), sines = s.in(2);
  bool packed = x.rank() == 3, interleaved = s.op.attrs.getInt("interleaved");
  Dim size = packed ? Dim::floorDiv(x.dim(2), Dim(s.op.attrs.getInt("num_heads"))) : x.dim(3);
  Dim stated(s.op.attrs.getInt("rotary_embedding_dim"));
  Dim rotary = stated == Dim(0) ? size : stated;
  if (rotary.isConst() &&
      (rotary.value() < 2 || rotary.value() % 2 || provablyGreater(rotary, size)))
    return s.unsupportedBecause("this rotary_embedding_dim is not supported");
  Value *positions = s.op.numOperands() > 3 ? s.op.operand(3) : nullptr;
  std::vector<Value *> operands = {s.op.operand(0), s.op.operand(1), s.op.operand(2)};
  if (positions)
    operands.push_back(positions);
  Dim half = Dim::floorDiv(rotary, Dim(2));
  generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    DType work = x.dtype() == DType::F64 ? DType::F64 : DType::F32;
    Value *last = index.back(), *zero = b.index(0);
    Value *within = packed ? b.rem(last, sizeValue(b, size)) : last;
    Value *batch = index[0], *step = packed ? index[1] : index[2];
    // Elements past the rotated ones look at angle 0 and are then left as they are.
    Value *rotated = b.cmp("lt", within, sizeValue(b, rotary));
    Value *inside = rotary == size ? within : b.select(rotated, within, zero);
    Value *second, *angle, *partner;
    if (interleaved) {
      second = b.cmp("eq", b.rem(inside, b.index(2)), b.index(1));
      angle = b.div(inside, b.index(2));
      partner = b.select(second, b.index(-1), b.index(1));
    } else {
      second = b.cmp("ge", inside, sizeValue(b, half));
      angle = b.rem(inside, sizeValue(b, half));
      partner = b.select(second, sizeValue(b, Dim(0) - half), sizeValue(b, half));
    }
    if (!(rotary == size))
      partner = b.select(rotated, partner, zero);
    // One element an entry and step of the batch; either names a row of the tables.
    auto entry = [&](const Type &type) {
      return std::vector<Value *>{indexWithin(b, batch, x.dim(0), type.dim(0)),
                                  indexWithin(b, step, x.dim(packed ? 1 : 2), type.dim(1))};
    };
    std::vector<Value *> row = entry(positions ? positions->type : cosines);
    if (positions)
      row = {positionFrom(b, elementAt(b, positions->type, 3, row), cosines.dim(0))};
    row.push_back(indexWithin(b, angle, half, cosines.shape().back()));
    std::vector<Value *> other = index;
    other.back() = b.add(last, partner);
    // A head of odd size, or one smaller than its rotated part, has no partner for some elements.
    if (!size.isConst())
      other.back() = positionFrom(b, other.back(), x.shape().back());
    Value *own = b.cast(elementAt(b, x, 0, index), work);
    Value *cosine = b.cast(elementAt(b, cosines, 1, row), work);
    Value *sine = b.cast(elementAt(b, sines, 2, row), work);
    Value *across = b.mul(b.cast(elementAt(b, x, 0, other), work), sine);
    Value *along = b.mul(own, cosine);
    Value *result = b.select(second, b.add(along, across), b.sub(along, across));
    return rotary == size ? result : b.select(rotated, result, own);
  });
  return {};
}

} // namespace cameo
