// See Tiles.h. The cost model: one step over k of an m x v tile (v vectors) takes m*v
// multiply-adds, v vector loads and m broadcasts at two a cycle, and never less than the latency of
// one multiply-add lets independent accumulators hide (4). All in cycles of a core with one vector
// FMA and one vector load a cycle, which is Zen 4's and close to proportional elsewhere.
#include "lowering/plan/Tiles.h"

#include "ir/kernel/Contraction.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kMaxPanels = 8;
constexpr int64_t kFewRows = 4;

double stepCost(int64_t m, int64_t vectors) {
  double fma = static_cast<double>(m * vectors), loads = vectors + m * 0.5;
  return std::max({fma, loads, 4.0}) + 0.5;
}

} // namespace

TilePlan planTile(const Target &target, DType accumulator, const Dim &rows, const Dim &columns,
                  int64_t minUnits) {
  int64_t lanes = std::max<int64_t>(1, target.lanes(dtypeBytes(accumulator)));
  int64_t vectorsPerPanel = std::max<int64_t>(1, kPanel / lanes);
  // A symbolic extent is planned as a large one.
  int64_t m = rows.isConst() ? std::max<int64_t>(rows.value(), 1) : 840;
  int64_t n = columns.isConst() ? std::max<int64_t>(columns.value(), 1) : 1024;
  int64_t numPanels = (n + kPanel - 1) / kPanel;
  TilePlan best;
  double bestCost = 0;
  for (int64_t panels = 1; panels <= std::min(kMaxPanels, numPanels); panels++) {
    int64_t vectors = panels * vectorsPerPanel;
    // Accumulators, one vector of each panel and a broadcast.
    int64_t maxRows = (target.vectorRegisters - 1 - vectors) / vectors;
    if (maxRows < 1)
      break;
    int64_t groups = (numPanels + panels - 1) / panels;
    int64_t wanted = std::min((minUnits + groups - 1) / groups, m / kFewRows);
    int64_t tiles = std::max((m + maxRows - 1) / maxRows, wanted), base = m / tiles,
            extra = m % tiles;
    // In floating point: hostile models have 2^40 panels.
    auto groupCost = [&](int64_t v) {
      return static_cast<double>(extra) * stepCost(base + 1, v) +
             static_cast<double>(tiles - extra) * stepCost(base, v);
    };
    double rowCost = static_cast<double>(numPanels / panels) * groupCost(vectors);
    if (int64_t rest = numPanels % panels)
      rowCost += groupCost(rest * vectorsPerPanel);
    if (best.tiles == 0 || rowCost < bestCost * 0.999) {
      bestCost = rowCost;
      best = {panels, maxRows, tiles, base, extra, rowCost};
    }
  }
  // Fewer registers than one panel needs: one row at a time, spilling.
  if (best.tiles == 0)
    best = {1, 1, m,
            1, 0, static_cast<double>(m) * static_cast<double>(numPanels * vectorsPerPanel) * 4};
  // No rows at all are no tile: even one would write where no result is.
  if (!rows.isConst() || rows == Dim(0))
    best.tiles = best.rows = best.extra = 0;
  return best;
}

} // namespace cameo
