// Moves elementwise ops into the kernel that makes their operand, so that they cost no pass over
// memory: bias, activation, residual and scale become part of a convolution's or product's
// epilogue, and chains of pointwise ops one op. Runs after kernel selection, before layouts.
//
// Turn this: %c = conv %x, %w {(%acc) yield %acc}     Into this: %c = conv %x, %w, %r
//            %y = pointwise %c, %r {(%a, %b)                       {(%acc, %b) %s = add %acc, %b
//                 %s = add %a, %b  yield %s}                        yield %s}
// Only if: %c has no other use, %y has its shape, and the joined kernel is not very large. Each op
// looks for a producer to join, from the first to the last, so that chains collapse. A reshape in
// between goes behind the op (SinkReshape.h).
#include "ir/kernel/KernelSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Regions.h"
#include "lowering/fusion/SinkReshape.h"

#include <algorithm>
#include <unordered_map>

namespace cameo {
namespace {

// Code of more ops and operands than these in one kernel gains nothing: values no longer fit the
// registers. And joining would take quadratic time.
constexpr size_t kMostOps = 256;
constexpr int64_t kMostOperands = 32;

// The weight that an op behind a `generate` may have, less than a division or transcendental has:
// its loops are often scalar, where a kernel of its own has vectors.
constexpr int64_t kMostBehindGenerate = 7;

/// A `generate` takes what needs no operands but its own element.
bool canFollowGenerate(Op &op, Op &producer) {
  return weightOf(op.region()) <= kMostBehindGenerate &&
         std::all_of(op.operands().begin(), op.operands().end(),
                     [&](Value *operand) { return operand == producer.result(); });
}

/// The kernel whose epilogue `op` can join through its operand i.
Op *producerFor(Op &op, int64_t i) {
  Value *operand = op.operand(i);
  Op *producer = operand->definingOp();
  if (!producer || producer->block() != op.block() || !epilogueOf(*producer) ||
      !(operand->type.shape() == op.result()->type.shape()))
    return nullptr;
  if (epilogueOf(*producer)->ops().size() + op.region().ops().size() > kMostOps ||
      producer->numOperands() + op.numOperands() > kMostOperands)
    return nullptr;
  if (producer->kind() == OpKind::KernelGenerate && !canFollowGenerate(op, *producer))
    return nullptr;
  bool onlyUser = std::all_of(operand->users().begin(), operand->users().end(),
                              [&](Op *user) { return user == &op; });
  return onlyUser ? producer : nullptr;
}

/// The latest kernel that `op` can join: the others' results are there by then.
Op *latestProducer(Op &op, const std::unordered_map<Op *, int64_t> &positions) {
  Op *latest = nullptr;
  for (int64_t i = 0; i < op.numOperands(); i++)
    if (Op *producer = producerFor(op, i))
      if (!latest || positions.at(latest) < positions.at(producer))
        latest = producer;
  return latest;
}

/// Appends `op`'s body to `producer`'s epilogue and gives producer's place to the joined op, which
/// moves to where `op` was, after everything it reads.
void join(Module &module, Op &op, Op &producer) {
  Block &epilogue = *epilogueOf(producer);
  Op *yield = epilogue.terminator();
  Value *element = yield->operand(0), *joined = producer.result();
  LoopBuilder b(module);
  b.before(yield);
  std::unordered_map<Value *, Value *> map;
  std::vector<Value *> operands = producer.operands();
  for (int64_t i = 0; i < op.numOperands(); i++) {
    Value *argument = op.region().arg(i);
    if (op.operand(i) == joined) {
      map[argument] = element;
      continue;
    }
    operands.push_back(op.operand(i));
    map[argument] = epilogue.addArg(argument->type);
  }
  yield->setOperands(cloneBody(b, op.region(), map));
  producer.setOperands(operands);
  producer.loc.append(op.loc);
  producer.moveBefore(&op);
  joined->type = op.result()->type;
  joined->name = op.result()->name;
  op.setOperands({});
  op.result()->replaceAllUsesWith(joined);
  op.erase();
}

} // namespace

Result<bool> fuseEpilogues(Module &module, PassContext &) {
  bool changed = false;
  std::vector<Op *> work;
  std::unordered_map<Op *, int64_t> positions;
  for (Op *op : opsOf(module.main())) {
    positions[op] = static_cast<int64_t>(positions.size());
    if (op->kind() == OpKind::KernelPointwise)
      work.push_back(op);
  }
  for (Op *op : work) {
    // A chain that joined a pointwise op may join what that one reads.
    while (op && op->kind() == OpKind::KernelPointwise && op->numResults() == 1) {
      Op *producer = latestProducer(*op, positions);
      if (!producer && sinkReshape(module, *op)) {
        producer = latestProducer(*op, positions);
        changed = true;
      }
      if (producer) {
        positions[producer] = positions.at(op);
        join(module, *op, *producer);
        changed = true;
      }
      op = producer;
    }
  }
  return changed;
}

} // namespace cameo
