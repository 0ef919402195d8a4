// Products of f32 in tile registers, which multiply bf16: an f32 is the sum of three bf16, and of
// the nine products of two such sums the six largest are added (decision 036).
#pragma once

#include "ir/Half.h"
#include "lowering/emit/MicroKernel.h"
#include "lowering/plan/Contraction.h"

#include <array>
#include <utility>

namespace cameo {

/// Pieces of the input and of the weights that are multiplied, in an order in which each product
/// has one of its pieces in common with the one before.
inline constexpr std::array<std::pair<int64_t, int64_t>, kPieceProducts> kMultipliedPieces = {
    {{0, 0}, {0, 1}, {0, 2}, {1, 1}, {1, 0}, {2, 0}}};

/// Splits a row of the input, f32 at `from`, to bf16 at `to`.
void splitRow(KernelFunc &k, const Contraction &c, Value *from, Value *to);

/// What a micro-kernel reads of f32 that are pieces.
struct PieceFactors {
  Value *a, *aRow, *aLine; // rows as they are; aLine is nullptr for one line
  Value *w, *panelStride, *wPiece;
  Value *depth; // of a tap
  const std::vector<std::pair<Value *, Value *>> &taps;
};

/// Computes the sums of a tile again, in f32, where some of them are no finite numbers: pieces of
/// an infinity, and of what is near the largest number, multiply to NaNs. An overflow is an
/// infinity.
void sumAgainUnlessFinite(LoopBuilder &b, const MicroShape &shape, const PieceFactors &factors,
                          Value *tile);

} // namespace cameo
