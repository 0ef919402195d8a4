// Rules of kernels along axes; see Reduce.h.
#include "ir/kernel/Reduce.h"

#include "ir/kernel/Rules.h"

#include <fmt/format.h>
#include <set>

namespace cameo {

Result<void> ReduceAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(hasRegions(op, 2));
  TRY(plan.verify());
  std::set<int64_t> reduced(axes.begin(), axes.end());
  bool keepsDims = x.type.rank() == y.type.rank();
  for (int64_t axis : axes)
    TRY(isAxis("axes", axis, x));
  Dims shape;
  for (int64_t i = 0; i < x.type.rank(); i++)
    if (!reduced.count(i))
      shape.push_back(x.type.dim(i));
    else if (keepsDims)
      shape.push_back(Dim(1));
  TRY(hasShape(y, shape));
  if (op.region(0).terminator()->numOperands() != 1)
    return badInput("expected region 0 to yield one term");
  Type term = op.region(0).terminator()->operand(0)->type;
  TRY(regionMaps(op, 0, {Type::scalar(x.type.dtype())}, {term}));
  std::vector<Type> arguments = elementsFrom(op, 1);
  arguments.insert(arguments.begin(), term);
  return regionMaps(op, 1, arguments, {elementOfResult(op)});
}

Result<void> ArgReduceAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(hasRegions(op, 0));
  TRY(isAxis("axis", axis, x));
  Dims shape = x.type.shape();
  if (x.type.rank() == y.type.rank())
    shape[axis] = Dim(1);
  else
    shape.erase(shape.begin() + axis);
  return hasShape(y, shape);
}

Result<void> TopKAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  TRY(VectorPlan{lanes}.verify());
  TRY(isAxis("axis", axis, *op.operand(0)));
  TRY(sameElements(*op.operand(0), *op.result()));
  TRY(sameRank(*op.operand(0), *op.result()));
  Dims shape = op.operand(0)->type.shape();
  shape[axis] = op.result()->type.dim(axis);
  TRY(hasShape(*op.result(), shape));
  return hasShape(*op.result(1), op.result()->type.shape());
}

Result<void> ScanAttrs::verify(const Op &op) const {
  TRY(hasRegions(op, 0));
  TRY(isAxis("axis", axis, *op.operand(0)));
  if (combiner != Combiner::Add && combiner != Combiner::Mul)
    return badInput(
        fmt::format("attribute 'combiner': expected add or mul, got '{}'", wordOf(combiner)));
  TRY(sameElements(*op.operand(0), *op.result()));
  return hasShape(*op.result(), op.operand(0)->type.shape());
}

} // namespace cameo
