// Tiles whose sums are in tile registers. See Tiles.h. The cost model: a step of a tile takes as
// long as its loads or its products, whichever is longer, and the sums are stored once for all
// steps. Measured on Sapphire Rapids, in cycles: a product 18 for 16 rows and no less than 10, a
// load 14, a store 17.
#include "ir/TileRegisters.h"

#include "ir/kernel/Contraction.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr double kLoad = 14, kStore = 17, kLeastProduct = 10, kRow = 1.125;
// Shares of a register below which vectors are as fast.
constexpr int64_t kLeastSteps = 6, kLeastRows = 4;

/// Of a tile of so many rows and panels, cycles a step.
double stepCost(int64_t rows, int64_t panels) {
  int64_t groups = ceilDiv(rows, kMostTileRows);
  double product = std::max(kLeastProduct, kRow * static_cast<double>(ceilDiv(rows, groups)));
  return std::max(static_cast<double>(groups * panels) * product,
                  static_cast<double>(groups + panels) * kLoad);
}

} // namespace

int64_t stepsOfTileRegister(int64_t depth) {
  int64_t steps = std::min(depth, kMostTileRows);
  while (steps > 1 && depth % steps != 0)
    steps--;
  return steps;
}

std::optional<TilePlan> tileOfRegisters(const Target &target, const Dim &rows, const Dim &columns,
                                        int64_t steps) {
  if (!target.hasTileRegisters || steps < kLeastSteps ||
      (rows.isConst() && rows.value() < kLeastRows))
    return std::nullopt;
  int64_t m = rows.isConst() ? rows.value() : 2 * kMostTileRows;
  int64_t numPanels = columns.isConst() ? ceilDiv(columns.value(), kPanel) : kTileSums;
  if (numPanels == 0)
    return std::nullopt;
  TilePlan best;
  for (int64_t groups : {2, 1}) {
    EvenTiles even = evenTiles(Dim(m), groups * kMostTileRows);
    int64_t height = even.rows + (even.extra > 0);
    int64_t panels = std::min(kTileSums / ceilDiv(height, kMostTileRows), numPanels);
    double cost = static_cast<double>(even.count * ceilDiv(numPanels, panels)) *
                  (stepCost(height, panels) +
                   kStore * static_cast<double>(panels * groups) / static_cast<double>(steps));
    if (best.cost == 0 || cost < best.cost)
      best = {rows.isConst() ? height : groups * kMostTileRows, panels, cost};
  }
  return best;
}

} // namespace cameo
