// What reads elements of operands as numbers, for sizes and positions that only the run knows; see
// RunTimeShapes.h.
#include "ir/infer/Infer.h"
#include "lowering/Shapes.h"
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

Value *OperandReader::raw(int64_t operand, int64_t i) {
  const Type &type = s.in(operand);
  int64_t from = position(operand);
  std::vector<Value *> index(type.rank(), b.index(0));
  if (!index.empty())
    index.back() = b.index(i);
  return elementAt(b, type, from, index);
}

Value *OperandReader::element(int64_t operand, int64_t i) {
  InferContext context(s.module, s.op);
  if (std::optional<Dims> known = context.known(operand))
    return size((*known)[static_cast<size_t>(i)]);
  return b.cast(raw(operand, i), DType::I64);
}

Value *OperandReader::size(const Dim &dim) {
  return dim.isConst() ? number(dim.value()) : b.cast(sizeValue(b, dim), DType::I64);
}

std::optional<int64_t> OperandReader::length(int64_t operand) const {
  const Type &type = s.in(operand);
  if (type.rank() == 0)
    return 1;
  return type.dim(0).isConst() ? std::optional(type.dim(0).value()) : std::nullopt;
}

Value *OperandReader::axis(Value *given, int64_t rank) {
  return b.select(b.cmp("lt", given, number(0)), b.add(given, number(rank)), given);
}

void OperandReader::requireAxes(int64_t operand, int64_t rank) {
  if (!s.op.operand(operand) || constantInts(s.op.operand(operand)))
    return;
  std::vector<Value *> axes;
  for (int64_t i = 0; i < *length(operand); i++) {
    Value *given = element(operand, i), *axis = this->axis(given, rank);
    Value *inside = both(b, b.cmp("ge", axis, number(0)), b.cmp("lt", axis, number(rank)));
    require(b, inside, CAMEO_FAULT_AXIS, given, number(rank));
    for (Value *other : axes)
      require(b, b.cmp("ne", axis, other), CAMEO_FAULT_AXIS_TWICE, given);
    axes.push_back(axis);
  }
}

void OperandReader::requireBetween(Value *low, Value *given, Value *high) {
  require(b, b.cmp("ge", given, low), CAMEO_FAULT_VALUE, given, low);
  require(b, b.cmp("le", given, high), CAMEO_FAULT_VALUE, given, high);
}

} // namespace cameo
