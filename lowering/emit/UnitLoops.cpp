// See UnitLoops.h.
#include "lowering/emit/UnitLoops.h"

#include "lowering/emit/RangeNotes.h"

namespace cameo {

std::vector<Value *> unitCells(KernelFunc &k, const Units &units, Value *unit) {
  const std::vector<UnitAxis> &axes = units.axes();
  std::vector<Value *> cells(axes.size());
  for (size_t i = axes.size(); i-- > 0;) {
    Value *number = k.size(axes[i].cells());
    // What is left is the outermost digit.
    cells[i] = i == 0 ? unit : k.b.rem(unit, number);
    unit = i == 0 ? unit : k.b.div(unit, number);
  }
  return cells;
}

UnitRun unitRun(KernelFunc &k, const UnitAxis &axis, Value *cell) {
  Value *first = k.b.mul(cell, k.b.index(axis.run));
  if (axis.extent.isConst() && axis.extent.value() % axis.run == 0)
    return {first, k.b.index(axis.run)};
  return {first, k.b.min(k.b.sub(k.size(axis.extent), first), k.b.index(axis.run))};
}

Dim emitUnits(KernelFunc &k, const Units &units,
              const std::function<void(const std::vector<Value *> &)> &body) {
  makeRangeNotes(k);
  k.b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
    k.unit = unit;
    beginRange(k);
    body(unitCells(k, units, unit));
    endRange(k, unit);
  });
  return units.count();
}

TileRun tileRun(KernelFunc &k, const UnitAxis &axis, Value *cell) {
  LoopBuilder &b = k.b;
  if (axis.tiles.count == 0) {
    Value *run = b.index(axis.run), *first = b.mul(cell, run);
    return {first, b.min(k.size(axis.extent), b.add(first, run))};
  }
  // As UnitAxis::firstTile.
  auto firstTile = [&](Value *number) {
    return b.div(b.mul(number, b.index(axis.tiles.count)), k.size(axis.cells()));
  };
  return {firstTile(cell), firstTile(b.add(cell, b.index(1)))};
}

Value *firstRow(LoopBuilder &b, const EvenTiles &tiles, Value *t) {
  return b.add(b.mul(t, b.index(tiles.rows)), b.min(t, b.index(tiles.extra)));
}

/// A loop that does something once before its first iteration, if there is one.
static void loopWithStart(LoopBuilder &b, Value *from, Value *to, int64_t step, int64_t rows,
                          const std::function<void(int64_t)> &before,
                          const std::function<void(Value *)> &body) {
  if (before)
    b.ifThen(b.cmp("lt", from, to), [&] { before(rows); });
  b.forLoop(from, to, step, body);
}

void forEvenTiles(LoopBuilder &b, const EvenTiles &tiles, Value *first, Value *end,
                  const std::function<void(Value *, Value *, int64_t)> &body,
                  const std::function<void(int64_t)> &before) {
  auto loop = [&](Value *from, Value *to, int64_t rows) {
    loopWithStart(b, from, to, 1, rows, before,
                  [&](Value *t) { body(t, firstRow(b, tiles, t), rows); });
  };
  Value *extra = b.index(tiles.extra);
  if (tiles.extra > 0)
    loop(first, b.min(end, extra), tiles.rows + 1);
  loop(b.max(first, extra), end, tiles.rows);
}

void forRowTiles(LoopBuilder &b, Value *first, Value *end, int64_t rows,
                 const std::vector<int64_t> &rest,
                 const std::function<void(Value *, int64_t)> &body,
                 const std::function<void(int64_t)> &before) {
  std::vector<int64_t> heights = {rows};
  heights.insert(heights.end(), rest.begin(), rest.end());
  if (heights.back() > 1)
    heights.push_back(1);
  for (int64_t height : heights) {
    Value *whole = b.mul(b.div(b.sub(end, first), b.index(height)), b.index(height));
    Value *stop = b.add(first, whole);
    loopWithStart(b, first, stop, height, height, before, [&](Value *row) { body(row, height); });
    first = stop;
  }
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
