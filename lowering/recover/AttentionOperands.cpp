// See AttentionOperands.h.
#include "lowering/recover/AttentionOperands.h"

#include "lowering/build/Match.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <string>

namespace cameo {
namespace {

bool isReshape(const Op *op) {
  return op && (op->kind() == OpKind::Reshape || op->kind() == OpKind::Unsqueeze ||
                op->kind() == OpKind::Squeeze || op->kind() == OpKind::Flatten);
}

Op *definingOp(Value *x, OpKind kind) {
  Op *op = x->definingOp();
  return op && op->kind() == kind ? op : nullptr;
}

bool isIdentity(const Permutation &order) { return std::is_sorted(order.begin(), order.end()); }

/// The labels of an Einsum of two operands.
struct Equation {
  std::string terms[2], result;
};

/// Nothing if a dim has no label, or a label that another dim of its term has.
std::optional<Equation> equationOf(const Op &einsum) {
  std::string text = einsum.attrs.getString("equation");
  std::erase(text, ' ');
  size_t comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || arrow < comma)
    return std::nullopt;
  Equation equation = {{text.substr(0, comma), text.substr(comma + 1, arrow - comma - 1)},
                       text.substr(arrow + 2)};
  for (std::string term : {equation.terms[0], equation.terms[1], equation.result}) {
    bool isPlain =
        std::all_of(term.begin(), term.end(), [](unsigned char c) { return std::isalpha(c); });
    std::sort(term.begin(), term.end());
    if (!isPlain || term.size() < 2 || std::adjacent_find(term.begin(), term.end()) != term.end())
      return std::nullopt;
  }
  return equation;
}

/// The label that `other` does not have, if it is the only one; else one that no term has.
char ownLabel(const std::string &term, const std::string &other) {
  size_t at = term.find_first_not_of(other);
  bool isOnly =
      at != std::string::npos && term.find_first_not_of(other, at + 1) == std::string::npos;
  return isOnly ? term[at] : '?';
}

std::optional<Permutation> orderOf(const std::string &to, const std::string &from) {
  Permutation order;
  for (char label : to) {
    size_t at = from.find(label);
    if (at == std::string::npos)
      return std::nullopt;
    order.push_back(static_cast<int64_t>(at));
  }
  return to.size() == from.size() ? std::optional(order) : std::nullopt;
}

/// Scores are [batch..., queries, keys]; either operand may be the queries.
bool takeScores(const Op &einsum, Products &products) {
  std::optional<Equation> equation = equationOf(einsum);
  if (!equation)
    return false;
  std::string batch = equation->result.substr(0, equation->result.size() - 2);
  std::string rows(1, equation->result.end()[-2]), columns(1, equation->result.back());
  int first = equation->terms[0].find(rows) == std::string::npos;
  const std::string &q = equation->terms[first], &k = equation->terms[1 - first];
  std::string depth(1, ownLabel(q, equation->result));
  std::optional<Permutation> qOrder = orderOf(batch + rows + depth, q),
                             kOrder = orderOf(batch + columns + depth, k);
  if (!qOrder || !kOrder)
    return false;
  products.q = einsum.operand(first), products.k = einsum.operand(1 - first);
  products.qOrder = *qOrder, products.kOrder = *kOrder;
  return true;
}

bool takeResult(const Op &einsum, int64_t weights, Products &products) {
  std::optional<Equation> equation = equationOf(einsum);
  if (!equation)
    return false;
  const std::string &p = equation->terms[weights], &v = equation->terms[1 - weights];
  std::string batch = p.substr(0, p.size() - 2), rows(1, p.end()[-2]), columns(1, p.back());
  std::string size(1, ownLabel(v, p));
  std::optional<Permutation> vOrder = orderOf(batch + columns + size, v),
                             resultOrder = orderOf(equation->result, batch + rows + size);
  if (!vOrder || !resultOrder)
    return false;
  products.vOrder = *vOrder, products.resultOrder = *resultOrder;
  return true;
}

/// The sizes as the operand of a Reshape of x: open ones that x has are taken from there, and one
/// more is for Reshape to find. nullptr if there are more.
Value *shapeOperand(Rewriter &b, Value *x, const Dims &shape) {
  bool isFound = false;
  std::vector<Value *> sizes;
  for (const Dim &dim : shape) {
    const Dims &from = x->type.shape();
    auto at = std::find(from.begin(), from.end(), dim);
    if (dim.isConst()) {
      sizes.push_back(b.constant(makeConst(std::vector<int64_t>{dim.value()})));
    } else if (at != from.end()) {
      AttrDict attrs;
      attrs.set("start", at - from.begin());
      attrs.set("end", at - from.begin() + 1);
      sizes.push_back(b.graphValue(OpKind::Shape, {x}, std::move(attrs)));
    } else if (!std::exchange(isFound, true)) {
      sizes.push_back(b.constant(makeConst(std::vector<int64_t>{-1})));
    } else {
      return nullptr;
    }
  }
  AttrDict attrs;
  attrs.set("axis", int64_t(0));
  return b.graphValue(OpKind::Concat, std::move(sizes), std::move(attrs));
}

} // namespace

