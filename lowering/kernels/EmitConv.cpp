// Convolutions. Direct: a contraction over taps and channels straight from the rows of the input,
// whose halo holds the padding. Depthwise: vectors of channels, a few pixels at a time.
#include "ir/kernel/Contraction.h"
#include "lowering/kernels/Contraction.h"
#include "lowering/layout/Views.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

/// From the first output's centre to its first tap, in elements of x; never positive.
Dim firstTap(const ConvAttrs &attrs, const Value &x) {
  Dim offset(0);
  for (size_t i = 0; i < attrs.kernel.size(); i++)
    offset = offset - attrs.padsBegin[i] * x.layout->strides[i + 2];
  return offset;
}

/// Row axes for the batch and spatial dims: strides of input, weights, result and epilogue
/// operands.
std::vector<NestAxis> outputAxes(KernelFunc &k, const ConvAttrs &attrs) {
  const Value &x = *k.op.operand(0), &y = *k.op.result();
  std::vector<NestAxis> axes;
  for (int64_t dim = 0; dim < y.type.rank(); dim++) {
    if (dim == 1)
      continue;
    Dim step = dim == 0 ? Dim(1) : Dim(attrs.strides[dim - 2]);
    NestAxis axis{y.type.dim(dim), {x.layout->strides[dim] * step, Dim(0), y.layout->strides[dim]}};
    for (int64_t e = 2; e < k.op.numOperands(); e++)
      axis.strides.push_back(broadcastStrides(*k.op.operand(e), y.type.shape())[dim]);
    axes.push_back(std::move(axis));
  }
  return axes;
}

/// The loops over the window. Taps that follow each other in memory are only a longer depth: each
/// is whole steps, or one step that overlaps the next tap, whose elements meet weights of zero.
void addTaps(Contraction &c, const ConvAttrs &attrs, const Value &x, const Dim &channels) {
  for (size_t i = 0; i < attrs.kernel.size(); i++) {
    Dim stride = Dim(attrs.dilations[i]) * x.layout->strides[i + 2];
    bool adjacent = i + 1 == attrs.kernel.size() && stride == channels && channels.isConst();
    bool wholeSteps = adjacent && channels.value() % c.group == 0;
    if (wholeSteps || (adjacent && channels.value() < c.group)) {
      c.depth = c.depth * Dim(attrs.kernel[i]);
      if (!wholeSteps)
        c.advance = channels.value();
    } else if (attrs.kernel[i] > 1) {
      c.taps.push_back({attrs.kernel[i], stride});
    }
  }
}

Result<Dim> emitDirect(KernelFunc &k, const ConvAttrs &attrs) {
  const Value &x = *k.op.operand(0), &y = *k.op.result(), &w = *k.op.operand(1);
  const Dims &packed = w.type.shape(); // group, panels, taps * channels, 16
  Dim outputs = Dim(*Dim::exactDiv(y.type.dim(1), Dim(attrs.group)));
  Dim channels = *Dim::exactDiv(x.type.dim(1), Dim(attrs.group));
  Contraction c;
  c.columns = outputs;
  c.group = c.advance = attrs.interleave;
  c.depth = Dim::ceilDiv(channels, Dim(c.group));
  NestAxis groups{Dim(attrs.group),
                  {channels * x.layout->strides[1], packed[1] * packed[2] * packed[3],
                   outputs * y.layout->strides[1]}};
  for (int64_t e = 2; e < k.op.numOperands(); e++) {
    Dim along = broadcastStrides(*k.op.operand(e), y.type.shape())[1];
    groups.strides.push_back(outputs * along);
    c.columnOperands.push_back(!(along == Dim(0)));
  }
  c.rows = {groups};
  for (NestAxis &axis : outputAxes(k, attrs))
    c.rows.push_back(std::move(axis));
  mergeContiguous(c.rows);
  addTaps(c, attrs, x, channels);
  k.operands[0] = k.b.offset(k.operands[0], k.size(firstTap(attrs, x)));
  return emitContraction(k, c);
}

