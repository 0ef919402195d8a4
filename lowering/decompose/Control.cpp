// Scan as a Loop that takes its slices itself.
#include "lowering/decompose/Decompose.h"

#include "ir/infer/Infer.h"

namespace cameo {
namespace {

Value *scalarInt(Builder &b, int64_t value) {
  return b.constant(makeSplat(DType::I64, {}, static_cast<double>(value)));
}

/// An entry of an attribute with one number a scanned tensor; 0 where it is absent.
int64_t entryOf(const Op &op, const char *name, int64_t i) {
  std::vector<int64_t> entries = op.attrs.getInts(name);
  return entries.empty() ? 0 : entries[i];
}

/// The size of an axis as a scalar tensor.
Value *sizeOf(Builder &b, Value *x, int64_t axis) {
  if (x->type.dim(axis).isConst())
    return scalarInt(b, x->type.dim(axis).value());
  AttrDict attrs;
  attrs.set("start", axis);
  attrs.set("end", axis + 1);
  Value *size = b.graphValue(OpKind::Shape, {x}, std::move(attrs));
  return b.graphValue(OpKind::Squeeze, {size, b.constant(makeConst({0}))});
}

/// Slice number `iteration` of a scanned input, counted from the end for direction 1.
Value *sliceOf(Builder &b, const Op &scan, int64_t k, Value *x, Value *iteration, Value *trips) {
  if (entryOf(scan, "scan_input_directions", k)) {
    Value *last = b.graphValue(OpKind::Sub, {trips, scalarInt(b, 1)});
    iteration = b.graphValue(OpKind::Sub, {last, iteration});
  }
  AttrDict attrs;
  attrs.set("axis", *normalizeAxis(entryOf(scan, "scan_input_axes", k), x->type.rank()));
  return b.graphValue(OpKind::Gather, {x, iteration}, std::move(attrs));
}

/// The type that stacking slices along axis 0 makes of a Scan's result.
Type stackedFirst(const Type &type, int64_t axis) {
  Dims shape = type.shape();
  Dim count = shape[axis];
  shape.erase(shape.begin() + axis);
  shape.insert(shape.begin(), count);
  return type.withShape(shape);
}

/// A stacked result with its axis and direction as the Scan says.
Value *arranged(Builder &b, const Op &scan, int64_t k, Value *stacked) {
  if (entryOf(scan, "scan_output_directions", k)) {
    auto ints = [&](int64_t value) { return b.constant(makeConst({value})); };
    Type type = stacked->type;
    stacked = b.graphValue(OpKind::Slice, {stacked, ints(-1), ints(INT64_MIN), ints(0), ints(-1)});
    stacked->type = type;
  }
  int64_t rank = stacked->type.rank();
  int64_t axis = *normalizeAxis(entryOf(scan, "scan_output_axes", k), rank);
  if (axis == 0)
    return stacked;
  std::vector<int64_t> perm;
  for (int64_t i = 1; i < rank; i++)
    perm.push_back(i);
  perm.insert(perm.begin() + axis, 0);
  AttrDict attrs;
  attrs.set("perm", perm);
  return b.graphValue(OpKind::Transpose, {stacked}, std::move(attrs));
}

/// Moves the Scan's body into the Loop's, its arguments replaced.
void moveBody(Builder &b, Op &scan, Op &loop, int64_t numStates, Value *trips) {
  Block &from = scan.region(), &to = loop.region();
  b.atEnd(to);
  std::vector<Value *> arguments;
  for (int64_t i = 0; i < numStates; i++)
    arguments.push_back(to.arg(i + 2));
  for (int64_t i = numStates; i < scan.numOperands(); i++)
    arguments.push_back(sliceOf(b, scan, i - numStates, scan.operand(i), to.arg(0), trips));
  for (int64_t i = 0; i < from.numArgs(); i++)
    from.arg(i)->replaceAllUsesWith(arguments[i]);
  std::vector<Value *> yielded = from.terminator()->operands();
  yielded.insert(yielded.begin(), to.arg(1));
  Op *yield = b.create(OpKind::LoopYield, yielded, {});
  while (from.ops().size() > 1)
    from.ops().front()->moveBefore(yield);
}

} // namespace

Value *decomposeScan(Builder &b, Op &op) {
  int64_t numStates = op.numOperands() - op.attrs.getInt("num_scan_inputs");
  for (const std::unique_ptr<Value> &result : op.results())
    if (!result->type.isTensor() || !result->type.isRanked())
      return nullptr;
  for (Value *operand : op.operands())
    if (!operand->type.isTensor() || !operand->type.isRanked())
      return nullptr;
  Value *first = op.operand(numStates);
  int64_t axis = *normalizeAxis(entryOf(op, "scan_input_axes", 0), first->type.rank());
  Value *trips = sizeOf(b, first, axis);
  std::vector<Value *> operands = {trips, nullptr};
  std::vector<Type> types;
  for (int64_t i = 0; i < op.numResults(); i++) {
    if (i < numStates)
      operands.push_back(op.operand(i));
    const Type &type = op.result(i)->type;
    int64_t out = i < numStates
                      ? 0
                      : *normalizeAxis(entryOf(op, "scan_output_axes", i - numStates), type.rank());
    types.push_back(i < numStates ? type : stackedFirst(type, out));
  }
  Op *loop = b.create(OpKind::Loop, std::move(operands), types, {}, 1);
  loop->region().addArg(Type::tensor(DType::I64, {}));
  loop->region().addArg(Type::tensor(DType::Bool, {}));
  for (int64_t i = 0; i < numStates; i++)
    loop->region().addArg(op.region().arg(i)->type, op.region().arg(i)->name);
  moveBody(b, op, *loop, numStates, trips);
  b.after(loop);
  for (int64_t i = op.numResults(); i-- > 0;) {
    Value *value =
        i < numStates ? loop->result(i) : arranged(b, op, i - numStates, loop->result(i));
    if (i == 0)
      return value;
    value->name = op.result(i)->name;
    op.result(i)->replaceAllUsesWith(value);
  }
  ICE("a Scan without results");
}

} // namespace cameo
