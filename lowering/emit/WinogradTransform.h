// The matrices of Winograd's algorithm, F(2 x 2, 3 x 3) and F(4 x 4, 3 x 3): Y = A' [(G g G') * (B'
// d B)] A for a window g and a tile of inputs d. The matrices follow from points at which
// polynomials are evaluated (Toom and Cook): 0, +-1 and infinity, and 0, +-sqrt(1/2), +-sqrt(2) and
// infinity. The latter have half the rounding error of the usual 0, +-1, +-2 (compare Alam,
// Anderson, Barabasz and Gregg, "Winograd convolution for deep neural networks: efficient point
// selection", 2022).
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <array>
#include <span>

namespace cameo {

/// G, a row for each of the tile + 2 points.
std::span<const std::array<double, 3>> winogradWeightMatrix(int64_t tile);
/// B' d for a column d of tile + 2 values; as many.
LoopBuilder::Values winogradInput(LoopBuilder &b, int64_t tile, const LoopBuilder::Values &d);
/// A' s for a column of tile + 2 sums; `tile` values.
LoopBuilder::Values winogradOutput(LoopBuilder &b, int64_t tile, const LoopBuilder::Values &s);

} // namespace cameo
