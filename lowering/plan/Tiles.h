// Register tiles of matrix-like kernels: m rows by p panels of 16 columns, chosen for the shape and
// the target's registers.
#pragma once

#include "ir/DType.h"
#include "ir/Dim.h"
#include "ir/Target.h"

namespace cameo {

struct TilePlan {
  int64_t rows = 1; // of the largest tile
  int64_t panels = 1;
  /// Estimated cycles of a step over k for all rows and columns.
  double cost = 0;
};

/// The best tile for `rows` x `columns` (symbols: the largest tile). `accumulator` is the element
/// type sums are kept in. There are about `minUnits` tiles or more, for threads to share, unless
/// that would take tiles of few rows.
TilePlan planTile(const Target &target, DType accumulator, const Dim &rows, const Dim &columns,
                  int64_t minUnits = 1);

/// A constant number of rows in tiles of `rows` or rows + 1 rows, the first `extra` being larger,
/// so that no tile is a leftover.
struct EvenTiles {
  int64_t count = 0, rows = 0, extra = 0;
};
/// Tiles of at most `most` rows.
EvenTiles evenTiles(int64_t extent, int64_t most);

} // namespace cameo
