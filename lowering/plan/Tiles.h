// Register tiles of matrix-like kernels: m rows by p panels of 16 columns, chosen for the shape and
// the target's registers.
#pragma once

#include "ir/DType.h"
#include "ir/Dim.h"
#include "ir/Target.h"
#include "ir/kernel/Contraction.h"
#include "lowering/build/Units.h"

#include <optional>

namespace cameo {

/// Lanes of the target's widest vector of elements of this size; 1 where it has none.
int64_t vectorLanes(const Target &target, int64_t elementBytes);
/// How loops over elements in memory of this size and more end.
Tail tailFor(const Target &target, int64_t elementBytes);

/// How many steps over k of a row's input are best read as one vector: as many as it has lanes
/// where a lane of a vector can be a factor of all lanes, else 1.
int64_t inputLanesFor(const Target &target, DType accumulator);

/// How many multiply-adds a tile fetches its own weights ahead (decision 029). Nothing but on x86.
int64_t productsAheadFor(const Target &target);

/// Whether so many bytes of weights are much more than the L2 cache holds.
bool areFarWeights(const Target &target, double bytes);

struct TilePlan {
  int64_t rows = 1; // of the largest tile
  int64_t panels = 1;
  /// Estimated cycles of a step over k for all rows and columns.
  double cost = 0;
};

/// The best tile for `rows` x `columns` (symbols: the largest tile). `accumulator` is the element
/// type sums are kept in. There are about `minUnits` tiles or more, for threads to share, unless
/// that would take tiles of few rows, and no tile has more than `mostPanels`.
TilePlan planTile(const Target &target, DType accumulator, const Dim &rows, const Dim &columns,
                  int64_t minUnits = 1, int64_t mostPanels = kMaxTilePanels);

/// The most rows of a tile of so many vectors: registers hold its sums, a vector of weights for
/// each of them, and an element of the input or a vector of each row's. Less than 1 where they hold
/// none.
int64_t mostTileRows(const Target &target, DType accumulator, int64_t vectors);

/// The same of tiles with so many panels; nothing where the registers do not hold a row of them.
std::optional<TilePlan> tileOfPanels(const Target &target, DType accumulator, const Dim &rows,
                                     const Dim &columns, int64_t panels, int64_t minUnits = 1);

/// How many steps over k are best in one tile register: the most that their number, `depth`, is a
/// multiple of; 0 of 0.
int64_t stepsOfTileRegister(int64_t depth);

/// The best tile whose sums are in tile registers, which have so many steps each; `cost` is in
/// cycles of such a register for all rows and columns. Nothing where vectors are as fast, or the
/// target has no such registers.
std::optional<TilePlan> tileOfRegisters(const Target &target, const Dim &rows, const Dim &columns,
                                        int64_t steps);

/// The same whether vectors are as fast or not, of a target that has such registers, and of f32 as
/// so many pieces.
TilePlan bestTileOfRegisters(const Dim &rows, const Dim &columns, int64_t steps, int64_t pieces);

/// Half of the L2 cache of cores that have tile registers: rows as pieces that are there together.
inline constexpr int64_t kSplitBytes = 1 << 20;

/// The fewest equal parts of a depth of so many elements of which there are rows enough; 1 where
/// there are no such parts.
int64_t partsOfDepth(int64_t depth);

/// How much faster f32 of so many elements a row multiply as pieces in tile registers than they do
/// in vectors, by an estimate; 0 where there are no such tiles.
double speedupOfPieces(const Target &target, const Dim &rows, const Dim &columns, int64_t depth);

} // namespace cameo
