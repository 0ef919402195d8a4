// Recovers attention: two matrix products around a softmax.
//
// Turn this: %s = MatMul(%q, Transpose(%k)) * scale + %mask   %y = MatMul(Softmax(%s), %v)
// Into this: %y = Attention(%q, %k, %v, %mask) {scale = scale, ...}
// Only if: nothing else reads what is in between, and the mask is as long as there are keys.
//
// The op computes what the primitives did: attributes `score.*` say how scores are rounded, what a
// mask puts in their place and what rows without a finite score become (docs/ir.md). Quantized
// operands are values like others; a pair that rounds scores or probabilities is no part of any
// pattern, and products of integers are integer ops by now
// (docs/decisions/014-recovered-softmax-and-attention.md).
#include "lowering/Passes.h"
#include "lowering/build/Shapes.h"
#include "lowering/recover/AttentionOperands.h"
#include "lowering/recover/Recover.h"

#include "ir/infer/Infer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace cameo {
namespace {

using namespace match;

/// A mask and the scores that it meets: it is added, or a number stands where a bool mask is false
/// (kept) or true (filled).
struct MaskCaptures {
  Capture scores, added, kept, filled, number;
};

const Capture kProduct, kScaled, kMasked, kSoftmax, kSafe, kWeights, kTurned;
const MaskCaptures kFirst, kLast;
const Number kScale;

bool isAlongLastAxis(Value &softmax) {
  const Type &type = softmax.type;
  int64_t axis = softmax.definingOp()->attrs.getInt("axis", -1);
  return type.isRanked() && normalizeAxis(axis, type.rank()) == type.rank() - 1;
}

bool narrows(Value &cast) {
  DType from = cast.definingOp()->operand(0)->type.dtype(), to = cast.type.dtype();
  return from == DType::F32 && isStorageOnly(to);
}

bool turnsMatrix(Value &transpose) {
  return permutationOf(*transpose.definingOp()) == swapOfLastTwo(transpose.type.rank());
}

Pattern masked(const Pattern &scores, const MaskCaptures &mask) {
  const Pattern met = scores.as(mask.scores);
  return op(OpKind::Add, {met, mask.added}) | op(OpKind::Where, {mask.kept, met, mask.number}) |
         op(OpKind::Where, {mask.filled, mask.number, met});
}

Pattern attention() {
  const Pattern product = (op(OpKind::MatMul) | op(OpKind::Einsum)).as(kProduct);
  const Pattern scaled = (kScale * product).as(kScaled);
  const Pattern some = scaled | masked(scaled, kFirst);
  // Masks may meet scores of which dims are taken apart: batches and heads, or windows of an image.
  const Pattern apart = op(OpKind::Reshape, {some, any()});
  const Pattern together = op(OpKind::Reshape, {masked(apart, kLast), any()});
  const Pattern scores = (masked(some, kLast) | together | scaled).as(kMasked);
  const Pattern softmax = op(OpKind::Softmax, {widened(scores)}).where(isAlongLastAxis);
  const Pattern isNaN = op(OpKind::IsNaN, {kSoftmax});
  const Pattern safe = op(OpKind::Where, {isNaN, 0.0, softmax.as(kSoftmax)}).as(kSafe);
  const Pattern whole = softmax | safe;
  const Pattern weights = op(OpKind::Cast, {widened(whole)}).where(narrows) | whole;
  const Pattern turned = op(OpKind::Transpose, {weights}).where(turnsMatrix);
  return op(OpKind::MatMul, {weights.as(kWeights), any()}) |
         op(OpKind::MatMul, {any(), turned.as(kTurned)}) |
         op(OpKind::Einsum, {weights.as(kWeights), any()}) |
         op(OpKind::Einsum, {any(), weights.as(kWeights)});
}

/// An additive mask, Where(mask, 0, -inf), as the bool it is made of; other masks as they are.
Value *boolOf(Value *mask) {
  static const Capture condition, lowest;
  static const Pattern pattern = op(OpKind::Where, {condition, 0.0, lowest});
  std::optional<Match> m = mask ? pattern.matchShared(mask) : std::nullopt;
  std::optional<double> number = m ? uniformValue(m->at(lowest)) : std::nullopt;
  bool isBool = number && *number == -INFINITY && m->at(condition)->type.isRanked() &&
                m->at(condition)->type.shape() == mask->type.shape();
  return isBool ? m->at(condition) : mask;
}

/// An attention being built from what matched.
struct Recovery {
  Rewriter &b;
  const Match &m;
  Type product, result;
  double scale;
  AttrDict attrs = {};

