// Views at the kernel level; the value itself where nothing would change.
#pragma once

#include "lowering/build/LoopBuilder.h"

namespace cameo {

Value *reshapeView(LoopBuilder &b, Value *x, const Dims &shape);
Value *transposeView(LoopBuilder &b, Value *x, const std::vector<int64_t> &perm);
Value *broadcastView(LoopBuilder &b, Value *x, const Dims &shape);
/// Of each dim the elements from its start on, so many apart; `type` says how many.
Value *sliceView(LoopBuilder &b, Value *x, Dims starts, std::vector<int64_t> steps, Type type);
/// A [C] value with trailing dims of 1, so that it broadcasts along the channels of a value of
/// `rank`.
Value *alongChannels(LoopBuilder &b, Value *vector, int64_t rank);

/// Behind `op`: those who read its result read it in the shape `as` from now on. Reshapes of that
/// back to the shape it has now are the result itself.
void reshapeResult(LoopBuilder &b, Op &op, const Dims &as);

/// Erases an op whose result nobody reads.
void eraseReader(Op &op);

} // namespace cameo
