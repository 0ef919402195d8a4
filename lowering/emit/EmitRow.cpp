// Row operators over the last axis, whose elements are contiguous: softmax, log-softmax, layer and
// RMS normalization. A unit is one row: statistics first, then the elements, both from L1. Means
// are taken before squares, in two passes, so that a large mean costs no digits.
#include "lowering/emit/Nest.h"
#include "lowering/emit/RangeNotes.h"
#include "lowering/emit/RowVectors.h"

#include "ir/kernel/Window.h"

#include <algorithm>
#include <cmath>

namespace cameo {
namespace {

struct Row {
  KernelFunc &k;
  LoopBuilder &b;
  const RowAttrs &attrs;
  DType work; // f32 or f64
  int64_t lanes;
  Dim length;
  Value *x, *y, *count; // of this row

  using Values = LoopBuilder::Values;

  Value *splat(Value *scalar) { return b.splat(scalar, lanes); }
  Value *number(double value) { return b.constant(Type::scalar(work), value); }

  Value *element(Value *i, Value *mask) { return b.cast(b.load(x, i, lanes, mask), work); }

  RowVectors vectors() const { return {b, work, lanes, count}; }

  /// Writes region(f) for the whole row.
  void map(const RowVectors::Term &f, const std::vector<Value *> &operandRows) {
    vectors().forEach([&](Value *i, Value *mask) {
      Values args = {f(i, mask)};
      for (int64_t e = 1; e < k.op.numOperands(); e++) {
        Dim stride = broadcastStrides(*k.op.operand(e), k.op.result()->type.shape()).back();
        Value *at = k.advance(operandRows[e - 1], i, stride);
        args.push_back(stride == Dim(0)
                           ? b.load(k.operands[e], at)
                           : b.stridedLoad(k.operands[e], at, k.size(stride), lanes, mask));
      }
      Value *result = inlineRegion(b, k.sizes, k.op.region(), args)[0];
      if (lanes > 1 && !result->type.isVector())
        result = b.splat(result, lanes);
      b.store(result, y, i, mask);
      noteElement(k, result, mask);
    });
  }

  void write(const std::vector<Value *> &operandRows) {
    switch (attrs.form) {
    case RowForm::Softmax:
    case RowForm::LogSoftmax:
    case RowForm::MaskedSoftmax:
      return softmax(operandRows);
    case RowForm::LayerNorm:
      return normalize(true, operandRows);
    case RowForm::RmsNorm:
      return normalize(false, operandRows);
    }
    ICE("a form without loops");
  }

  void softmax(const std::vector<Value *> &operandRows) {
    bool isLog = attrs.form == RowForm::LogSoftmax;
    // Where results are as wide, exponentials wait there for their factor.
    bool keep = !isLog && y->type.dtype() == work;
    auto score = [&](Value *i, Value *mask) { return element(i, mask); };
    RowVectors::Exponentials all =
        vectors().exponentials(attrs.form == RowForm::MaskedSoftmax, score,
                               [&](Value *exponential, Value *i, Value *mask) {
                                 if (keep)
                                   b.store(exponential, y, i, mask);
                               });
    if (isLog) {
      // The largest first: added to it, the logarithm would lose its digits.
      Value *rest = splat(b.unary(OpKind::ScalarLog, all.sum));
      return map(
          [&](Value *i, Value *mask) { return b.sub(b.sub(element(i, mask), all.shift), rest); },
          operandRows);
    }
    Value *factor = splat(all.factor(b));
    map(
        [&](Value *i, Value *mask) {
          Value *exponential = keep
                                   ? b.load(y, i, lanes, mask)
                                   : b.unary(OpKind::ScalarExp, b.sub(element(i, mask), all.shift));
          return b.mul(exponential, factor);
        },
        operandRows);
  }

  void normalize(bool centred, const std::vector<Value *> &operandRows) {
    Value *n = b.cast(b.cast(count, DType::I64), work);
    Value *mean = splat(number(0));
    auto value = [&](Value *i, Value *mask) { return element(i, mask); };
    if (centred)
      mean = splat(b.div(vectors().sum(value), n));
    auto distance = [&](Value *i, Value *mask) { return b.sub(element(i, mask), mean); };
    Value *squares = vectors().sum([&](Value *i, Value *mask) {
      Value *from = distance(i, mask);
      return b.mul(from, from);
    });
    Value *variance = b.add(b.div(squares, n), number(attrs.epsilon));
    Value *scale = splat(b.div(number(1), b.unary(OpKind::ScalarSqrt, variance)));
    map([&](Value *i, Value *mask) { return b.mul(distance(i, mask), scale); }, operandRows);
  }
};

} // namespace

Result<Dim> emitRow(KernelFunc &k) {
  LoopBuilder &b = k.b;
  const Value &x = *k.op.operand(0);
  const Dim &length = x.type.dim(x.type.rank() - 1);
  std::vector<NestAxis> axes = rowLoops(k.op);
  DType work = x.type.dtype() == DType::F64 ? DType::F64 : DType::F32;
  RowAttrs attrs = attrsOf<RowAttrs>(k.op);
  return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
    std::vector<Value *> at = advanceAlong(k, axes, cells, zeroOffsets(k, axes[0].strides.size()));
    Row row{k,
            b,
            attrs,
            work,
            attrs.plan.lanes,
            length,
            b.offset(k.operands[0], at[0]),
            b.offset(k.results[0], at[1]),
            k.size(length)};
    std::vector<Value *> operandRows(at.begin() + 2, at.end());
    row.write(operandRows);
  });
}

} // namespace cameo
