// Which elements of its tensors each unit of a kernel reads and writes, from the op and its plan
// alone: what emitters walk over, and what the verifier asks.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"
#include "lowering/build/Units.h"

#include <set>
#include <vector>

namespace cameo {

/// Steps along an axis of a tensor's memory.
struct TouchedAxis {
  static constexpr int64_t kAll = -1, kUnit = -2;

  Dim extent, stride;
  /// The axis of the units' grid that says which steps a unit takes, kAll, or kUnit: as many as its
  /// number. At position p of that axis, these are the `scale` steps from (p / divisor % modulus) *
  /// scale on.
  int64_t axis = kAll;
  int64_t scale = 1, divisor = 1, modulus = INT64_MAX;
};

/// The elements of a tensor that units touch: any sum of steps along all axes leads from element
/// (0, 0, ...), plus `offset`, to one.
struct Touched {
  const Value *tensor;
  std::vector<TouchedAxis> axes;
  Dim offset = Dim(0);
};

/// Reads are at most these; where data decides which elements of a dim are read, all of them.
/// Writes are exactly these, but for those of a `scatter`, which are at most these. What pools clip
/// of their windows counts as read, and the halo that a `fill_halo` writes does not count.
struct KernelUnits {
  Units grid;
  std::vector<Touched> reads, writes;
};

/// Of an op with an emitter, a plan and layouts.
KernelUnits unitsOf(const Op &op);

/// Elements that a unit touches, counted from the tensor's element (0, 0, ...). All sizes are
/// constants.
std::set<int64_t> elementsOf(const Units &grid, const Touched &touched, int64_t unit);

/// Whether no two units write the same element, as far as sizes are constants.
Result<void> unitsAreApart(const Op &op);

} // namespace cameo
