// Rules of views; see ViewOps.h.
#include "ir/kernel/ViewOps.h"

#include "ir/kernel/Rules.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

Result<void> ReshapeAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(hasRegions(op, 0));
  TRY(sameElements(x, y));
  if (differ(product(x.type.shape()), product(y.type.shape())))
    return badInput(
        fmt::format("expected as many elements in {} as in {}", y.type.str(), x.type.str()));
  return {};
}

Result<void> TransposeAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0);
  TRY(hasRegions(op, 0));
  TRY(sameElements(x, *op.result()));
  TRY(hasLength("perm", perm.size(), x.type.rank()));
  std::vector<int64_t> sorted = perm;
  std::sort(sorted.begin(), sorted.end());
  Dims shape;
  for (size_t i = 0; i < sorted.size(); i++) {
    if (sorted[i] != static_cast<int64_t>(i))
      return badInput("attribute 'perm': expected each axis once");
    shape.push_back(x.type.dim(perm[i]));
  }
  return hasShape(*op.result(), shape);
}

Result<void> SliceAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(hasRegions(op, 0));
  TRY(sameElements(x, y));
  TRY(sameRank(x, y));
  TRY(hasLength("starts", starts.size(), x.type.rank()));
  TRY(hasLength("steps", steps.size(), x.type.rank()));
  for (int64_t i = 0; i < x.type.rank(); i++) {
    const Dim &extent = x.type.dim(i), &count = y.type.dim(i);
    if (!extent.isConst() || !count.isConst() || !starts[i].isConst() || count == Dim(0))
      continue;
    Dim last = starts[i] + (count - Dim(1)) * Dim(steps[i]);
    auto inside = [&](const Dim &at) {
      return at.isConst() && at.value() >= 0 && at.value() < extent.value();
    };
    if (!inside(starts[i]) || !inside(last))
      return badInput(fmt::format("expected elements {} to {} of dim {} to be in {}",
                                  starts[i].str(), last.str(), i, x.type.str()));
  }
  return {};
}

Result<void> BroadcastAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(hasRegions(op, 0));
  TRY(sameElements(x, y));
  int64_t more = y.type.rank() - x.type.rank();
  bool fits = more >= 0;
  for (int64_t i = 0; fits && i < x.type.rank(); i++)
    fits = x.type.dim(i) == Dim(1) || !differ(x.type.dim(i), y.type.dim(i + more));
  if (fits)
    return {};
  return badInput(fmt::format("{} does not broadcast to {}", x.type.str(), y.type.str()));
}

Result<void> ConcatAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  TRY(isAxis("axis", axis, *op.result()));
  if (!offsets.empty())
    TRY(hasLength("offsets", offsets.size(), op.numOperands()));
  Dim sum;
  for (const Value *part : op.operands()) {
    TRY(sameElements(*part, *op.result()));
    TRY(sameRank(*part, *op.result()));
    Dims shape = op.result()->type.shape();
    shape[axis] = part->type.dim(axis);
    TRY(hasShape(*part, shape));
    if (offsets.empty())
      sum = sum + part->type.dim(axis);
  }
  if (offsets.empty() && differ(sum, op.result()->type.dim(axis)))
    return badInput(
        fmt::format("expected {} along axis {}, got {}", sum.str(), axis, op.result()->type.str()));
  return {};
}

} // namespace cameo
