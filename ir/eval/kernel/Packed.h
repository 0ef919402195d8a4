// Packed factors of products, and how batches broadcast.
#pragma once

#include "ir/eval/kernel/KernelMemory.h"

namespace cameo::eval {

/// Where element k of a column is within packed weights: behind the dims of `lead`, they are
/// [panel][K][16].
int64_t packedElement(const View &packed, const std::vector<int64_t> &lead, int64_t column,
                      int64_t k, int64_t interleave);
/// The last `own` dims of an operand as they are, those in front broadcast to the batches of y.
View ofBatches(const View &operand, const View &y, int64_t own);

} // namespace cameo::eval
