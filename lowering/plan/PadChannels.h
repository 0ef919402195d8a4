// Channels of zeros that a convolution reads besides its own, so that steps over k are whole, and
// those of neighbouring taps are one longer depth or fill tile registers. Images of three channels
// are of this kind.
#pragma once

#include "lowering/build/LoopBuilder.h"
#include "lowering/plan/Packing.h"

namespace cameo {

/// How many channels to add to a `conv` with plain weights that is going to have this packing; 0
/// where that gains nothing.
int64_t channelsToAdd(const Target &target, const Op &conv, const Packing &packing);

/// Weights [O, I, spatial...] of a constant with so many more inputs of zeros.
Value *withZeroInputs(LoopBuilder &b, Value *weights, int64_t more);

/// x [N, C, spatial...] with so many more channels of zeros.
Value *withZeroChannels(LoopBuilder &b, Value *x, int64_t more);

} // namespace cameo
