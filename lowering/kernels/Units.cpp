// See Units.h.
#include "lowering/kernels/Units.h"

#include <algorithm>

namespace cameo {

size_t Units::add(Dim extent, int64_t run) {
  axes_.push_back({std::move(extent), run});
  return axes_.size() - 1;
}

Dim Units::count() const {
  Dim count(1);
  for (const UnitAxis &axis : axes_)
    count = count * axis.cells();
  return count;
}

std::vector<Value *> Units::cells(KernelFunc &k, Value *unit) const {
  std::vector<Value *> cells(axes_.size());
  for (size_t i = axes_.size(); i-- > 0;) {
    Value *number = k.size(axes_[i].cells());
    // What is left is the outermost digit.
    cells[i] = i == 0 ? unit : k.b.rem(unit, number);
    unit = i == 0 ? unit : k.b.div(unit, number);
  }
  return cells;
}

UnitRun Units::run(KernelFunc &k, size_t axis, Value *cell) const {
  const auto &[extent, run] = axes_[axis];
  Value *first = k.b.mul(cell, k.b.index(run));
  if (extent.isConst() && extent.value() % run == 0)
    return {first, k.b.index(run)};
  return {first, k.b.min(k.b.sub(k.size(extent), first), k.b.index(run))};
}

Dim Units::forEach(KernelFunc &k,
                   const std::function<void(const std::vector<Value *> &)> &body) const {
  k.b.forLoop(k.begin, k.end, 1, [&](Value *unit) { body(cells(k, unit)); });
  return count();
}

std::vector<Units::Range> Units::slab(int64_t unit) const {
  std::vector<Range> ranges(axes_.size());
  for (size_t i = axes_.size(); i-- > 0;) {
    int64_t cells = axes_[i].cells().value(), cell = i == 0 ? unit : unit % cells;
    unit = i == 0 ? unit : unit / cells;
    int64_t first = cell * axes_[i].run;
    ranges[i] = {first, std::min(first + axes_[i].run, axes_[i].extent.value())};
  }
  return ranges;
}

std::vector<Value *> advanceAlong(KernelFunc &k, const std::vector<NestAxis> &axes,
                                  const std::vector<Value *> &steps, std::vector<Value *> offsets) {
  for (size_t i = 0; i < steps.size(); i++)
    for (size_t t = 0; t < offsets.size(); t++)
      offsets[t] = k.advance(offsets[t], steps[i], axes[i].strides[t]);
  return offsets;
}

std::vector<Value *> zeroOffsets(KernelFunc &k, size_t numTensors) {
  return std::vector<Value *>(numTensors, k.b.index(0));
}

} // namespace cameo
