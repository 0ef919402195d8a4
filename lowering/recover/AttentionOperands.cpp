// See AttentionOperands.h.
#include "lowering/recover/AttentionOperands.h"

#include "lowering/build/Match.h"

#include <algorithm>
#include <cmath>
#include <numeric>

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

/// Where result dim i of a Transpose comes from.
std::vector<int64_t> permutationOf(const Op &transpose) {
  int64_t rank = transpose.result()->type.rank();
  std::vector<int64_t> reversed(rank);
  std::iota(reversed.rbegin(), reversed.rend(), 0);
  return transpose.attrs.getInts("perm", reversed);
}

Value *transposed(Rewriter &b, Value *x, const std::vector<int64_t> &perm) {
  if (std::is_sorted(perm.begin(), perm.end()))
    return x;
  AttrDict attrs;
  attrs.set("perm", perm);
  return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
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

bool swapsLastTwo(const Op &transpose) {
  std::vector<int64_t> perm = permutationOf(transpose);
  if (perm.size() < 2)
    return false;
  std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  return std::is_sorted(perm.begin(), perm.end());
}

Value *withLastTwoSwapped(Rewriter &b, Value *x) {
  if (Op *transpose = definingOp(x, OpKind::Transpose)) {
    std::vector<int64_t> perm = permutationOf(*transpose);
    std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
    return transposed(b, transpose->operand(0), perm);
  }
  Dims shape = x->type.shape();
  // PyTorch's newer exporter swaps them in three dims.
  Op *reshape = definingOp(x, OpKind::Reshape);
  Op *inner = reshape ? definingOp(reshape->operand(0), OpKind::Transpose) : nullptr;
  bool keepsMatrix =
      inner && swapsLastTwo(*inner) &&
      std::equal(shape.end() - 2, shape.end(), inner->result()->type.shape().end() - 2);
  std::swap(shape[shape.size() - 2], shape[shape.size() - 1]);
  if (Value *before = keepsMatrix ? reshaped(b, inner->operand(0), shape) : nullptr)
    return before;
  std::vector<int64_t> perm(shape.size());
  std::iota(perm.begin(), perm.end(), 0);
  std::swap(perm[perm.size() - 2], perm[perm.size() - 1]);
  return transposed(b, x, perm);
}

Value *reshaped(Rewriter &b, Value *x, const Dims &shape) {
  for (Value *before = x;; before = before->definingOp()->operand(0)) {
    if (before->type.isRanked() && before->type.shape() == shape)
      return before;
    if (!isReshape(before->definingOp()))
      break;
  }
  Value *sizes = shapeOperand(b, x, shape);
  Value *result = sizes ? b.graphValue(OpKind::Reshape, {x, sizes}) : nullptr;
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
