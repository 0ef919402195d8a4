// Products whose batches are counted in another way, and how dims are split.
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <optional>
#include <vector>

namespace cameo {

/// For each of `dims`, how many dims of `split` it is the product of: in order, one or more each,
/// all of them. Nothing if `split` is no such list.
std::optional<std::vector<size_t>> partsOf(const Dims &dims, const Dims &split);

/// Makes a `gemm` compute in batches of the dims `split`, which its own batches are products of:
/// its operands are reshaped where `b` is, and its result has the new shape. If an operand cannot
/// be split so, nothing is changed and false returned.
bool splitBatches(LoopBuilder &b, Op &gemm, const Dims &split);

} // namespace cameo
