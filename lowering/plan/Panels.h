// The packing unit of weights: panels of 16 output channels (columns), [K][16] in memory, whatever
// the register tile, so that tails, tiles and instruction sets share bytes. Within 1 % of tile-wide
// panels (measured on Zen 4).
#pragma once

#include <cstdint>

namespace cameo {

inline constexpr int64_t kPanel = 16;

} // namespace cameo
