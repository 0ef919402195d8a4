// Folds a batch normalization with constant statistics into the convolution before it.
//
// Turn this: %c = Conv(%x, W, b)  %y = BatchNormalization(%c, s, B, m, v)
// Into this: %y = Conv(%x, W*f, (b-m)*f+B)    with f = s / sqrt(v + epsilon), one a channel
// Only if: everything but %x is constant and nothing else reads %c. Computed in double; changes the
// last bits of the result, which docs/ir.md allows.
#include "ir/Half.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Shapes.h"

#include <cmath>

namespace cameo {
namespace {

/// A constant of the like's type whose element i is value(i).
ConstRef mapped(const ConstData &like, std::vector<int64_t> dims, int64_t count,
                const std::function<double(int64_t)> &value) {
  int64_t size = dtypeBytes(like.dtype);
  std::vector<std::byte> bytes(count * size);
  for (int64_t i = 0; i < count; i++)
    storeDouble(like.dtype, &bytes[i * size], value(i));
  return makeConst(like.dtype, std::move(dims), std::move(bytes), like.name);
}

bool fold(Module &module, Op &norm) {
  Op *conv = norm.operand(0)->definingOp();
  if (!conv || conv->kind() != OpKind::Conv || !conv->result()->hasOneUse() ||
      norm.attrs.getInt("training_mode"))
    return false;
  ConstRef w = constantData(conv->operand(1)), bias = constantData(conv->operand(2));
  ConstRef scale = constantData(norm.operand(1)), shift = constantData(norm.operand(2));
  ConstRef mean = constantData(norm.operand(3)), variance = constantData(norm.operand(4));
  if (!w || (conv->operand(2) && !bias) || !scale || !shift || !mean || !variance)
    return false;
  int64_t channels = w->dims[0], each = w->numElements() / std::max<int64_t>(channels, 1);
  double epsilon = norm.attrs.getFloat("epsilon");
  auto factor = [&](int64_t c) {
    return constFloat(*scale, c) / std::sqrt(constFloat(*variance, c) + epsilon);
  };
  Builder b(module);
  b.before(conv);
  conv->setOperand(1, b.constant(mapped(*w, w->dims, w->numElements(), [&](int64_t i) {
    return constFloat(*w, i) * factor(i / each);
  })));
  Value *folded = b.constant(mapped(*w, {channels}, channels, [&](int64_t c) {
    double before = bias ? constFloat(*bias, c) : 0;
    return (before - constFloat(*mean, c)) * factor(c) + constFloat(*shift, c);
  }));
  if (conv->numOperands() < 3)
    conv->addOperand(folded);
  else
    conv->setOperand(2, folded);
  conv->loc.append(norm.loc);
  conv->result()->name = norm.result()->name;
  norm.result()->replaceAllUsesWith(conv->result());
  norm.erase();
  return true;
}

} // namespace

Result<bool> foldBatchNorm(Module &module, PassContext &) {
  bool changed = false;
  std::vector<Op *> norms;
  for (Op *op : opsOf(module.main()))
    if (op->kind() == OpKind::BatchNormalization)
      norms.push_back(op);
  for (Op *norm : norms)
    changed |= fold(module, *norm);
  return changed;
}

} // namespace cameo
