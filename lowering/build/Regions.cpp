// See Regions.h.
#include "lowering/build/Regions.h"

#include "ir/OpSpec.h"

#include <algorithm>

namespace cameo {

Value *elementOf(LoopBuilder &b, Block &region, Value *operand, std::vector<Value *> &operands) {
  Op *def = operand->definingOp();
  DType dtype = operand->type.dtype();
  if (def && def->kind() == OpKind::Constant && dtype != DType::String) {
    ConstRef data = def->attrs.getConst("value");
    if (data->numElements() == 1)
      return isFloat(dtype) ? b.constant(Type::scalar(dtype), constFloat(*data, 0))
                            : b.constantInt(Type::scalar(dtype), constInt(*data, 0));
  }
  operands.push_back(operand);
  return region.addArg(Type::scalar(dtype));
}

Value *widened(LoopBuilder &b, Value *element) {
  return b.cast(element, workType(element->type.dtype()));
}

Value *sizeValue(LoopBuilder &b, const Dim &dim) {
  if (dim.isConst())
    return b.index(dim.value());
  AttrDict attrs;
  attrs.set("dim", Dims{dim});
  return b.create(OpKind::RegionSize, {}, {Type::index()}, std::move(attrs))->result();
}

void endEpilogue(LoopBuilder &b, Op *kernel, Value *element) {
  b.atEnd(kernel->region());
  b.create(OpKind::LoopYield, {b.cast(element, kernel->result()->type.dtype())}, {});
  b.after(kernel);
}

Value *epilogueElement(LoopBuilder &b, Op *kernel, Value *operand) {
  b.atEnd(kernel->region());
  std::vector<Value *> operands = kernel->operands();
  Value *element = widened(b, elementOf(b, kernel->region(), operand, operands));
  kernel->setOperands(operands);
  return element;
}

int64_t weightOf(const Op &op) {
  switch (op.kind()) {
  case OpKind::LoopYield:
  case OpKind::ScalarConst:
    return 0;
  case OpKind::ScalarExp:
  case OpKind::ScalarLog:
  case OpKind::ScalarErf:
  case OpKind::ScalarTanh:
  case OpKind::ScalarSigmoid:
  case OpKind::ScalarPow:
  case OpKind::ScalarDiv:
    return 8;
  case OpKind::ScalarCast:
    return op.attrs.has("flush") ? 0 : 1; // one instruction, which makes less to store
  default:
    return 1;
  }
}

int64_t weightOf(Block &region) {
  int64_t weight = 0;
  for (const std::unique_ptr<Op> &op : region.ops())
    weight += weightOf(*op);
  return weight;
}

std::vector<Value *> cloneBody(LoopBuilder &b, Block &region,
                               std::unordered_map<Value *, Value *> &map) {
  for (const std::unique_ptr<Op> &op : region.ops()) {
    std::vector<Value *> operands;
    for (Value *operand : op->operands())
      operands.push_back(map.at(operand));
    if (op->kind() == OpKind::LoopYield)
      return operands;
    std::vector<Type> types;
    for (const std::unique_ptr<Value> &result : op->results())
      types.push_back(result->type);
    Op *clone = b.create(op->kind(), std::move(operands), std::move(types), op->attrs);
    for (int64_t i = 0; i < op->numResults(); i++)
      map[op->result(i)] = clone->result(i);
  }
  ICE("a region without yield");
}

void dropUnusedScalars(Block &region) {
  for (auto at = region.ops().end(); at != region.ops().begin();) {
    Op &op = **--at;
    bool isUsed = std::any_of(op.results().begin(), op.results().end(),
                              [](const auto &result) { return !result->users().empty(); });
    if (spec(op.kind()).family == Family::Scalar && !isUsed) {
      ++at;
      op.erase();
    }
  }
}

} // namespace cameo
