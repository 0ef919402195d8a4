// What is written into the regions of kernel ops.
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <vector>

namespace cameo {

/// A region argument for an element of `operand`, or a constant if the operand is one number.
/// Operands that become arguments are appended to `operands`.
Value *elementOf(LoopBuilder &b, Block &region, Value *operand, std::vector<Value *> &operands);
/// An element in the type that it is computed in.
Value *widened(LoopBuilder &b, Value *element);
/// A size as an index value.
Value *sizeValue(LoopBuilder &b, const Dim &dim);

/// What a region costs, in simple ops: divisions and transcendentals count as several.
int64_t weightOf(Block &region);

/// Ends the only region of a kernel: yields the element as the type of the kernel's result. The
/// builder is left behind the kernel.
void endEpilogue(LoopBuilder &b, Op *kernel, Value *element);
/// An element of an operand that the epilogue reads from now on, or a constant, see elementOf;
/// widened. The builder is left at the end of the kernel's region.
Value *epilogueElement(LoopBuilder &b, Op *kernel, Value *operand);

} // namespace cameo
