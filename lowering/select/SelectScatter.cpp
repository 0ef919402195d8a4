// Writing by index: ScatterElements, ScatterND, TensorScatter. The first two are a copy of the
// data, then a `scatter` kernel that writes the updates over it.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Elements.h"
#include "lowering/build/Shapes.h"

#include <algorithm>

namespace cameo {
namespace {

/// How an update and the element before it make the one after it.
Value *combined(LoopBuilder &b, const std::string &reduction, Value *before, Value *update) {
  if (reduction == "add")
    return b.add(before, update);
  if (reduction == "mul")
    return b.mul(before, update);
  if (reduction == "max")
    return b.max(before, update);
  return reduction == "min" ? b.min(before, update) : update;
}

/// Copy and scatter; `indices` may be a view of the op's.
Result<void> scatter(Selection &s, Value *indices, ScatterForm form, int64_t axis) {
  DType dtype = s.in(0).dtype();
  if (dtype == DType::String)
    return s.unsupportedBecause("strings are not supported yet");
  // The kernel level cannot reduce bools.
  std::string reduction = s.op.attrs.getString("reduction", "none");
  if (dtype == DType::Bool && reduction != "none")
    return s.unsupportedBecause("reductions of bools are not supported yet");
  Value *copy = s.b.create(OpKind::KernelCopy, {s.op.operand(0)}, {s.in(0)})->result();
  Op *kernel = s.replaceWith(OpKind::KernelScatter, {copy, indices, s.op.operand(2)},
                             dictOf(ScatterAttrs{form, axis}), 1);
  Value *before = kernel->region().addArg(Type::scalar(dtype));
  Value *update = kernel->region().addArg(Type::scalar(dtype));
  s.b.atEnd(kernel->region());
  Value *after = reduction == "none"
                     ? update
                     : combined(s.b, reduction, widened(s.b, before), widened(s.b, update));
  s.b.create(OpKind::LoopYield, {s.b.cast(after, dtype)}, {});
  return {};
}

} // namespace

Result<void> selectScatterElements(Selection &s) {
  Value *indices = s.op.operand(1);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis"), s.in(0).rank());
  // Along a lone axis there are no lines to share out, but there are elements.
  if (s.in(0).rank() == 1)
    return scatter(s, reshapeView(s.b, indices, {s.in(1).dim(0), Dim(1)}), ScatterForm::Tuples, 0);
  return scatter(s, indices, ScatterForm::Lines, axis);
}

Result<void> selectScatterND(Selection &s) {
  // How long tuples are follows from the ranks, also where their dim is a symbol.
  Dims shape = s.in(1).shape();
  shape.back() = Dim(s.in(0).rank() + s.in(1).rank() - 1 - s.in(2).rank());
  return scatter(s, reshapeView(s.b, s.op.operand(1), shape), ScatterForm::Tuples, 0);
}

/// The cache; the steps from each batch's write index on come from the update.
Result<void> selectTensorScatter(Selection &s) {
  Type past = s.in(0), update = s.in(1);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis", -2), past.rank());
  bool circular = s.op.attrs.getString("mode", "linear") == "circular";
  std::vector<Value *> operands = {s.op.operand(0), s.op.operand(1)};
  Value *first = s.op.operand(2);
  if (first)
    operands.push_back(first);
  generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *length = sizeValue(b, past.dim(axis)), *zero = b.index(0), *start = zero;
    if (first) {
      Value *which = indexWithin(b, index[0], past.dim(0), first->type.dim(0));
      Value *given = elementAt(b, first->type, 2, {which});
      Value *negative = b.cmp("lt", given, b.constantInt(given->type, 0));
      if (circular)
        given = b.select(negative, given, b.rem(given, b.cast(length, DType::I64)));
      // A linear update must fit as a whole.
      Dim room = circular ? past.dim(axis) : past.dim(axis) - update.dim(axis) + Dim(1);
      start = positionFrom(b, given, room);
    }
    Value *step = b.sub(index[axis], start), *steps = sizeValue(b, update.dim(axis));
    if (circular)
      step = b.select(b.cmp("lt", step, zero), b.add(step, length), step);
    Value *written = b.binary(OpKind::ScalarAnd, b.cmp("ge", step, zero), b.cmp("lt", step, steps));
    std::vector<Value *> at;
    for (int64_t i = 0; i < past.rank(); i++)
      at.push_back(indexWithin(b, index[i], past.dim(i), i == axis ? past.dim(i) : update.dim(i)));
    at[axis] = b.max(b.min(step, b.sub(steps, b.index(1))), zero);
    return b.select(written, elementAt(b, update, 1, at), elementAt(b, past, 0, index));
  });
  return {};
}

} // namespace cameo
