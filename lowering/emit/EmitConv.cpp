// Convolutions. Direct: a contraction over taps and channels straight from the rows of the input,
// whose halo holds the padding. Depthwise: vectors of channels, a few pixels at a time.
#include "ir/kernel/Contraction.h"
#include "lowering/emit/EmitContraction.h"

#include <algorithm>

namespace cameo {
namespace {

/// Depthwise: one output row a unit, vectors of channels, tiles of pixels along the row.
struct Depthwise {
  KernelFunc &k;
  const ConvAttrs &attrs;
  LoopBuilder &b;
  DType accumulator;
  std::vector<NestAxis> axes; // the last one is the row
  std::vector<bool> channelOperands;

  using Values = LoopBuilder::Values;

  /// `count` pixels from pixel `first` on, one vector of channels at `c`.
  void pixels(int64_t count, Value *first, const std::vector<Value *> &at, Value *c, int64_t lanes,
              Value *mask) {
    const Value &x = *k.op.operand(0);
    const NestAxis &row = axes.back();
    Value *input = b.add(k.advance(at[0], first, row.strides[0]), c);
    Type type = lanes > 1 ? Type::vector(accumulator, lanes) : Type::scalar(accumulator);
    Values sums(count, b.constant(type, 0));
    std::function<Values(size_t, Value *, Value *, const Values &)> taps =
        [&](size_t dim, Value *shift, Value *tap, const Values &carried) -> Values {
      if (dim < attrs.kernel.size()) {
        Dim stride = Dim(attrs.dilations[dim]) * x.layout->strides[dim + 2];
        return b.forLoop(b.index(0), b.index(attrs.kernel[dim]), 1, carried,
                         [&](Value *t, const Values &now) {
                           Value *next = b.add(b.mul(tap, b.index(attrs.kernel[dim])), t);
                           return taps(dim + 1, k.advance(shift, t, stride), next, now);
                         });
      }
      Value *weight =
          b.load(k.operands[1], b.add(b.mul(tap, k.size(x.type.dim(1))), c), lanes, mask);
      weight = b.cast(weight, accumulator);
      Values next;
      for (int64_t p = 0; p < count; p++) {
        Value *from = k.advance(shift, b.index(p), row.strides[0]);
        Value *element = b.cast(b.load(k.operands[0], from, lanes, mask), accumulator);
        next.push_back(b.mad(element, weight, carried[p]));
      }
      return next;
    };
    sums = taps(0, input, b.index(0), sums);
    for (int64_t p = 0; p < count; p++)
      finish(sums[p], b.add(first, b.index(p)), at, c, lanes, mask);
  }

  void finish(Value *sum, Value *pixel, const std::vector<Value *> &at, Value *c, int64_t lanes,
              Value *mask) {
    const NestAxis &row = axes.back();
    Values args = {sum};
    for (size_t e = 0; e < channelOperands.size(); e++) {
      Value *from = k.advance(at[3 + e], pixel, row.strides[3 + e]);
      args.push_back(channelOperands[e] ? b.load(k.operands[2 + e], b.add(from, c), lanes, mask)
                                        : b.load(k.operands[2 + e], from));
    }
    Value *result = inlineRegion(b, k.sizes, k.op.region(), args)[0];
    if (lanes > 1 && !result->type.isVector())
      result = b.splat(result, lanes);
    b.store(result, k.results[0], b.add(k.advance(at[2], pixel, row.strides[2]), c), mask);
  }

  void row(const std::vector<Value *> &at) {
    const Dim &extent = axes.back().extent;
    emitVectorLoop(k, k.size(k.op.operand(0)->type.dim(1)), attrs.plan,
                   [&](Value *c, int64_t lanes, Value *mask) {
                     int64_t width = attrs.plan.tileRows;
                     Value *whole = k.size(Dim::floorDiv(extent, Dim(width)) * Dim(width));
                     b.forLoop(b.index(0), whole, width,
                               [&](Value *first) { pixels(width, first, at, c, lanes, mask); });
                     b.forLoop(whole, k.size(extent), 1,
                               [&](Value *first) { pixels(1, first, at, c, lanes, mask); });
                   });
  }

  Result<Dim> emit() {
    axes = outputAxes(k.op);
    for (int64_t e = 2; e < k.op.numOperands(); e++)
      channelOperands.push_back(
          !(broadcastStrides(*k.op.operand(e), k.op.result()->type.shape())[1] == Dim(0)));
    k.operands[0] = b.offset(k.operands[0], k.size(firstTap(k.op)));
    return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
      row(advanceAlong(k, axes, cells, zeroOffsets(k, axes[0].strides.size())));
    });
  }
};

} // namespace

Result<Dim> emitConv(KernelFunc &k) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(k.op);
  switch (attrs.algorithm) {
  case ConvAlgorithm::Direct:
    k.operands[0] = k.b.offset(k.operands[0], k.size(firstTap(k.op)));
    return emitContraction(k, contractionOf(k.op));
  case ConvAlgorithm::Depthwise:
    return Depthwise{k, attrs, k.b, k.op.region().arg(0)->type.dtype(), {}, {}}.emit();
  case ConvAlgorithm::Winograd4:
  case ConvAlgorithm::Winograd2:
    return emitWinograd(k);
  }
  ICE("an algorithm without loops");
}

Result<Dim> emitGemm(KernelFunc &k) { return emitContraction(k, contractionOf(k.op)); }

} // namespace cameo
