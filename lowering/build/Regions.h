// What is written into the regions of kernel ops.
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <unordered_map>
#include <vector>

namespace cameo {

/// A region argument for an element of `operand`, or a constant if the operand is one number.
/// Operands that become arguments are appended to `operands`.
Value *elementOf(LoopBuilder &b, Block &region, Value *operand, std::vector<Value *> &operands);
/// An element in the type that it is computed in.
Value *widened(LoopBuilder &b, Value *element);
/// A size as an index value.
Value *sizeValue(LoopBuilder &b, const Dim &dim);

/// What an op in a region, or all of them, cost, in simple ops: divisions and transcendentals count
/// as several.
int64_t weightOf(const Op &op);
int64_t weightOf(Block &region);

/// Copies the ops of a region, which have no regions of their own, to the builder's place. `map`
/// has what stands for the region's arguments, and gets what stands for the ops' results. Returns
/// what stands for the values that the region yields.
std::vector<Value *> cloneBody(LoopBuilder &b, Block &region,
                               std::unordered_map<Value *, Value *> &map);

/// Drops scalar ops that nobody reads.
void dropUnusedScalars(Block &region);

/// Ends the only region of a kernel: yields the element as the type of the kernel's result. The
/// builder is left behind the kernel.
void endEpilogue(LoopBuilder &b, Op *kernel, Value *element);
/// An element of an operand that the epilogue reads from now on, or a constant, see elementOf;
/// widened. The builder is left at the end of the kernel's region.
Value *epilogueElement(LoopBuilder &b, Op *kernel, Value *operand);

} // namespace cameo
