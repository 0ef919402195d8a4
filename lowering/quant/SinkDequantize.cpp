// Moves DequantizeLinear past ops that only move or choose elements, so that those work on bytes
// and meet the QuantizeLinear or the contraction behind them, and drops pairs that cancel out.
//
// Turn this: MaxPool(DequantizeLinear(%x, s, z))      Into this: DequantizeLinear(MaxPool(%x), s,
// z) Turn this: QuantizeLinear(DequantizeLinear(%x, s, z), s, z)                     Into this: %x
// Only if: s is one positive constant, so that the order of elements stays.
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/quant/Quantized.h"

#include <algorithm>

namespace cameo {
namespace {

/// How many of the op's first operands are data that it moves; 0 for other ops.
int64_t movedOperands(Op &op) {
  switch (op.kind()) {
  case OpKind::MaxPool:
    return op.numResults() > 1 && !op.result(1)->users().empty() ? 0 : 1;
  case OpKind::Reshape:
  case OpKind::Flatten:
  case OpKind::Squeeze:
  case OpKind::Unsqueeze:
  case OpKind::Transpose:
  case OpKind::Slice:
  case OpKind::Expand:
  case OpKind::Tile:
  case OpKind::Gather:
  case OpKind::DepthToSpace:
  case OpKind::SpaceToDepth:
    return 1;
  case OpKind::Concat:
    return op.numOperands();
  default:
    return 0;
  }
}

bool sameScale(const Quantized &a, const Quantized &b) {
  return sameNumbers(a.scale, b.scale) && sameNumbers(a.zero, b.zero) &&
         a.integers->type.dtype() == b.integers->type.dtype();
}

/// The quantization that all moved operands share.
std::optional<Quantized> sharedQuantization(Op &op) {
  int64_t count = movedOperands(op);
  std::optional<Quantized> first = count ? dequantized(op.operand(0)) : std::nullopt;
  std::optional<double> scale = first ? uniformValue(first->scale) : std::nullopt;
  if (!scale || *scale <= 0 || !first->perTensor())
    return std::nullopt;
  for (int64_t i = 1; i < count; i++) {
    std::optional<Quantized> other = dequantized(op.operand(i));
    if (!other || !sameScale(*first, *other))
      return std::nullopt;
  }
  return first;
}

bool sink(Module &module, Op &op) {
  std::optional<Quantized> q = sharedQuantization(op);
  if (!q)
    return false;
  Builder b(module);
  b.before(&op);
  b.loc = op.loc;
  std::vector<Value *> operands = op.operands();
  for (int64_t i = 0; i < movedOperands(op); i++)
    operands[i] = dequantized(op.operand(i))->integers;
  // Not every op that takes floats takes the integers, too.
  Result<Op *> moved = b.graph(op.kind(), std::move(operands), op.attrs, 1);
  if (!moved)
    return false;
  Result<Op *> dequantize =
      b.graph(OpKind::DequantizeLinear, {(*moved)->result(), q->scale, q->zero});
  if (!dequantize)
    return false;
  Value *result = (*dequantize)->result();
  result->name = op.result()->name;
  op.result()->replaceAllUsesWith(result);
  op.erase();
  return true;
}

/// Replaces a QuantizeLinear of what it would give again.
bool cancel(Op &op) {
  if (op.kind() != OpKind::QuantizeLinear)
    return false;
  std::optional<Quantized> q = dequantized(op.operand(0));
  if (!q || !q->perTensor() || !(q->integers->type.dtype() == op.result()->type.dtype()) ||
      !sameNumbers(q->scale, op.operand(1)) || !sameNumbers(q->zero, op.operand(2)) ||
      q->integers->type.dtype() == DType::I32)
    return false;
  std::optional<double> scale = uniformValue(q->scale);
  if (!scale || *scale <= 0)
    return false;
  op.result()->replaceAllUsesWith(q->integers);
  op.erase();
  return true;
}

} // namespace

Result<bool> sinkDequantize(Module &module, PassContext &) {
  std::vector<Op *> work;
  for (Op *op : opsOf(module.main()))
    if (movedOperands(*op) || op->kind() == OpKind::QuantizeLinear)
      work.push_back(op);
  bool changed = false;
  for (Op *op : work)
    changed = cancel(*op) || sink(module, *op) || changed;
  return changed;
}

} // namespace cameo
