// See Nest.h.
#include "lowering/emit/Nest.h"

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
  Units units;
  auto enough = [&] { return units.count().isConst() && units.count().value() >= kUnits; };
  size_t numUnitAxes = 0;
  while (numUnitAxes + 1 < axes.size() && !enough())
    units.add(axes[numUnitAxes++].extent);
  const NestAxis &inner = axes.back();
  bool cut = numUnitAxes + 1 == axes.size() &&
             !(inner.extent.isConst() && inner.extent.value() <= kRun) && !enough();
  if (cut)
    units.add(inner.extent, kRun);

  return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
    Value *count = k.size(inner.extent);
    std::vector<Value *> steps = cells;
    if (cut) {
      UnitRun run = unitRun(k, units.axes().back(), cells.back());
      steps.back() = run.first;
      count = run.count;
    }
    std::function<void(size_t, std::vector<Value *>)> loops = [&](size_t i,
                                                                  std::vector<Value *> at) {
      if (i + 1 == axes.size())
        return body({at, count});
      b.forLoop(b.index(0), k.size(axes[i].extent), 1, [&](Value *index) {
        std::vector<Value *> next = at;
        for (size_t t = 0; t < next.size(); t++)
          next[t] = k.advance(next[t], index, axes[i].strides[t]);
        loops(i + 1, std::move(next));
      });
    };
    loops(numUnitAxes, advanceAlong(k, axes, steps, zeroOffsets(k, nest.numTensors)));
  });
}

Dim emitLines(KernelFunc &k, int64_t axis, const std::vector<const Value *> &tensors,
              const std::function<void(const std::vector<Value *> &)> &body) {
  Units units;
  std::vector<NestAxis> axes;
  const Type &lead = tensors[0]->type;
  for (int64_t i = 0; i < lead.rank(); i++) {
    if (i == axis)
      continue;
    units.add(lead.dim(i));
    axes.push_back({lead.dim(i), {}});
    for (const Value *tensor : tensors) {
      bool lacksAxis = tensor->type.rank() < lead.rank();
      axes.back().strides.push_back(tensor->layout->strides[lacksAxis && i > axis ? i - 1 : i]);
    }
  }
  return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
    body(advanceAlong(k, axes, cells, zeroOffsets(k, tensors.size())));
  });
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
