// See OpChecks.h.
#include "lowering/program/OpChecks.h"

#include "ir/infer/Sizes.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/RunTime.h"
#include "ir/kernel/ViewOps.h"
#include "runtime/abi.h"

#include <algorithm>

namespace cameo {

void OpChecks::add(Op &op) {
  if (op.kind() == OpKind::KernelGuard)
    return addGuard(op);
  if (op.kind() == OpKind::KernelSlice)
    requireSlice(op);
  if (!kernelSpec(op.kind()) || !kernelSpec(op.kind())->isOnCaller)
    requireSizes(op);
}

/// A slice of a constant number of elements of a dim known only at run time (a Gather of one index,
/// a Split) relies on their being there; sizes of other slices are clamped by inference.
void OpChecks::requireSlice(Op &slice) {
  const Type &x = slice.operand(0)->type, &y = slice.result()->type;
  auto [starts, steps] = attrsOf<SliceAttrs>(slice);
  int64_t node = internNode(program_.nodeNames, slice.loc);
  for (int64_t i = 0; i < x.rank(); i++) {
    if (x.dim(i).isConst() || !y.dim(i).isConst() || y.dim(i).value() == 0)
      continue;
    Dim first = starts[i], last = first + Dim(y.dim(i).value() - 1) * Dim(steps[i]);
    if (isCheckedAtHead(slice, {first, last, x.dim(i)}))
      sizes_.requireElements(first, last, x.dim(i), node);
    else
      checkHere([&] { sizes_.requireElementsHere(main_, first, last, x.dim(i), node); });
  }
}

/// Whether the head of the run checks an op's requirements of these sizes: it does if it knows them
/// and the op runs in any case.
bool OpChecks::isCheckedAtHead(const Op &op, const Dims &of) const {
  return op.block() == &func_.body && std::all_of(of.begin(), of.end(), [&](const Dim &size) {
           return sizes_.knowsAtHead(size);
         });
}

/// Checks something between team functions, where it stands.
void OpChecks::checkHere(const std::function<void()> &check) {
  endTeam_();
  check();
  runTime_.leaveIfFailed();
}

/// Sizes that an op makes of others may turn out negative.
void OpChecks::requireSizes(Op &op) {
  auto isOfOperand = [&](const Dim &size) {
    return std::any_of(op.operands().begin(), op.operands().end(), [&](const Value *operand) {
      return operand && operand->type.isRanked() &&
             std::count(operand->type.shape().begin(), operand->type.shape().end(), size) > 0;
    });
  };
  int64_t node = internNode(program_.nodeNames, op.loc);
  for (const std::unique_ptr<Value> &result : op.results()) {
    const Type &y = result->type;
    for (int64_t i = 0; y.isTensor() && y.isRanked() && i < y.rank(); i++) {
      const Dim &size = y.dim(i), zero(0);
      if (provablyAtLeast(size, zero) || isOfOperand(size) || !sizes_.knows(size))
        continue;
      if (isCheckedAtHead(op, {size}))
        sizes_.require(Relation::AtMost, zero, size, CAMEO_FAULT_NEGATIVE_SIZE, node);
      else
        checkHere([&] {
          sizes_.requireHere(main_, Relation::AtMost, zero, size, CAMEO_FAULT_NEGATIVE_SIZE, node);
        });
    }
  }
}

/// At the head of the run, or, where that is too early, in its place.
void OpChecks::addGuard(Op &op) {
  GuardAttrs guard = attrsOf<GuardAttrs>(op);
  const Dims &of = guard.sizes;
  // A size that no longer exists was that of something dead.
  if (!sizes_.knows(of[0]) || !sizes_.knows(of[1]))
    return;
  int64_t code = CAMEO_FAULT_OWN + program_.faultTexts.add(guard.text);
  int64_t node = internNode(program_.nodeNames, op.loc);
  if (isCheckedAtHead(op, of))
    sizes_.require(guard.relation, of[0], of[1], code, node);
  else
    checkHere([&] { sizes_.requireHere(main_, guard.relation, of[0], of[1], code, node); });
}

} // namespace cameo
