// What reads elements of operands as numbers, for sizes and positions that only the run knows; see
// RunTimeShapes.h.
#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"
#include "lowering/select/RunTimeShapes.h"
#include "runtime/abi.h"

#include <algorithm>

namespace cameo {

Value *OperandReader::number(int64_t value) {
  return b.constantInt(Type::scalar(DType::I64), value);
}

int64_t OperandReader::position(int64_t operand) {
  auto known = std::find(numbers.begin(), numbers.end(), operand);
  int64_t position = known - numbers.begin();
  if (known == numbers.end()) {
    numbers.push_back(operand);
    operands.push_back(s.op.operand(operand));
  }
  return position;
}

Value *OperandReader::rawAt(int64_t operand, Value *i) {
  const Type &type = s.in(operand);
  int64_t from = position(operand);
  std::vector<Value *> index(type.rank(), b.index(0));
  if (!index.empty())
    index.back() = length(operand) ? i : clampedIndex(b, i, type.dim(0));
  return cameo::elementAt(b, type, from, index);
}

Value *OperandReader::element(int64_t operand, int64_t i) {
  InferContext context(s.module, s.op);
  if (std::optional<Dims> known = context.known(operand))
    return size((*known)[static_cast<size_t>(i)]);
  return elementAt(operand, b.index(i));
}

Value *OperandReader::size(const Dim &dim) {
  return dim.isConst() ? number(dim.value()) : b.cast(sizeValue(b, dim), DType::I64);
}

/// The number that a size is. Where no other will do, a guard has seen to it.
static std::optional<int64_t> sizeIn(Op &op, const Dim &size) {
  if (size.isConst())
    return size.value();
  Result<std::vector<Requirement>> required = requirementsOf(op);
  for (size_t i = 0; required && i < required->size(); i++) {
    const auto &[relation, a, b, text] = (*required)[i];
    if (relation == Relation::Equal && (a == size ? b : a).isConst() && (a == size || b == size))
      return (a == size ? b : a).value();
  }
  return std::nullopt;
}

std::optional<int64_t> OperandReader::length(int64_t operand) const {
  std::vector<int64_t> sizes;
  for (const Dim &dim : s.in(operand).shape()) {
    std::optional<int64_t> size = sizeIn(s.op, dim);
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return checkedNumElements(sizes);
}

int64_t OperandReader::entries(int64_t operand) const {
  return length(operand).value_or(s.in(0).rank());
}

Value *OperandReader::isThere(int64_t operand, int64_t i) {
  return length(operand) ? nullptr : b.cmp("gt", sizeValue(b, s.in(operand).dim(0)), b.index(i));
}

Value *OperandReader::axis(Value *given, int64_t rank) {
  return b.select(b.cmp("lt", given, number(0)), b.add(given, number(rank)), given);
}

void OperandReader::requireAxes(int64_t operand, int64_t rank) {
  if (!s.op.operand(operand) || constantInts(s.op.operand(operand)))
    return;
  std::vector<Value *> axes;
  for (int64_t i = 0; i < entries(operand); i++) {
    Value *given = element(operand, i), *axis = this->axis(given, rank),
          *there = isThere(operand, i);
    auto ifThere = [&](Value *condition) {
      return there ? b.binary(OpKind::ScalarOr, b.unary(OpKind::ScalarNot, there), condition)
                   : condition;
    };
    Value *inside = both(b, b.cmp("ge", axis, number(0)), b.cmp("lt", axis, number(rank)));
    require(b, ifThere(inside), CAMEO_FAULT_AXIS, given, number(rank));
    for (Value *other : axes)
      require(b, ifThere(b.cmp("ne", axis, other)), CAMEO_FAULT_AXIS_TWICE, given);
    axes.push_back(axis);
  }
}

void OperandReader::requireBetween(Value *low, Value *given, Value *high) {
  require(b, b.cmp("ge", given, low), CAMEO_FAULT_VALUE, given, low);
  require(b, b.cmp("le", given, high), CAMEO_FAULT_VALUE, given, high);
}

} // namespace cameo
