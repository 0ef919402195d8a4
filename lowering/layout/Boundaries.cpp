// Where values cross a boundary and are row-major: what the caller gets, what branches give, what
// loops carry; see AssignLayouts.cpp.
#include "lowering/layout/LayoutState.h"

#include "ir/kernel/RunTime.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"

#include <fmt/format.h>

namespace cameo {

/// Writes a value to where `layout` says; the copy.
Value *LayoutState::copyInto(Value *value, const Layout &layout, Op *before) {
  b.before(before);
  b.loc = before->loc;
  AttrDict attrs;
  if (isBoxed(value->type))
    attrs = dictOf(CallAttrs{"cameo_kernel_identity", {}});
  OpKind kind = isBoxed(value->type) ? OpKind::KernelCall : OpKind::KernelCopy;
  Op *copy = b.create(kind, {value}, {value->type}, std::move(attrs));
  copy->result()->layout = layout;
  return copy->result();
}

/// Both branches write the results.
void LayoutState::visitIf(Op &op) {
  for (const std::unique_ptr<Value> &result : op.results())
    place(result.get(), rowMajor(result->type.rank()));
  for (int64_t r = 0; r < op.numRegions(); r++) {
    visitBlock(op.region(r));
    Op *yield = op.region(r).terminator();
    for (int64_t i = 0; i < op.numResults(); i++)
      copyInto(yield->operand(i), *op.result(i)->layout, yield);
  }
  for (const std::unique_ptr<Value> &result : op.results())
    fillHalo(result.get(), &op);
}

/// Memory of a region's argument, which a result of the op, if there is one, shares: what readers
/// of either need around it.
void LayoutState::placeArgument(Value *argument, Value *result) {
  if (result && needed.count(result)) {
    auto [entry, isNew] = needed.try_emplace(argument, needed[result]);
    if (!isNew)
      entry->second.enlarge(needed[result]);
  }
  allocate(argument, rowMajor(argument->type.rank()));
}

/// Carried values live in one place for all iterations, which the final ones share.
void LayoutState::visitLoop(Op &op) {
  Block &body = op.region();
  op.attrs.set("iteration", fmt::format("iteration.{}", numLoops++));
  int64_t numCarried = body.numArgs() - 2;
  std::vector<Value *> initial;
  for (int64_t i = 0; i < body.numArgs(); i++) {
    Value *result = i >= 2 ? op.result(i - 2) : nullptr;
    placeArgument(body.arg(i), result);
    if (!result)
      continue;
    result->layout = body.arg(i)->layout;
    orders[result] = orders[body.arg(i)];
    present[result] = present[body.arg(i)];
    initial.push_back(copyInto(op.operand(i), *result->layout, &op));
  }
  for (int64_t i = numCarried; i < op.numResults(); i++)
    allocate(op.result(i), rowMajor(op.result(i)->type.rank()));
  // Copies write no halo, so that one filling serves all iterations.
  for (int64_t i = 2; i < body.numArgs(); i++) {
    auto halo = needed.find(body.arg(i));
    if (halo == needed.end() || halo->second.fillFrom)
      continue;
    filled.insert(body.arg(i));
    filled.insert(op.result(i - 2));
    b.before(&op);
    b.loc = op.loc;
    writeFill(initial[i - 2], halo->second.within(present[body.arg(i)]));
  }
  visitBlock(body);
  yieldSlices(op);
  yieldCarried(op);
  for (int64_t i = numCarried; i < op.numResults(); i++)
    fillHalo(op.result(i), &op);
}

/// A stacked result's slice of this iteration.
void LayoutState::yieldSlices(Op &loop) {
  Dim iteration = iterationOf(loop);
  Op *yield = loop.region().terminator();
  int64_t numCarried = loop.region().numArgs() - 2;
  for (int64_t i = numCarried; i < loop.numResults(); i++) {
    Layout slice = *loop.result(i)->layout;
    slice.offset = slice.offset + iteration * slice.strides[0];
    slice.strides.erase(slice.strides.begin());
    copyInto(yield->operand(i + 1), slice, yield);
  }
}

/// The next iteration's values. One that lies where another is about to be written is moved out of
/// the way first.
void LayoutState::yieldCarried(Op &loop) {
  Block &body = loop.region();
  Op *yield = body.terminator();
  std::set<int64_t> carried;
  for (int64_t i = 2; i < body.numArgs(); i++)
    carried.insert(body.arg(i)->layout->buffer);
  for (int64_t i = 2; i < body.numArgs(); i++) {
    Value *next = yield->operand(i - 1);
    if (next != body.arg(i) && carried.count(next->layout->buffer))
      yield->setOperand(i - 1, copyOf(next, rowMajor(next->type.rank()), nullptr, yield));
  }
  for (int64_t i = 2; i < body.numArgs(); i++)
    if (yield->operand(i - 1) != body.arg(i))
      copyInto(yield->operand(i - 1), *body.arg(i)->layout, yield);
}

/// Functions in C take and give dense row-major tensors, and make room for what they alone know the
/// size of.
void LayoutState::visitCall(Op &op) {
  for (int64_t i = 0; i < op.numOperands(); i++) {
    Value *operand = op.operand(i);
    if (!operand || isBoxed(operand->type) || isDense(*operand))
      continue;
    Value *copy = copyOf(operand, rowMajor(operand->type.rank()), nullptr, &op);
    copy->layout->strides = rowMajorStrides(copy->type.shape());
    op.setOperand(i, copy);
  }
  for (const std::unique_ptr<Value> &result : op.results()) {
    const Type &type = result->type;
    if (type.isNone())
      continue;
    allocate(result.get(), rowMajor(type.rank()));
    if (isBoxed(type))
      continue;
    Buffer &buffer = func.buffers[result->layout->buffer];
    buffer.size = product(type.shape());
    if (isSizedByRun(type.shape()))
      buffer.space = Buffer::Space::Box;
    *result->layout = Layout{result->layout->buffer, Dim(0), rowMajorStrides(type.shape())};
    present[result.get()] = noHalo(type.rank());
  }
}

/// Results are written straight to the caller's memory where a kernel makes them row-major for that
/// purpose alone; inputs, constants, views and second mentions are copied.
void LayoutState::placeReturn(Op &ret) {
  std::set<int64_t> taken;
  for (int64_t i = 0; i < ret.numOperands(); i++) {
    Value *value = ret.operand(i);
    bool boxed = isBoxed(value->type);
    Buffer output{Buffer::Space::Output,
                  func.resultNames[i],
                  boxed ? DType::U8 : value->type.dtype(),
                  boxed ? Dim(1) : product(value->type.shape()),
                  i,
                  Dim(0)};
    // Memory of the caller comes in where the size is known.
    if (boxed || isSizedByRun(value->type.shape())) {
      output.space = Buffer::Space::Box;
      output.port = -1;
    }
    Layout dense{-1, Dim(0), rowMajorStrides(value->type.shape())};
    int64_t id = value->layout->buffer;
    Buffer &buffer = func.buffers[id];
    bool isFree = buffer.space == Buffer::Space::Arena || buffer.space == Buffer::Space::Box;
    bool owns = isKernel(value->definingOp()) && isFree && value->layout->offset == Dim(0) &&
                isDense(*value) && buffer.size == output.size && !keptInArena.count(id) &&
                taken.insert(id).second;
    if (owns) {
      buffer = output;
      continue;
    }
    ret.setOperand(i, copyInto(value, Layout{newBuffer(output), Dim(0), dense.strides}, &ret));
  }
}

} // namespace cameo
