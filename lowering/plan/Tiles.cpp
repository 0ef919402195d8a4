// See Tiles.h. The cost model: one step over k of an m x v tile (v vectors) takes m*v multiply-adds
// and v + m loads, of vectors and of elements in every lane. Cores issue as many loads a cycle as
// multiply-adds (one or two), so the larger number bounds a step; and so do the accumulators that
// hide the latency of two pipes (8). Of tiles with as many multiply-adds the one with the fewest
// loads is the fastest: on Zen 5 9x3 vectors reach 98 % of the peak where 29x1 reach 80 %. Where
// multiply-adds take a lane of a vector, a row's input is loaded once for as many steps as it has
// lanes.
#include "lowering/plan/Tiles.h"

#include "ir/kernel/Contraction.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kFewRows = 4;
constexpr double kLatency = 8; // of a multiply-add, times the pipes
// Of a load that multiply-adds hide: a step's weights come through the L1 cache, most inputs from
// it.
constexpr double kWeightLoad = 0.12, kInputLoad = 0.09;

// Weights of so many times the L2 cache's size are not read from near caches.
constexpr int64_t kFarL2s = 3;

double stepCost(int64_t m, int64_t vectors, int64_t inputLanes) {
  auto fma = static_cast<double>(m * vectors), inputs = static_cast<double>(m);
  double weightLoads = static_cast<double>(vectors);
  double inputLoads = inputs / static_cast<double>(inputLanes);
  return std::max({fma, weightLoads + inputLoads, kLatency}) + kWeightLoad * weightLoads +
         kInputLoad * inputLoads + 0.5;
}

} // namespace

int64_t vectorLanes(const Target &target, int64_t elementBytes) {
  return std::max<int64_t>(1, target.lanes(elementBytes));
}

Tail tailFor(const Target &target, int64_t elementBytes) {
  bool hasMasks = target.maskedElementBytes > 0 && elementBytes >= target.maskedElementBytes;
  return hasMasks ? Tail::Masked : Tail::Scalar;
}

namespace {

/// What tiles cut; a symbolic extent is planned as a large one.
int64_t plannedRows(const Dim &rows) {
  return rows.isConst() ? std::max<int64_t>(rows.value(), 1) : 840;
}
int64_t plannedPanels(const Dim &columns) {
  return ceilDiv(columns.isConst() ? std::max<int64_t>(columns.value(), 1) : 1024, kPanel);
}
int64_t vectorsPerPanel(const Target &target, DType accumulator) {
  return std::max<int64_t>(1, kPanel / vectorLanes(target, dtypeBytes(accumulator)));
}

} // namespace

int64_t inputLanesFor(const Target &target, DType accumulator) {
  return target.arch == Arch::AArch64 ? vectorLanes(target, dtypeBytes(accumulator)) : 1;
}

int64_t productsAheadFor(const Target &target) {
  constexpr int64_t products = 16 * 27; // 16 steps of 9x3 vectors
  return target.arch == Arch::X86_64 ? products : 0;
}

bool areFarWeights(const Target &target, double bytes) {
  return bytes > static_cast<double>(kFarL2s * target.l2Bytes);
}

int64_t mostTileRows(const Target &target, DType accumulator, int64_t vectors) {
  if (inputLanesFor(target, accumulator) > 1)
    return (target.vectorRegisters - vectors) / (vectors + 1);
  return (target.vectorRegisters - 1 - vectors) / vectors;
}

std::optional<TilePlan> tileOfPanels(const Target &target, DType accumulator, const Dim &rows,
                                     const Dim &columns, int64_t panels, int64_t minUnits) {
  int64_t m = plannedRows(rows), numPanels = plannedPanels(columns);
  int64_t perPanel = vectorsPerPanel(target, accumulator), vectors = panels * perPanel;
  int64_t maxRows = mostTileRows(target, accumulator, vectors),
          inputLanes = inputLanesFor(target, accumulator);
  if (maxRows < 1)
    return std::nullopt;
  int64_t groups = ceilDiv(numPanels, panels);
  int64_t wanted = std::min(ceilDiv(minUnits, groups), m / kFewRows);
  int64_t tiles = std::max(ceilDiv(m, maxRows), wanted);
  EvenTiles even = evenTiles(Dim(m), ceilDiv(m, tiles));
  // In floating point: hostile models have 2^40 panels.
  auto groupCost = [&](int64_t v) {
    return static_cast<double>(even.extra) * stepCost(even.rows + 1, v, inputLanes) +
           static_cast<double>(even.count - even.extra) * stepCost(even.rows, v, inputLanes);
  };
  double cost = static_cast<double>(numPanels / panels) * groupCost(vectors);
  if (int64_t rest = numPanels % panels)
    cost += groupCost(rest * perPanel);
  return TilePlan{rows.isConst() ? even.rows + (even.extra > 0) : maxRows, panels, cost};
}

TilePlan planTile(const Target &target, DType accumulator, const Dim &rows, const Dim &columns,
                  int64_t minUnits, int64_t mostPanels) {
  int64_t numPanels = plannedPanels(columns);
  TilePlan best;
  for (int64_t panels = 1; panels <= std::min(mostPanels, numPanels); panels++) {
    std::optional<TilePlan> tile =
        tileOfPanels(target, accumulator, rows, columns, panels, minUnits);
    if (!tile)
      break;
    if (best.cost == 0 || tile->cost < best.cost * 0.999)
      best = *tile;
  }
  // Fewer registers than one panel needs: one row at a time, spilling.
  if (best.cost == 0)
    best.cost = static_cast<double>(plannedRows(rows)) *
                static_cast<double>(numPanels * vectorsPerPanel(target, accumulator)) * 4;
  return best;
}

} // namespace cameo
