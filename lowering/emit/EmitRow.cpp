// Row operators over the last axis, whose elements are contiguous: softmax, log-softmax, layer and
// RMS normalization. A unit is one row: statistics first, then the elements, both from L1. Means
// are taken before squares, in two passes, so that a large mean costs no digits.
#include "lowering/emit/Nest.h"

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

  Type vector() const { return lanes > 1 ? Type::vector(work, lanes) : Type::scalar(work); }
  Value *splat(Value *scalar) { return b.splat(scalar, lanes); }
  Value *number(double value) { return b.constant(Type::scalar(work), value); }

  Value *element(Value *i, Value *mask) { return b.cast(b.load(x, i, lanes, mask), work); }

  /// Combines `term` over the row; masked lanes count as `neutral`.
  Value *reduce(const std::string &op, OpKind kind, double neutral,
                const std::function<Value *(Value *, Value *, Value *)> &term) {
    Value *rest = b.rem(count, b.index(lanes)), *whole = b.sub(count, rest);
    Value *start = b.constant(vector(), neutral);
    Value *sum =
        b.forLoop(b.index(0), whole, lanes, {start}, [&](Value *i, const Values &now) -> Values {
          return {b.binary(kind, now[0], term(element(i, nullptr), i, nullptr))};
        })[0];
    if (lanes > 1 && b.constantIndex(rest) != 0) {
      Value *mask = b.laneMask(rest, lanes);
      Value *tail = term(element(whole, mask), whole, mask);
      sum = b.binary(kind, sum, b.select(mask, tail, start));
    }
    return b.reduceLanes(sum, op);
  }

  Value *sumOf(const std::function<Value *(Value *, Value *, Value *)> &term) {
    return reduce("add", OpKind::ScalarAdd, 0, term);
  }

  /// Writes region(f(element)) for the whole row.
  void map(const std::function<Value *(Value *, Value *, Value *)> &f,
           const std::vector<Value *> &operandRows) {
    Value *rest = b.rem(count, b.index(lanes)), *whole = b.sub(count, rest);
    auto body = [&](Value *i, Value *mask) {
      Values args = {f(element(i, mask), i, mask)};
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
    };
    b.forLoop(b.index(0), whole, lanes, [&](Value *i) { body(i, nullptr); });
    if (lanes > 1 && b.constantIndex(rest) != 0)
      body(whole, b.laneMask(rest, lanes));
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

  /// Masked, a row of -inf alone gives zeros instead of NaN.
  void softmax(const std::vector<Value *> &operandRows) {
    bool masked = attrs.form == RowForm::MaskedSoftmax;
    Value *largest =
        reduce("max", OpKind::ScalarMax, -INFINITY, [](Value *v, Value *, Value *) { return v; });
    Value *nothing = masked ? b.cmp("eq", largest, number(-INFINITY)) : nullptr;
    largest = splat(nothing ? b.select(nothing, number(0), largest) : largest);
    auto exponential = [&](Value *v, Value *, Value *) {
      return b.unary(OpKind::ScalarExp, b.sub(v, largest));
    };
    Value *sum = sumOf(exponential);
    if (attrs.form == RowForm::LogSoftmax) {
      // The largest first: added to it, the logarithm would lose its digits.
      Value *rest = splat(b.unary(OpKind::ScalarLog, sum));
      return map([&](Value *v, Value *, Value *) { return b.sub(b.sub(v, largest), rest); },
                 operandRows);
    }
    Value *scale = b.div(number(1), sum);
    scale = splat(nothing ? b.select(nothing, number(0), scale) : scale);
    map([&](Value *v, Value *i, Value *mask) { return b.mul(exponential(v, i, mask), scale); },
        operandRows);
  }

  void normalize(bool centred, const std::vector<Value *> &operandRows) {
    Value *n = b.cast(b.cast(count, DType::I64), work);
    Value *mean = splat(number(0));
    if (centred)
      mean = splat(b.div(sumOf([](Value *v, Value *, Value *) { return v; }), n));
    Value *squares = sumOf([&](Value *v, Value *, Value *) {
      Value *from = b.sub(v, mean);
      return b.mul(from, from);
    });
    Value *variance = b.add(b.div(squares, n), number(attrs.epsilon));
    Value *scale = splat(b.div(number(1), b.unary(OpKind::ScalarSqrt, variance)));
    map([&](Value *v, Value *, Value *) { return b.mul(b.sub(v, mean), scale); }, operandRows);
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
