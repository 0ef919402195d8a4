// The limits of tile registers (Intel SDM, volume 1, chapter 18: palette 1), which loop-level code,
// plans and code generation share.
#pragma once

#include <cstdint>

namespace cameo {

inline constexpr int64_t kTileRegisters = 8, kMostTileRows = 16, kMostTileBytes = 64;
/// Of the registers, those that a register tile's sums may take; the others have its factors.
inline constexpr int64_t kTileSums = 4;
/// And those that have its rows, a group of rows each.
inline constexpr int64_t kTileGroups = 2;
/// The bytes of a row of one factor, and of a column of the other, whose products an instruction
/// adds to a sum in one step.
inline constexpr int64_t kTileStepBytes = 4;

} // namespace cameo
