// The part of a micro-kernel that adds products in tile registers.
#pragma once

#include "lowering/emit/MicroKernel.h"

namespace cameo {

/// What a micro-kernel of tile registers reads, and how.
struct TileFactors {
  Value *a, *aRow, *aLine; // the first row, how far the next one is, and the next line or nullptr
  Value *w, *panelStride;  // the first panel, and how far the next one is
  Value *depth;            // of whole steps, in elements of a row
  std::vector<std::pair<Value *, Value *>> taps;
  Value *next, *ahead; // as in MicroShape, or nullptr
  /// How far the next piece of a row and of a panel is, where f32 are pieces.
  Value *aPiece = nullptr, *wPiece = nullptr;
};

/// Adds all products of a tile and stores the sums densely, row by row, in `tile`.
void multiplyInTileRegisters(LoopBuilder &b, const MicroShape &shape, const TileFactors &factors,
                             Value *tile);

/// Configures the registers of a thread for tiles of so many rows of each of their lines. It takes
/// as long as the products of a tile of few steps, so that it is done once for many tiles.
void configureTileRegisters(LoopBuilder &b, int64_t rows, int64_t lines, int64_t tileSteps);

} // namespace cameo
