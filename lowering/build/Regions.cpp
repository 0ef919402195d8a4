// See Regions.h.
#include "lowering/build/Regions.h"

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

int64_t weightOf(Block &region) {
  int64_t weight = 0;
  for (const std::unique_ptr<Op> &op : region.ops()) {
    switch (op->kind()) {
    case OpKind::LoopYield:
    case OpKind::ScalarConst:
      break;
    case OpKind::ScalarExp:
    case OpKind::ScalarLog:
    case OpKind::ScalarErf:
    case OpKind::ScalarTanh:
    case OpKind::ScalarSigmoid:
    case OpKind::ScalarPow:
    case OpKind::ScalarDiv:
      weight += 8;
      break;
    default:
      weight++;
    }
  }
  return weight;
}

} // namespace cameo
