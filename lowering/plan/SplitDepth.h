// Products of a large depth as several that follow each other, each of which adds what the one
// before it gave.
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <vector>

namespace cameo {

/// Cuts the depth of a `gemm` with plain weights, which is a number, into so many equal parts. The
/// gemms of f32 that compute all but the last one, which `gemm` is now, in order; they are in front
/// of it.
std::vector<Op *> splitDepth(LoopBuilder &b, Op &gemm, int64_t parts);

} // namespace cameo
