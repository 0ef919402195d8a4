// See Nest.h.
#include "lowering/kernels/Nest.h"

#include "lowering/layout/Views.h"

#include <algorithm>

namespace cameo {
namespace {

// A unit should outweigh what starting one costs, and there should be enough to share out evenly.
constexpr int64_t kUnits = 64;
constexpr int64_t kRun = 4096; // elements of a run that is cut from a longer loop

/// Whether loop a belongs outside loop b: a's stride in the lead tensor is the larger.
bool outside(const NestAxis &a, const NestAxis &b) {
  const Dim &x = a.strides[0], &y = b.strides[0];
  if (x.isConst() && y.isConst())
    return x.value() > y.value();
  return !(x == y) && Dim::exactDiv(x, y).has_value();
}

void sortByLead(std::vector<NestAxis> &axes) {
  for (size_t i = 1; i < axes.size(); i++)
    for (size_t j = i; j > 0 && outside(axes[j], axes[j - 1]); j--)
      std::swap(axes[j], axes[j - 1]);
}

} // namespace

void mergeContiguous(std::vector<NestAxis> &axes) {
  std::vector<NestAxis> merged;
  size_t numTensors = axes.empty() ? 0 : axes[0].strides.size();
  for (NestAxis &axis : axes) {
    if (axis.extent == Dim(1))
      continue;
    bool contiguous = !merged.empty();
    for (size_t t = 0; contiguous && t < numTensors; t++)
      contiguous = merged.back().strides[t] == axis.strides[t] * axis.extent;
    if (!contiguous) {
      merged.push_back(std::move(axis));
      continue;
    }
    merged.back().extent = merged.back().extent * axis.extent;
    merged.back().strides = std::move(axis.strides);
  }
  if (merged.empty())
    merged.push_back({Dim(1), std::vector<Dim>(numTensors, Dim(1))});
  axes = std::move(merged);
}

std::vector<Dim> broadcastStrides(const Value &x, const Dims &shape) {
  std::vector<Dim> strides(shape.size(), Dim(0));
  size_t skip = shape.size() - x.type.shape().size();
  for (size_t i = skip; i < shape.size(); i++)
    strides[i] = broadcastStride(x, static_cast<int64_t>(i - skip), shape[i]);
  return strides;
}

Nest Nest::over(const Value &lead, const std::vector<Value *> &others) {
  Nest nest;
  nest.numTensors = others.size() + 1;
  const Dims &shape = lead.type.shape();
  std::vector<std::vector<Dim>> strides = {lead.layout->strides};
  for (Value *other : others)
    strides.push_back(broadcastStrides(*other, shape));
  for (size_t i = 0; i < shape.size(); i++) {
    NestAxis axis{shape[i], {}};
    for (const std::vector<Dim> &tensor : strides)
      axis.strides.push_back(tensor[i]);
    nest.axes.push_back(std::move(axis));
  }
  // Loops of one step have any stride; they must not disturb the order.
  std::erase_if(nest.axes, [](const NestAxis &axis) { return axis.extent == Dim(1); });
  sortByLead(nest.axes);
  mergeContiguous(nest.axes);
  // A single element: every tensor is read and written at stride 1.
  if (nest.axes[0].strides.empty())
    nest.axes[0].strides = std::vector<Dim>(nest.numTensors, Dim(1));
  return nest;
}

Dim emitNest(KernelFunc &k, const Nest &nest, const std::function<void(const NestRun &)> &body) {
  LoopBuilder &b = k.b;
  const std::vector<NestAxis> &axes = nest.axes;
  // Outer loops become units until there are enough; a lone loop is cut into runs.
  size_t numUnitAxes = 0;
  Dim units(1);
  while (numUnitAxes + 1 < axes.size() && !(units.isConst() && units.value() >= kUnits))
    units = units * axes[numUnitAxes++].extent;
  const NestAxis &inner = axes.back();
  bool cut = numUnitAxes + 1 == axes.size() &&
             !(inner.extent.isConst() && inner.extent.value() <= kRun) &&
             !(units.isConst() && units.value() >= kUnits);
  Dim runs = cut ? Dim::ceilDiv(inner.extent, Dim(kRun)) : Dim(1);

  b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
    Value *left = unit, *first = nullptr, *count = k.size(inner.extent);
    std::vector<Value *> offsets(nest.numTensors, b.index(0));
    auto step = [&](std::vector<Value *> from, const NestAxis &axis, Value *index) {
      for (size_t t = 0; t < from.size(); t++)
        from[t] = k.advance(from[t], index, axis.strides[t]);
      return from;
    };
    if (cut) {
      first = b.mul(b.rem(left, k.size(runs)), b.index(kRun));
      left = b.div(left, k.size(runs));
      count = b.min(b.sub(count, first), b.index(kRun));
      offsets = step(offsets, inner, first);
    }
    for (size_t i = numUnitAxes; i-- > 0;) {
      Value *index = i == 0 ? left : b.rem(left, k.size(axes[i].extent));
      left = i == 0 ? left : b.div(left, k.size(axes[i].extent));
      offsets = step(offsets, axes[i], index);
    }
    std::function<void(size_t, std::vector<Value *>)> loops = [&](size_t i,
                                                                  std::vector<Value *> at) {
      if (i + 1 == axes.size())
        return body({at, count});
      b.forLoop(b.index(0), k.size(axes[i].extent), 1,
                [&](Value *index) { loops(i + 1, step(at, axes[i], index)); });
    };
    loops(numUnitAxes, offsets);
  });
  return units * runs;
}

void emitVectorLoop(KernelFunc &k, Value *count, int64_t lanes, int64_t elementBytes,
                    const std::function<void(Value *, int64_t, Value *)> &body) {
  LoopBuilder &b = k.b;
  if (lanes == 1) {
    b.forLoop(b.index(0), count, 1, [&](Value *i) { body(i, 1, nullptr); });
    return;
  }
  Value *rest = b.rem(count, b.index(lanes)), *whole = b.sub(count, rest);
  std::optional<int64_t> constantRest = b.constantIndex(rest);
  if (b.constantIndex(whole) != 0)
    b.forLoop(b.index(0), whole, lanes, [&](Value *i) { body(i, lanes, nullptr); });
  if (constantRest == 0)
    return;
  int64_t maskable = k.target.maskedElementBytes;
  if (maskable == 0 || elementBytes < maskable) {
    b.forLoop(whole, count, 1, [&](Value *i) { body(i, 1, nullptr); });
    return;
  }
  if (constantRest)
    return body(whole, lanes, b.laneMask(rest, lanes));
  b.ifThen(b.cmp("gt", rest, b.index(0)), [&] { body(whole, lanes, b.laneMask(rest, lanes)); });
}

} // namespace cameo
