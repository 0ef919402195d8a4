// Loops over elements (lowering/plan/Loops.h) as their plans cut them.
#pragma once

#include "ir/kernel/Plan.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/emit/UnitLoops.h"
#include "lowering/plan/Loops.h"

#include <functional>
#include <vector>

namespace cameo {

/// Where a nest's inner loops are: each tensor's offset at their first element, and the number of
/// iterations of the innermost one.
struct NestRun {
  std::vector<Value *> offsets;
  Value *count;
};

/// Writes the loops of units [k.begin, k.end) around `body`, which writes the innermost `numInner`
/// loops. Returns the number of units.
Dim emitNest(KernelFunc &k, const Nest &nest, const NestPlan &plan,
             const std::function<void(const NestRun &)> &body, size_t numInner = 1);

/// Writes the loops of a kernel whose units are the lines along `axis` (lineLoops); body gets each
/// tensor's offset at the line's first element. Returns the number of units.
Dim emitLines(KernelFunc &k, int64_t axis, const std::vector<const Value *> &tensors,
              const std::function<void(const std::vector<Value *> &)> &body);

/// Writes a `pointwise`, or a `copy` that does not go in blocks. Returns the number of units.
Dim emitElements(KernelFunc &k, const NestPlan &plan);

/// Writes a loop over [0, count) in the plan's vectors. body(i, lanes, mask or nullptr).
void emitVectorLoop(KernelFunc &k, Value *count, const LoopPlan &plan,
                    const std::function<void(Value *, int64_t, Value *)> &body);

} // namespace cameo
