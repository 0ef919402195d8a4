// Folds a batch normalization with constant statistics into the convolution before it.
//
// Turn this: %c = Conv(%x, W, b)  %y = BatchNormalization(%c, s, B, m, v)
// Into this: %y = Conv(%x, W*f, (b-m)*f+B)    with f = s / sqrt(v + epsilon), one a channel
// Only if: everything but %x is constant and nothing else reads %c. Computed in double; changes the
// last bits of the result, which docs/ir.md allows.
#include "ir/Builder.h"
#include "ir/Half.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Match.h"
#include "lowering/build/Shapes.h"

#include <cmath>

namespace cameo {
namespace {

using namespace match;

/// A constant of the like's type whose element i is value(i).
ConstRef mapped(const ConstData &like, std::vector<int64_t> dims, int64_t count,
                const std::function<double(int64_t)> &value) {
  int64_t size = dtypeBytes(like.dtype);
  std::vector<std::byte> bytes(count * size);
  for (int64_t i = 0; i < count; i++)
    storeDouble(like.dtype, &bytes[i * size], value(i));
  return makeConst(like.dtype, std::move(dims), std::move(bytes), like.name);
}

const Capture kWeights, kBias, kScale, kShift, kMean, kVariance;

const Pattern &normalizedConv() {
  static const Pattern conv =
      op(OpKind::Conv, {any(), constant().as(kWeights), maybe(constant().as(kBias))});
  static const Pattern norm =
      op(OpKind::BatchNormalization, {conv, constant().as(kScale), constant().as(kShift),
                                      constant().as(kMean), constant().as(kVariance)})
          .where([](Value &value) { return !value.definingOp()->attrs.getInt("training_mode"); });
  return norm;
}

bool fold(Module &module, Op &norm) {
  std::optional<Match> m = normalizedConv().match(norm.result());
  if (!m)
    return false;
  Op *conv = norm.operand(0)->definingOp();
  auto data = [&](const Capture &capture) { return constantData(m->at(capture)); };
  ConstRef w = data(kWeights), bias = data(kBias), scale = data(kScale), shift = data(kShift);
  ConstRef mean = data(kMean), variance = data(kVariance);
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
