// Moves pointwise ops that only make elements wider, dequantization and conversions of halves, into
// the kernels that read them, so that it is the narrow elements that are in memory. Runs before
// fuse-epilogues, which would move them into the kernel that makes the narrow ones.
//
// Turn this: %f = pointwise %q {...};  %y = pointwise %f, %b {...};  %s = reduce %f {...}
// Into this: %y = pointwise %q, %b {...};  %s = reduce %q {...}
// Only if: every reader of %f takes the ops, and they are few.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Regions.h"

#include <algorithm>

namespace cameo {
namespace {

// A dequantization: a conversion, the difference from the zero point, and the product with the
// scale. What weighs more is not done again for each reader.
constexpr int64_t kFewOps = 4;

bool isWidening(Op &op) {
  if (op.kind() != OpKind::KernelPointwise || op.numOperands() != 1 || op.numResults() != 1)
    return false;
  const Type &from = op.operand(0)->type, &to = op.result()->type;
  return from.shape() == to.shape() && dtypeBytes(from.dtype()) < dtypeBytes(to.dtype()) &&
         weightOf(op.region()) <= kFewOps;
}

/// Whether `reader` gets the value's elements one by one, in its first region, wherever it reads
/// it.
bool takesElements(const Op &reader, const Value *value) {
  if (reader.kind() == OpKind::KernelPointwise)
    return true;
  return reader.kind() == OpKind::KernelReduce && reader.operand(0) == value &&
         std::count(reader.operands().begin(), reader.operands().end(), value) == 1;
}

/// Operand i of the reader becomes what the widening op reads; the region widens it.
void moveInto(Module &module, Op &reader, int64_t i, Op &widening) {
  Value *argument = reader.region().arg(i);
  std::vector<Op *> users = argument->users();
  LoopBuilder b(module);
  b.before(reader.region().ops().front().get());
  std::unordered_map<Value *, Value *> map = {{widening.region().arg(0), argument}};
  Value *wide = cloneBody(b, widening.region(), map)[0];
  for (Op *user : users)
    for (int64_t use = 0; use < user->numOperands(); use++)
      if (user->operand(use) == argument)
        user->setOperand(use, wide);
  argument->type = Type::scalar(widening.operand(0)->type.dtype());
  reader.setOperand(i, widening.operand(0));
}

} // namespace

Result<bool> fuseWidening(Module &module, PassContext &) {
  bool changed = false;
  for (Op *op : opsOf(module.main())) {
    if (!isWidening(*op) || op->result()->users().empty())
      continue;
    std::vector<Op *> readers = op->result()->users();
    bool allTake = std::all_of(readers.begin(), readers.end(),
                               [&](Op *reader) { return takesElements(*reader, op->result()); });
    if (!allTake)
      continue;
    for (Op *reader : readers) {
      for (int64_t i = 0; i < reader->numOperands(); i++)
        if (reader->operand(i) == op->result())
          moveInto(module, *reader, i, *op);
      reader->loc.append(op->loc);
    }
    changed = true;
  }
  return changed;
}

} // namespace cameo
