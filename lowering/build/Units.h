// The units of work of a kernel: the cells of a grid. Along each axis of the grid, `extent`
// positions are cut into runs of `run`, the last of which may be shorter, a *tail*; tiles are
// shared out evenly. The number of a unit is a number in mixed radix whose lowest digit is the cell
// along the last axis. So any split of the numbers over threads visits each position of the grid
// once.
#pragma once

#include "ir/Dim.h"

#include <algorithm>
#include <vector>

namespace cameo {

inline int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A constant number of rows in tiles of `rows` or rows + 1 rows, the first `extra` being larger,
/// so that no tile is a leftover.
struct EvenTiles {
  int64_t count = 0, rows = 0, extra = 0;

  int64_t firstRow(int64_t tile) const { return tile * rows + std::min(tile, extra); }
};
/// Tiles of at most `most` rows; none where the extent is a symbol.
EvenTiles evenTiles(const Dim &extent, int64_t most);

struct UnitAxis {
  Dim extent;
  int64_t run = 1;
  /// Where there are tiles, a run is so many of them, or one less: all runs are nearly equal.
  EvenTiles tiles = {};

  /// The first tile of a run.
  int64_t firstTile(int64_t cell) const { return cell * tiles.count / cells().value(); }

  Dim cells() const {
    return tiles.count > 0 ? Dim(ceilDiv(tiles.count, run)) : Dim::ceilDiv(extent, Dim(run));
  }
};

/// Rows in tiles of at most `tileRows`, a run of which has `unitTiles`: even ones where the number
/// of rows is a constant, else as many as fit, and a rest.
UnitAxis tiledAxis(const Dim &extent, int64_t tileRows, int64_t unitTiles);

class Units {
public:
  /// Adds an axis inside those that are there; its number.
  size_t add(UnitAxis axis);
  size_t add(Dim extent, int64_t run = 1) { return add(UnitAxis{std::move(extent), run}); }
  Dim count() const;
  const std::vector<UnitAxis> &axes() const { return axes_; }

  /// What the unit of a number covers, [first, end) along each axis. All sizes must be constants.
  struct Range {
    int64_t first, end;
  };
  std::vector<Range> slab(int64_t unit) const;

private:
  std::vector<UnitAxis> axes_;
};

} // namespace cameo
