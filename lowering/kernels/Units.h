// The units of work of a kernel: the cells of a grid. Along each axis of the grid, `extent`
// positions are cut into runs of `run`, the last of which may be shorter, a *tail*. The number of a
// unit is a number in mixed radix whose lowest digit is the cell along the last axis. So any split
// of the numbers over threads visits each position of the grid once.
#pragma once

#include "lowering/build/Strides.h"
#include "lowering/kernels/KernelFunc.h"

#include <functional>
#include <vector>

namespace cameo {

struct UnitAxis {
  Dim extent;
  int64_t run = 1;

  Dim cells() const { return Dim::ceilDiv(extent, Dim(run)); }
};

/// The positions of a unit along an axis.
struct UnitRun {
  Value *first, *count;
};

class Units {
public:
  /// Adds an axis inside those that are there; its number.
  size_t add(Dim extent, int64_t run = 1);
  Dim count() const;

  /// Writes the loop over units [k.begin, k.end); body(the cell along each axis). Returns the
  /// number of units.
  Dim forEach(KernelFunc &k, const std::function<void(const std::vector<Value *> &)> &body) const;
  /// The cell along each axis of the unit of a number.
  std::vector<Value *> cells(KernelFunc &k, Value *unit) const;
  /// What a cell of the axis covers; the tail is cut off at the extent.
  UnitRun run(KernelFunc &k, size_t axis, Value *cell) const;

  /// The same for sizes that are constants, [first, end) along each axis: what checks ask.
  struct Range {
    int64_t first, end;
  };
  std::vector<Range> slab(int64_t unit) const;

private:
  std::vector<UnitAxis> axes_;
};

/// Offsets of all tensors after `steps[i]` steps along axes[i], from `offsets` on. There may be
/// more axes than steps.
std::vector<Value *> advanceAlong(KernelFunc &k, const std::vector<NestAxis> &axes,
                                  const std::vector<Value *> &steps, std::vector<Value *> offsets);
/// One offset of 0 a tensor.
std::vector<Value *> zeroOffsets(KernelFunc &k, size_t numTensors);

} // namespace cameo
