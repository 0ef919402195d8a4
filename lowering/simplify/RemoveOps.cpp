// Drops ops that do nothing: dead ones, and those that return an operand unchanged.
#include "ir/OpSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"

namespace cameo {
namespace {

/// The operand an op's first result equals, or nullptr.
Value *identityOperand(Op &op) {
  Value *x = op.operand(0);
  switch (op.kind()) {
  case OpKind::Identity:
    return x;
  case OpKind::Dropout: {
    // Inference mode: the data passes; only a training run or a used mask makes it random.
    bool maskUsed = op.numResults() > 1 && !op.result(1)->users().empty();
    ConstRef training = constantData(op.operand(2));
    bool inference = !op.operand(2) || (training && constInt(*training, 0) == 0);
    return inference && !maskUsed ? x : nullptr;
  }
  case OpKind::Cast:
    return op.result()->type.dtype() == x->type.dtype() ? x : nullptr;
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Expand:
  case OpKind::Expect:
    return op.result()->type == x->type && x->type.isRanked() ? x : nullptr;
  default:
    return nullptr;
  }
}

/// An op without results is there for what it does; a call may define sizes, whose being in types
/// is no use, or do anything if the function is the user's.
bool hasEffect(const Op &op) { return op.numResults() == 0 || op.kind() == OpKind::KernelCall; }

/// From the last op to the first, so that what only dead ops read dies, too.
bool removeDead(Block &block) {
  bool changed = false;
  Block::List &ops = block.ops();
  for (auto it = ops.end(); it != ops.begin();) {
    --it;
    Op &op = **it;
    if (op.hasUses() || hasEffect(op)) {
      for (int64_t i = 0; isControlFlow(op) && i < op.numRegions(); i++)
        changed = removeDead(op.region(i)) || changed;
      continue;
    }
    auto next = std::next(it);
    op.erase();
    it = next;
    changed = true;
  }
  return changed;
}

} // namespace

Result<bool> removeIdentities(Module &module, PassContext &) {
  std::vector<Op *> work;
  for (Op *op : opsOf(module.main()))
    if (identityOperand(*op))
      work.push_back(op);
  for (Op *op : work) {
    // Asked again: the operand may have been replaced by now.
    op->result()->replaceAllUsesWith(identityOperand(*op));
    op->erase();
  }
  return !work.empty();
}

Result<bool> removeDeadOps(Module &module, PassContext &) { return removeDead(module.main().body); }

} // namespace cameo
