// See Nest.h.
#include "lowering/emit/Nest.h"

#include <algorithm>

namespace cameo {
Dim emitNest(KernelFunc &k, const Nest &nest, const NestPlan &plan,
             const std::function<void(const NestRun &)> &body, size_t numInner) {
  LoopBuilder &b = k.b;
  const std::vector<NestAxis> &axes = nest.axes;
  const NestAxis &inner = axes.back();
  auto numUnitAxes = static_cast<size_t>(plan.unitLoops);
  Units units = unitsOf(k.op).grid;
  return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
    UnitRun run{nullptr, k.size(inner.extent)};
    if (plan.unitRun > 0)
      run = unitRun(k, units.axes().back(), cells.back());
    std::vector<Value *> steps(cells.begin(), cells.begin() + plan.unitLoops);
    std::vector<Value *> from = advanceAlong(k, axes, steps, zeroOffsets(k, nest.numTensors));
    if (run.first)
      from = advanceAlong(k, {inner}, {run.first}, std::move(from));
    std::function<void(size_t, std::vector<Value *>)> loops = [&](size_t i,
                                                                  std::vector<Value *> at) {
      if (i + numInner == axes.size())
        return body({at, run.count});
      b.forLoop(b.index(0), k.size(axes[i].extent), 1, [&](Value *index) {
        std::vector<Value *> next = at;
        for (size_t t = 0; t < next.size(); t++)
          next[t] = k.advance(next[t], index, axes[i].strides[t]);
        loops(i + 1, std::move(next));
      });
    };
    loops(numUnitAxes, std::move(from));
  });
}

Dim emitLines(KernelFunc &k, int64_t axis, const std::vector<const Value *> &tensors,
              const std::function<void(const std::vector<Value *> &)> &body) {
  std::vector<NestAxis> axes = lineLoops(axis, tensors);
  return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
    body(advanceAlong(k, axes, cells, zeroOffsets(k, tensors.size())));
  });
}

void emitVectorLoop(KernelFunc &k, Value *count, const LoopPlan &plan,
                    const std::function<void(Value *, int64_t, Value *)> &body) {
  LoopBuilder &b = k.b;
  int64_t lanes = plan.lanes;
  ICE_UNLESS(lanes > 0, "a loop without a plan");
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
  if (plan.tail == Tail::Scalar) {
    b.forLoop(whole, count, 1, [&](Value *i) { body(i, 1, nullptr); });
    return;
  }
  if (constantRest)
    return body(whole, lanes, b.laneMask(rest, lanes));
  b.ifThen(b.cmp("gt", rest, b.index(0)), [&] { body(whole, lanes, b.laneMask(rest, lanes)); });
}

} // namespace cameo
