// Loops over the units of a kernel (lowering/build/Units.h), and what of each tensor a unit works
// on.
#pragma once

#include "lowering/build/Strides.h"
#include "lowering/build/Units.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/plan/KernelUnits.h"

#include <functional>
#include <vector>

namespace cameo {

/// Writes the loop over units [k.begin, k.end); body(the cell along each axis). Returns the number
/// of units.
Dim emitUnits(KernelFunc &k, const Units &units,
              const std::function<void(const std::vector<Value *> &)> &body);
/// The cell along each axis of the unit of a number.
std::vector<Value *> unitCells(KernelFunc &k, const Units &units, Value *unit);

/// The positions of a unit along an axis; `first` is nullptr where a unit has all of them.
struct UnitRun {
  Value *first, *count;
};

/// What a cell of the axis covers; the tail is cut off at the extent.
UnitRun unitRun(KernelFunc &k, const UnitAxis &axis, Value *cell);

/// What a cell of an axis of tiles covers: tiles where it has even ones, else rows.
struct TileRun {
  Value *first, *end;
};
TileRun tileRun(KernelFunc &k, const UnitAxis &axis, Value *cell);

/// The row at which register tile `t` begins.
Value *firstRow(LoopBuilder &b, const EvenTiles &tiles, Value *t);
/// Writes loops over register tiles [first, end), the larger ones first. body(tile, its first row,
/// how many rows it has); before(how many) where tiles of so many follow.
void forEvenTiles(LoopBuilder &b, const EvenTiles &tiles, Value *first, Value *end,
                  const std::function<void(Value *, Value *, int64_t)> &body,
                  const std::function<void(int64_t)> &before = nullptr);

/// Writes loops over rows [first, end): tiles of `rows` while they fit, then of each of `rest`,
/// then single rows. body(first row of the tile, how many it has); before(how many) where tiles of
/// so many follow.
void forRowTiles(LoopBuilder &b, Value *first, Value *end, int64_t rows,
                 const std::vector<int64_t> &rest,
                 const std::function<void(Value *, int64_t)> &body,
                 const std::function<void(int64_t)> &before = nullptr);

/// Offsets of all tensors after `steps[i]` steps along axes[i], from `offsets` on. There may be
/// more axes than steps.
std::vector<Value *> advanceAlong(KernelFunc &k, const std::vector<NestAxis> &axes,
                                  const std::vector<Value *> &steps, std::vector<Value *> offsets);
/// One offset of 0 a tensor.
std::vector<Value *> zeroOffsets(KernelFunc &k, size_t numTensors);

} // namespace cameo