  Recovery(Rewriter &b, const Match &m, Value *root)
      : b(b), m(m), product(m.at(kProduct)->type), result(root->type), scale(m.at(kScale)) {}

  bool isPlain() const;
  std::optional<Value *> maskOf(const MaskCaptures &captures);
  Value *fill(const MaskCaptures &captures);
  Value *unscaled(Value *x);
  Value *own(Value *x, const Permutation &order);
  Value *withHeads(Value *x);
  Value *build(const Op &root);
  Value *inResultsShape(Value *y, const Permutation &order);
};

/// The scores' shape as the last mask meets them.
const Dims &metShape(const Match &m) {
  Value *met = m.at(kLast.scores);
  return (met ? met : m.at(kProduct))->type.shape();
}

/// Whether scaling and masks keep the scores' shape and type, or take only heads or a batch of one
/// from other dims.
bool Recovery::isPlain() const {
  if (!product.isRanked() || product.rank() < 2 || product.rank() > 4 || !std::isfinite(scale))
    return false;
  for (const Capture *scores : {&kScaled, &kFirst.scores, &kMasked})
    if (m.at(*scores) && !(m.at(*scores)->type == product))
      return false;
  Dims met = metShape(m);
  if (met == product.shape())
    return true;
  bool takesHeadsApart = product.rank() == 3 && met.size() == 4 && !m.at(kFirst.scores) &&
                         met[2] == product.dim(1) && met[3] == product.dim(2);
  bool isOneBatch = product.rank() == 4 && met.size() == 5 && met[0] == Dim(1) &&
                    Dims(met.begin() + 1, met.end()) == product.shape();
  return takesHeadsApart || isOneBatch;
}

/// The bool of a Where, which sets the attributes; nullptr if Attention cannot say what it fills
/// in.
Value *Recovery::fill(const MaskCaptures &captures) {
  std::optional<double> number = uniformValue(m.at(captures.number));
  Value *kept = m.at(captures.kept);
  auto fillIf = static_cast<int64_t>(!kept);
  bool isOther = attrs.has("score.fill") && (attrs.getFloat("score.fill") != number ||
                                             attrs.getInt("score.fill_if") != fillIf);
  if (!number || isOther)
    return nullptr;
  attrs.set("score.fill", *number);
  attrs.set("score.fill_if", fillIf);
  return kept ? kept : m.at(captures.filled);
}

/// The mask, nullptr if there is none; nothing if Attention has none like it.
std::optional<Value *> Recovery::maskOf(const MaskCaptures &captures) {
  if (!m.at(captures.scores))
    return nullptr;
  Value *added = m.at(captures.added), *mask = added ? added : fill(captures);
  if (!mask || !mask->type.isRanked() || mask->type.rank() == 0)
    return std::nullopt;
  // A last dim of 1 would mask all keys but the first.
  const Dims &scores = m.at(captures.scores)->type.shape(), &shape = mask->type.shape();
  bool fits = shape.size() <= scores.size() && shape.back() == scores.back();
  for (size_t i = 0; fits && i < shape.size(); i++)
    fits = shape[i] == Dim(1) || shape[i] == scores[scores.size() - shape.size() + i];
  if (!fits)
    return std::nullopt;
  return shape.size() == 5 ? reshaped(b, mask, Dims(shape.begin() + 1, shape.end())) : mask;
}

/// x without factors, which the scale gets. Halves keep them: they decide what overflows.
Value *Recovery::unscaled(Value *x) {
  return isStorageOnly(product.dtype()) ? x : withoutFactor(x, scale);
}

/// A query or key as the op takes it: of the type of the result; nullptr if it has another. A
/// factor may stand on either side of a Transpose.
Value *Recovery::own(Value *x, const Permutation &order) {
  x = unscaled(permuted(b, unscaled(x), order));
  if (x->type.dtype() == result.dtype())
    return x;
  Op *cast = x->definingOp();
  bool widens = cast && cast->kind() == OpKind::Cast &&
                cast->operand(0)->type.dtype() == result.dtype() && isStorageOnly(result.dtype());
  return widens ? cast->operand(0) : nullptr;
}

/// x as [batch, heads, length, size]: batches and heads apart as a mask has them, or as one batch.
Value *Recovery::withHeads(Value *x) {
  const Type &type = x->type;
  if (type.rank() == 4)
    return x;
  Dims shape = type.shape();
  const Dims &met = metShape(m);
  if (met.size() == 4)
    return reshaped(b, x, {met[0], met[1], shape[1], shape[2]});
  std::vector<int64_t> axes(4 - type.rank());
  std::iota(axes.begin(), axes.end(), 0);
  return b.graphValue(OpKind::Unsqueeze, {x, b.constant(makeConst(axes))});
}

/// Whether the dims are those of an attention, one query head or several a key head.
bool fits(const Dims &q, const Dims &k, const Dims &v) {
  int64_t queries = q[1].isConst() ? q[1].value() : 0, keys = k[1].isConst() ? k[1].value() : 0;
  bool grouped = q[1] == k[1] || keys == 1 || (keys > 0 && queries > 0 && queries % keys == 0);
  return grouped && !(k[1] == Dim(0)) && q[0] == k[0] && q[0] == v[0] && k[1] == v[1] &&
         k[2] == v[2] && q[3] == k[3];
}

/// What Attention gives as the primitives' result, whose dims are in this order.
Value *Recovery::inResultsShape(Value *y, const Permutation &order) {
  Dims shape = result.shape();
  for (size_t i = 0; i < order.size(); i++)
    shape[order[i]] = result.dim(static_cast<int64_t>(i));
  y = reshaped(b, y, shape);
  return y ? permuted(b, y, order) : nullptr;
}

Value *Recovery::build(const Op &root) {
  Value *weights = m.at(kWeights) ? m.at(kWeights) : m.at(kTurned);
  if (!isPlain())
    return nullptr;
  std::optional<Products> products =
      productsOf(*m.at(kProduct)->definingOp(), root, root.operand(1) == weights, m.at(kTurned));
  if (!products || products->v->type.dtype() != result.dtype())
    return nullptr;
  for (Value *x : {products->q, products->k, products->v})
    if (!x->type.isRanked() || x->type.rank() != product.rank())
      return nullptr;
  std::optional<Value *> first = maskOf(kFirst), last = maskOf(kLast);
  if (!first || !last)
    return nullptr;
  Value *q = own(products->q, products->qOrder), *k = own(products->k, products->kOrder);
  Value *v = permuted(b, products->v, products->vOrder);
  for (Value **x : {&q, &k, &v})
    if (!*x || !(*x = withHeads(*x)))
      return nullptr;
  Value *fewerK = beforeRepeats(b, k), *fewerV = fewerK ? beforeRepeats(b, v) : nullptr;
  if (fewerV && fewerK->type.dim(1) == fewerV->type.dim(1))
    k = fewerK, v = fewerV;
  if (!fits(q->type.shape(), k->type.shape(), v->type.shape()))
    return nullptr;
  attrs.set("scale", scale);
  attrs.set("score.type", product.dtype());
  attrs.set("score.softmax", std::string(m.at(kSafe) ? "nan_to_zero" : "plain"));
  std::vector<Value *> operands = {q, k, v, attrs.has("score.fill") ? *last : boolOf(*last)};
  if (*first) {
    operands.resize(7);
    operands.push_back(*first);
  }
  Value *y = b.graphValue(OpKind::Attention, std::move(operands), std::move(attrs));
  return inResultsShape(y, products->resultOrder);
}

Value *recoverOne(Rewriter &b, Op &op) {
  static const Pattern pattern = attention();
  std::optional<Match> m = pattern.match(op.result());
  if (!m)
    return nullptr;
  b.loc = locOf(m->ops());
  return unlessRefused([&] { return Recovery(b, *m, op.result()).build(op); });
}

} // namespace

Result<bool> recoverAttention(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) -> RewriteFn {
    return op.kind() == OpKind::MatMul || op.kind() == OpKind::Einsum ? recoverOne : nullptr;
  });
}

} // namespace cameo