/// Depthwise: one output row a unit, vectors of channels, tiles of pixels along the row.
struct Depthwise {
  KernelFunc &k;
  const ConvAttrs &attrs;
  LoopBuilder &b;
  DType accumulator;
  std::vector<NestAxis> axes; // the last one is the row
  std::vector<bool> channelOperands;

  static constexpr int64_t kPixels = 6;

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
    int64_t bytes = std::min(dtypeBytes(k.op.operand(0)->type.dtype()),
                             dtypeBytes(k.op.result()->type.dtype()));
    emitVectorLoop(k, k.size(k.op.operand(0)->type.dim(1)), k.lanes(accumulator), bytes,
                   [&](Value *c, int64_t lanes, Value *mask) {
                     Value *whole = k.size(Dim::floorDiv(extent, Dim(kPixels)) * Dim(kPixels));
                     b.forLoop(b.index(0), whole, kPixels,
                               [&](Value *first) { pixels(kPixels, first, at, c, lanes, mask); });
                     b.forLoop(whole, k.size(extent), 1,
                               [&](Value *first) { pixels(1, first, at, c, lanes, mask); });
                   });
  }

  Result<Dim> emit() {
    axes = outputAxes(k, attrs);
    for (int64_t e = 2; e < k.op.numOperands(); e++)
      channelOperands.push_back(
          !(broadcastStrides(*k.op.operand(e), k.op.result()->type.shape())[1] == Dim(0)));
    k.operands[0] = b.offset(k.operands[0], k.size(firstTap(attrs, *k.op.operand(0))));
    Units units;
    for (size_t i = 0; i + 1 < axes.size(); i++)
      units.add(axes[i].extent);
    return units.forEach(k, [&](const std::vector<Value *> &cells) {
      row(advanceAlong(k, axes, cells, zeroOffsets(k, axes[0].strides.size())));
    });
  }
};

} // namespace

Result<Dim> emitConv(KernelFunc &k) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(k.op);
  switch (attrs.algorithm) {
  case ConvAlgorithm::Direct:
    return emitDirect(k, attrs);
  case ConvAlgorithm::Depthwise:
    return Depthwise{k, attrs, k.b, k.op.region().arg(0)->type.dtype(), {}, {}}.emit();
  case ConvAlgorithm::Winograd4:
  case ConvAlgorithm::Winograd2:
    return emitWinograd(k);
  }
  ICE("an algorithm without loops");
}

Result<Dim> emitGemm(KernelFunc &k) {
  const Value &a = *k.op.operand(0), &packed = *k.op.operand(1), &y = *k.op.result();
  const Dims &shape = y.type.shape();
  int64_t rank = y.type.rank();
  // Batches broadcast as MatMul's do; a's are those before its last two dims, the weights' those
  // before panels, depth and 16.
  Contraction c;
  c.columns = y.type.dim(rank - 1);
  c.group = c.advance = attrsOf<GemmAttrs>(k.op).interleave;
  c.depth = Dim::ceilDiv(a.type.dim(a.type.rank() - 1), Dim(c.group));
  std::vector<std::vector<Dim>> operands;
  for (int64_t e = 2; e < k.op.numOperands(); e++) {
    operands.push_back(broadcastStrides(*k.op.operand(e), shape));
    c.columnOperands.push_back(!(operands.back().back() == Dim(0)));
  }
  int64_t weightBatches = packed.type.rank() - 3;
  for (int64_t dim = 0; dim < rank - 1; dim++) {
    int64_t inA = dim - (rank - a.type.rank()), inWeights = dim - (rank - 2 - weightBatches);
    NestAxis axis{
        shape[dim],
        {inA < 0 ? Dim(0) : broadcastStride(a, inA, shape[dim]),
         inWeights < 0 || dim == rank - 2 ? Dim(0) : broadcastStride(packed, inWeights, shape[dim]),
         y.layout->strides[dim]}};
    for (const std::vector<Dim> &operand : operands)
      axis.strides.push_back(operand[dim]);
    c.rows.push_back(std::move(axis));
  }
  mergeContiguous(c.rows);
  return emitContraction(k, c);
}

} // namespace cameo
