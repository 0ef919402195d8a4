// Blocks of elements transposed in registers.
#pragma once

#include "lowering/build/LoopBuilder.h"

namespace cameo {

/// The type as which elements of a type are moved: bits, whatever they are.
DType bitsOf(DType dtype);

/// Vectors whose elements, one behind the other, are element 0 of each row, then element 1, and so
/// on. There is a power of two of rows. Each round interleaves rows that are half of them apart.
LoopBuilder::Values interleaved(LoopBuilder &b, LoopBuilder::Values rows);

} // namespace cameo