Permutation identity(int64_t rank) {
  Permutation order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

Permutation swapOfLastTwo(int64_t rank) {
  Permutation order = identity(rank);
  if (rank >= 2)
    std::swap(order[rank - 2], order[rank - 1]);
  return order;
}

Permutation permutationOf(const Op &transpose) {
  Permutation reversed = identity(transpose.result()->type.rank());
  std::reverse(reversed.begin(), reversed.end());
  return transpose.attrs.getInts("perm", reversed);
}

std::optional<Products> productsOf(const Op &scores, const Op &result, int64_t weights,
                                   bool isTurned) {
  int64_t rank = scores.result()->type.rank();
  Permutation same = identity(rank), swapped = swapOfLastTwo(rank);
  Products products = {
      scores.operand(0), scores.operand(1),         result.operand(1 - weights), same,
      swapped,           isTurned ? swapped : same, isTurned ? swapped : same};
  if (scores.kind() == OpKind::Einsum && !takeScores(scores, products))
    return std::nullopt;
  if (result.kind() == OpKind::Einsum && !takeResult(result, weights, products))
    return std::nullopt;
  return products;
}

Value *permuted(Rewriter &b, Value *x, Permutation order) {
  if (isIdentity(order))
    return x;
  if (Op *transpose = definingOp(x, OpKind::Transpose)) {
    Permutation before = permutationOf(*transpose);
    for (int64_t &dim : order)
      dim = before[dim];
    return permuted(b, transpose->operand(0), order);
  }
  // PyTorch's newer exporter swaps the last two of four dims in three.
  int64_t rank = x->type.rank();
  Op *reshape = definingOp(x, OpKind::Reshape);
  Op *inner = reshape ? definingOp(reshape->operand(0), OpKind::Transpose) : nullptr;
  if (inner && order == swapOfLastTwo(rank) &&
      permutationOf(*inner) == swapOfLastTwo(inner->result()->type.rank())) {
    const Dims &from = inner->result()->type.shape();
    Dims shape = x->type.shape();
    bool keepsMatrix = std::equal(shape.end() - 2, shape.end(), from.end() - 2);
    std::swap(shape[rank - 2], shape[rank - 1]);
    if (Value *before = keepsMatrix ? reshaped(b, inner->operand(0), shape) : nullptr)
      return before;
  }
  AttrDict attrs;
  attrs.set("perm", order);
  return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
}

Value *reshaped(Rewriter &b, Value *x, const Dims &shape) {
  for (Value *before = x;; before = before->definingOp()->operand(0)) {
    if (before->type.isRanked() && before->type.shape() == shape)
      return before;
    if (!isReshape(before->definingOp()))
      break;
  }
  Value *sizes = shapeOperand(b, x, shape);
  Value *result = sizes ? reshapeTo(b, x, sizes) : nullptr;
  return result && result->type.shape() == shape ? result : nullptr;
}

Value *withoutFactor(Value *x, double &factor) {
  using namespace match;
  static const Capture rest;
  static const Number number;
  static const Pattern product = number * rest;
  std::optional<Match> m = product.matchShared(x);
  if (!m || !std::isfinite(m->at(number)))
    return x;
  factor *= m->at(number);
  return m->at(rest);
}

Value *beforeRepeats(Rewriter &b, Value *x) {
  Value *repeated = x;
  while (Op *reshape = definingOp(repeated, OpKind::Reshape))
    repeated = reshape->operand(0);
  Op *expand = definingOp(repeated, OpKind::Expand);
  if (!expand || !expand->operand(0)->type.isRanked())
    return nullptr;
  const Dims &to = repeated->type.shape(), &shape = x->type.shape();
  Dims from = expand->operand(0)->type.shape();
  if (to.size() != 5 || from.size() != 5 || from[2] != Dim(1) ||
      shape != Dims{to[0], to[1] * to[2], to[3], to[4]})
    return nullptr;
  from.erase(from.begin() + 2);
  bool repeatsHeadsOnly = from == Dims{to[0], to[1], to[3], to[4]};
  return repeatsHeadsOnly ? reshaped(b, expand->operand(0), from) : nullptr;
}

} // namespace cameo
