// Tiles whose sums are in tile registers. See Tiles.h. The cost model: a step of a tile takes as
// long as its loads or its products, whichever is longer, and the sums are stored once for all
// steps. Measured on Sapphire Rapids, in cycles: a product 18 for 16 rows and no less than 10, a
// load 14, a store 17.
#include "ir/TileRegisters.h"

#include "ir/Half.h"
#include "ir/kernel/Contraction.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr double kLoad = 14, kStore = 17, kLeastProduct = 10, kRow = 1.125;
// Of f32 as pieces: splitting a vector, and a load from the L2 cache, which has three times as much
// of them. Multiply-adds of vectors that such cores do in a cycle, of the two that they begin.
constexpr double kSplit = 8, kFarLoad = 22, kMultiplyAdds = 1.8;
// So many times as long as counted took layers of nine models, where those of vectors took as long
// as counted: weights come from L3.
constexpr double kUncounted = 1.6;
// What a register of sums takes until its results are stored, beyond those of vectors.
constexpr double kFinish = 125;
// Weights are read again for the rows that are in the cache together. With fewer, reading them
// takes longer than multiplying, which is when their size counts.
constexpr int64_t kManyRows = 128;
// Shares of a register below which vectors are as fast.
constexpr int64_t kLeastSteps = 6, kLeastRows = 4;

/// Of so many elements as pieces.
int64_t rowBytes(int64_t depth) { return depth * kPieces * dtypeBytes(DType::BF16); }

/// Of a tile of so many rows and panels, cycles a step.
double unitStepCost(int64_t rows, int64_t panels, int64_t pieces) {
  int64_t groups = ceilDiv(rows, kMostTileRows), products = groups * panels;
  double product = std::max(kLeastProduct, kRow * static_cast<double>(ceilDiv(rows, groups)));
  double loads = static_cast<double>(groups + panels) * kLoad;
  if (pieces > 1) {
    // As in lowering/emit/TileRegisters.cpp: of two panels, a product of pieces finds its own.
    products *= kPieceProducts;
    int64_t loadsOfPanel = panels > 2 ? kPieceProducts : kPieceProducts - 1;
    loads = static_cast<double>(pieces * groups + loadsOfPanel * panels) * kFarLoad;
  }
  return std::max(static_cast<double>(products) * product, loads);
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
  if (columns == Dim(0))
    return std::nullopt;
  return bestTileOfRegisters(rows, columns, steps, 1);
}

TilePlan bestTileOfRegisters(const Dim &rows, const Dim &columns, int64_t steps, int64_t pieces) {
  int64_t m = rows.isConst() ? std::max<int64_t>(1, rows.value()) : 2 * kMostTileRows;
  int64_t numPanels =
      columns.isConst() ? std::max<int64_t>(1, ceilDiv(columns.value(), kPanel)) : kTileSums;
  TilePlan best;
  for (int64_t groups : {2, 1}) {
    EvenTiles even = evenTiles(Dim(m), groups * kMostTileRows);
    int64_t height = even.rows + (even.extra > 0);
    int64_t panels = std::min(kTileSums / ceilDiv(height, kMostTileRows), numPanels);
    double cost = static_cast<double>(even.count * ceilDiv(numPanels, panels)) *
                  (unitStepCost(height, panels, pieces) +
                   kStore * static_cast<double>(panels * groups) / static_cast<double>(steps));
    if (best.cost == 0 || cost < best.cost)
      best = {rows.isConst() ? height : groups * kMostTileRows, panels, cost};
  }
  return best;
}

int64_t partsOfDepth(int64_t depth) {
  constexpr int64_t mostParts = 8;
  for (int64_t parts = 1; parts <= mostParts; parts++) {
    int64_t part = depth / parts;
    bool isEven = depth % parts == 0 && stepsOfTileRegister(part / 2) == kMostTileRows;
    if (isEven && kManyRows * rowBytes(part) <= kSplitBytes)
      return parts;
  }
  return 1;
}

double speedupOfPieces(const Target &target, const Dim &rows, const Dim &columns, int64_t depth) {
  int64_t steps = stepsOfTileRegister(depth / 2);
  if (depth % 2 != 0 || rows.value() < kManyRows || kManyRows * rowBytes(depth) > kSplitBytes ||
      !tileOfRegisters(target, rows, columns, steps))
    return 0;
  TilePlan tile = bestTileOfRegisters(rows, columns, steps, kPieces);
  auto elements = static_cast<double>(depth);
  double products = tile.cost * elements / static_cast<double>(2 * steps);
  double finish =
      static_cast<double>(ceilDiv(rows.value(), kMostTileRows) * ceilDiv(columns.value(), kPanel)) *
      kFinish;
  double split = static_cast<double>(rows.value()) * elements / kPanel * kSplit;
  double vectors = planTile(target, DType::F32, rows, columns).cost * elements / kMultiplyAdds;
  return vectors / (kUncounted * (products + finish + split));
}

} // namespace cameo
