// See Loops.h.
#include "lowering/decompose/Loops.h"

namespace cameo {

Value *scalarInt(Rewriter &b, int64_t value) {
  return b.constant(makeSplat(DType::I64, {}, static_cast<double>(value)));
}

Value *axisSize(Rewriter &b, Value *x, int64_t axis) {
  if (x->type.dim(axis).isConst())
    return scalarInt(b, x->type.dim(axis).value());
  AttrDict attrs;
  attrs.set("start", axis);
  attrs.set("end", axis + 1);
  Value *size = b.graphValue(OpKind::Shape, {x}, std::move(attrs));
  return b.graphValue(OpKind::Squeeze, {size, b.constant(makeConst({0}))});
}

Value *iterationFrom(Rewriter &b, Value *iteration, Value *trips, bool reverse) {
  if (!reverse)
    return iteration;
  Value *last = b.graphValue(OpKind::Sub, {trips, scalarInt(b, 1)});
  return b.graphValue(OpKind::Sub, {last, iteration});
}

Type stackedFirst(const Type &type, int64_t axis) {
  Dims shape = type.shape();
  Dim count = shape[axis];
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin(), count);
  return type.withShape(shape);
}

Value *reversedFirst(Rewriter &b, Value *x) {
  auto ints = [&](int64_t value) { return b.constant(makeConst({value})); };
  Value *reversed = b.graphValue(OpKind::Slice, {x, ints(-1), ints(INT64_MIN), ints(0), ints(-1)});
  reversed->type = x->type;
  return reversed;
}

Op *beginLoop(Rewriter &b, Value *trips, const std::vector<Value *> &carried,
              const std::vector<Type> &stacked) {
  std::vector<Value *> operands = {trips, nullptr};
  std::vector<Type> types;
  for (Value *value : carried) {
    operands.push_back(value);
    types.push_back(value->type);
  }
  types.insert(types.end(), stacked.begin(), stacked.end());
  Op *loop = b.create(OpKind::Loop, std::move(operands), std::move(types), {}, 1);
  loop->region().addArg(Type::tensor(DType::I64, {}));
  loop->region().addArg(Type::tensor(DType::Bool, {}));
  for (Value *value : carried)
    loop->region().addArg(value->type);
  b.atEnd(loop->region());
  return loop;
}

void endLoop(Rewriter &b, Op *loop, std::vector<Value *> carriedAndSlices) {
  carriedAndSlices.insert(carriedAndSlices.begin(), loop->region().arg(1));
  b.create(OpKind::LoopYield, std::move(carriedAndSlices), {});
  b.after(loop);
}

} // namespace cameo
