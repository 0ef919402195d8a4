// Views at the kernel level; the value itself where nothing would change.
#pragma once

#include "lowering/build/LoopBuilder.h"

namespace cameo {

Value *reshapeView(LoopBuilder &b, Value *x, const Dims &shape);
Value *transposeView(LoopBuilder &b, Value *x, const std::vector<int64_t> &perm);
Value *broadcastView(LoopBuilder &b, Value *x, const Dims &shape);
/// A [C] value with trailing dims of 1, so that it broadcasts along the channels of a value of
/// `rank`.
Value *alongChannels(LoopBuilder &b, Value *vector, int64_t rank);

} // namespace cameo
