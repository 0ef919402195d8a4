// Lets kernels write their results over an operand that nobody reads later. What a kernel writes
// is in its core's caches then, as it has just been read; in other memory it would first have to
// come from where some earlier kernel left it, which may be the cache of another core.
//
// Turn this: %y = pointwise(%s, %x) : f32[1,8] @ #y[0; 8, 1]     of %x @ #x[0; 8, 1], read last
// Into this: %y = pointwise(%s, %x) : f32[1,8] @ #x[0; 8, 1]
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/plan/ImageRuns.h"

#include <algorithm>
#include <set>
#include <unordered_map>

namespace cameo {
namespace {

/// The values of a block whose memory is a buffer.
struct BufferUse {
  /// What the buffer has is written and read in one block, by ops in the order of the block.
  Block *block = nullptr;
  bool isInOneBlock = true;
  std::vector<Value *> values;
  int64_t lastPosition = -1; // of an op that reads or writes the buffer
};

class InPlace {
public:
  explicit InPlace(Func &func) : func_(func), uses_(func.buffers.size()) {
    for (const auto &[first, run] : imageRunsOf(func))
      inRuns_.insert(run.kernels.begin(), run.kernels.end());
    for (const std::unique_ptr<Value> &argument : func.body.args())
      note(argument.get(), nullptr);
    visit(func.body);
  }

  bool run() {
    bool changed = false;
    for (Op *op : order_)
      changed |= rewrite(*op);
    return changed;
  }

private:
  void visit(Block &block);
  void note(Value *value, Block *block);
  bool rewrite(Op &op);
  bool fits(const Op &op, int64_t operand) const;
  bool isReadOnlyThere(const Op &op, int64_t operand) const;

  Func &func_;
  std::vector<BufferUse> uses_;
  std::vector<Op *> order_;
  std::unordered_map<const Op *, int64_t> positions_;
  std::set<const Op *> inRuns_;
};

/// `block` is null where a value comes from elsewhere.
void InPlace::note(Value *value, Block *block) {
  if (!value || !value->layout)
    return;
  BufferUse &use = uses_[value->layout->buffer];
  use.isInOneBlock &= block && (!use.block || use.block == block);
  use.block = block;
  use.values.push_back(value);
}

void InPlace::visit(Block &block) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    order_.push_back(op.get());
    auto position = positions_[op.get()] = std::ssize(order_);
    for (const Value *operand : op->operands())
      if (operand && operand->layout) {
        BufferUse &use = uses_[operand->layout->buffer];
        use.isInOneBlock &= use.block == &block;
        use.lastPosition = position;
      }
    for (const std::unique_ptr<Value> &result : op->results()) {
      note(result.get(), &block);
      if (result->layout)
        uses_[result->layout->buffer].lastPosition = position;
    }
    if (!isControlFlow(*op))
      continue;
    for (int64_t i = 0; i < op->numRegions(); i++) {
      for (const std::unique_ptr<Value> &argument : op->region(i).args())
        note(argument.get(), nullptr);
      visit(op->region(i));
    }
  }
}

/// Whether the op reads the buffer of an operand element by element alone: by the operands from
/// there on, through the same value.
bool InPlace::isReadOnlyThere(const Op &op, int64_t operand) const {
  const Value *x = op.operand(operand);
  for (int64_t i = 0; i < op.numOperands(); i++) {
    const Value *other = op.operand(i);
    bool isSameBuffer = other && other->layout && other->layout->buffer == x->layout->buffer;
    if (isSameBuffer && (other != x || i < operand))
      return false;
  }
  return true;
}

/// Whether an operand has, for each element of the result, the one at its place, which only the
/// computation of that element reads.
bool InPlace::fits(const Op &op, int64_t operand) const {
  const Value *x = op.operand(operand), *y = op.result();
  if (!x || !x->layout || x->type != y->type)
    return false;
  const Layout &from = *x->layout, &to = *y->layout;
  const Buffer &source = func_.buffers[from.buffer], &own = func_.buffers[to.buffer];
  const BufferUse &use = uses_[from.buffer];
  return from.buffer != to.buffer && from.strides == to.strides && from.offset == to.offset &&
         source.space == Buffer::Space::Arena && source.dtype == own.dtype &&
         source.size == own.size && use.isInOneBlock && use.block == op.block() &&
         use.lastPosition == positions_.at(&op) && isReadOnlyThere(op, operand);
}

bool InPlace::rewrite(Op &op) {
  bool isContraction = op.kind() == OpKind::KernelConv || op.kind() == OpKind::KernelGemm;
  if ((!isContraction && op.kind() != OpKind::KernelPointwise) || inRuns_.count(&op))
    return false;
  int64_t own = op.result()->layout->buffer;
  const BufferUse &use = uses_[own];
  if (func_.buffers[own].space != Buffer::Space::Arena || !use.isInOneBlock ||
      use.values.front() != op.result())
    return false;
  for (int64_t i = isContraction ? 2 : 0; i < op.numOperands(); i++) {
    if (!fits(op, i))
      continue;
    int64_t buffer = op.operand(i)->layout->buffer;
    for (Value *value : use.values)
      value->layout->buffer = buffer;
    BufferUse &whole = uses_[buffer];
    whole.values.insert(whole.values.end(), use.values.begin(), use.values.end());
    whole.lastPosition = use.lastPosition;
    return true;
  }
  return false;
}

} // namespace

Result<bool> writeInPlace(Module &module, PassContext &) { return InPlace(module.main()).run(); }

} // namespace cameo
