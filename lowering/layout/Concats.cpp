// Concatenation as placement: which value lives in which concat; see AssignLayouts.cpp.
#include "ir/kernel/ViewOps.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/layout/LayoutState.h"

namespace cameo {

/// Whether every operand of `concat` is already placed in `home`, in order and without gaps.
bool LayoutState::isPrefix(Op *concat, Op *home) const {
  int64_t axis = attrsOf<ConcatAttrs>(*concat).axis;
  if (axis != attrsOf<ConcatAttrs>(*home).axis)
    return false;
  std::optional<Dim> expected;
  for (Value *operand : concat->operands()) {
    auto placed = placements.find(operand);
    if (placed == placements.end() || placed->second.first != home ||
        (expected && !(placed->second.second == *expected)))
      return false;
    expected = placed->second.second + operand->type.dim(axis);
  }
  return true;
}

/// Whether what the op makes can be made elsewhere: an update has its operand's memory, a function
/// in C makes dense tensors.
static bool isMovable(Op *op) {
  if (op && op->kind() == OpKind::KernelConcat)
    return true;
  return isKernel(op) && storageOf(*op) != Storage::InPlace && storageOf(*op) != Storage::None;
}

/// Decides the home of every concat operand, the last concat first; see the file's head.
void LayoutState::planConcats() {
  std::vector<Op *> ops = opsOf(func);
  for (auto it = ops.rbegin(); it != ops.rend(); ++it) {
    Op *op = *it;
    if (op->kind() != OpKind::KernelConcat)
      continue;
    // A result whose size is known only after its parts are computed has no place yet for them.
    auto [axis, offsets] = attrsOf<ConcatAttrs>(*op);
    if (!offsets.empty() || isSizedByRun(product(op->result()->type.shape())))
      continue;
    auto first = placements.find(op->operand(0));
    if (first != placements.end() && isPrefix(op, first->second.first))
      continue;
    Dim at(0);
    for (Value *operand : op->operands()) {
      if (isMovable(operand->definingOp()))
        placements.try_emplace(operand, op, at);
      at = at + operand->type.dim(axis);
    }
  }
}

void LayoutState::visitConcat(Op &op) {
  auto [axis, offsets] = attrsOf<ConcatAttrs>(op);
  Value *whole = op.result(), *first = op.operand(0);
  auto home = placements.find(first);
  bool prefix =
      home != placements.end() && home->second.first != &op && isPrefix(&op, home->second.first);
  if (prefix) {
    whole->layout = first->layout;
    orders[whole] = orders[first];
    present[whole] = present[first];
    fillHalo(whole, &op);
    return;
  }
  if (!whole->layout)
    place(whole, followOperands(op, whole));
  Dim at(0);
  for (int64_t i = 0; i < op.numOperands(); i++) {
    Value *part = op.operand(i);
    if (!offsets.empty())
      at = offsets[static_cast<size_t>(i)];
    auto placed = placements.find(part);
    if (placed == placements.end() || placed->second.first != &op ||
        !(placed->second.second == at)) {
      b.before(&op);
      b.loc = op.loc;
      Op *copy = b.create(OpKind::KernelCopy, {part}, {part->type});
      placements[copy->result()] = {&op, at};
      place(copy->result(), orders[whole]);
      op.setOperand(i, copy->result());
    }
    at = at + part->type.dim(axis);
  }
  fillHalo(whole, &op);
}

} // namespace cameo
