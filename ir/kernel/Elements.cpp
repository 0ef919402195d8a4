// Rules of kernels that compute or move single elements; see Elements.h.
#include "ir/kernel/Elements.h"

#include "ir/kernel/Range.h"
#include "ir/kernel/Rules.h"

#include <fmt/format.h>

namespace cameo {

Result<void> PointwiseAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 1));
  TRY(plan.verify());
  std::vector<Type> yielded;
  for (int64_t i = 0; i < numElementResults(op); i++)
    yielded.push_back(elementOfResult(op, i));
  return regionMaps(op, 0, elementsFrom(op, 0), yielded);
}

Result<void> GenerateAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 1));
  TRY(plan.verify());
  std::vector<Type> index(op.result()->type.rank(), Type::index());
  return regionMaps(op, 0, index, {elementOfResult(op)});
}

namespace {

Result<void> linesFit(const Op &op, int64_t axis) {
  const Value &x = *op.operand(0);
  TRY(isAxis("axis", axis, x));
  TRY(sameRank(x, *op.operand(1)));
  TRY(sameRank(x, *op.operand(2)));
  if (x.type.rank() < 2)
    return badInput("expected lines along one of several axes, got " + x.type.str());
  return {};
}

/// The last dim of the indices is as long as a tuple.
Result<void> tuplesFit(const Op &op) {
  const Type &x = op.operand(0)->type, &indices = op.operand(1)->type;
  Dim width = indices.rank() ? indices.shape().back() : Dim::overflow();
  if (!width.isConst() || width.value() > x.rank())
    return badInput(
        fmt::format("expected tuples of at most {} indices, got {}", x.rank(), indices.str()));
  Dims wanted(indices.shape().begin(), indices.shape().end() - 1);
  wanted.insert(wanted.end(), x.shape().begin() + width.value(), x.shape().end());
  return hasShape(*op.operand(2), wanted);
}

} // namespace

Result<void> ScatterAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0);
  TRY(hasRegions(op, 1));
  TRY(form == ScatterForm::Lines ? linesFit(op, axis) : tuplesFit(op));
  if (unitLines < 0 || (unitLines > 0 && form != ScatterForm::Lines))
    return badInput(
        fmt::format("attribute 'unit_lines': expected lines for a unit, got {} of form {}",
                    unitLines, wordOf(form)));
  TRY(sameElements(x, *op.result()));
  TRY(sameElements(x, *op.operand(2)));
  TRY(hasShape(*op.result(), x.type.shape()));
  Type element = elementOfResult(op);
  return regionMaps(op, 0, {element, element}, {element});
}

Result<void> CopyAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  TRY(plan.verify());
  if (blocks && (plan.lanes < 2 || plan.lanes > kMaxBlockLanes))
    return badInput(fmt::format("attribute 'blocks': expected 2 to {} lanes, got {}",
                                kMaxBlockLanes, plan.lanes));
  TRY(sameElements(*op.operand(0), *op.result()));
  return hasShape(*op.result(), op.operand(0)->type.shape());
}

std::optional<size_t> FillHaloAttrs::lines() const {
  std::optional<size_t> first;
  for (size_t dim = 0; dim < lo.size(); dim++) {
    if (lo[dim] == 0 && hi[dim] == Dim(0))
      continue;
    if (first)
      return first;
    first = dim;
  }
  return std::nullopt;
}

Result<void> FillHaloAttrs::verify(const Op &op) const {
  int64_t rank = op.operand(0)->type.rank();
  TRY(hasRegions(op, 0));
  TRY(plan.verify());
  TRY(hasLength("lo", lo.size(), rank));
  TRY(hasLength("hi", hi.size(), rank));
  return areAtLeast("lo", lo, 0);
}

} // namespace cameo
