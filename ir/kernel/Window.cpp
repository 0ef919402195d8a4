// Rules of pools and row kernels; see Window.h.
#include "ir/kernel/Window.h"

#include "ir/kernel/Rules.h"

namespace cameo {

Result<void> PoolAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0), &y = *op.result();
  TRY(plan.verify());
  WindowRule windows{kernel, strides, dilations, padsBegin, padsEnd};
  TRY(windows.verify(x, y));
  TRY(hasLength("declared_pads_end", declaredPadsEnd.size(), x.type.rank() - 2));
  return takesOne(op, elementsFrom(op, 1));
}

Result<void> RowAttrs::verify(const Op &op) const {
  const Value &x = *op.operand(0);
  TRY(hasRegions(op, 1));
  TRY(plan.verify());
  if (x.type.rank() < 1)
    return badInput("expected a row, got " + x.type.str());
  TRY(hasShape(*op.result(), x.type.shape()));
  std::vector<Type> arguments = elementsFrom(op, 1);
  bool isDouble = x.type.dtype() == DType::F64;
  arguments.insert(arguments.begin(), Type::scalar(isDouble ? DType::F64 : DType::F32));
  return regionMaps(op, 0, arguments, {elementOfResult(op)});
}

} // namespace cameo
