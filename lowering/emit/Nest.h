// A loop nest over the elements of a result, and what each tensor's strides are along its loops.
// Neighbouring loops that are contiguous in every tensor are merged, so that a dense elementwise
// kernel is one loop whatever its rank; loops run in the order of the first tensor's memory.
#pragma once

#include "lowering/build/Strides.h"
#include "lowering/emit/KernelFunc.h"
#include "lowering/emit/UnitLoops.h"

#include <functional>
#include <vector>

namespace cameo {

struct Nest {
  std::vector<NestAxis> axes; // outermost first
  size_t numTensors = 0;

  /// Over the elements of `lead`, whose tensor comes first; others are broadcast to its shape.
  static Nest over(const Value &lead, const std::vector<Value *> &others);
};

/// Where a nest's innermost loop is: each tensor's offset at its first element, and the number of
/// elements of the run.
struct NestRun {
  std::vector<Value *> offsets;
  Value *count;
};

/// Writes the loops of units [k.begin, k.end) around `body`, which writes the innermost loop.
/// Returns the number of units.
Dim emitNest(KernelFunc &k, const Nest &nest, const std::function<void(const NestRun &)> &body);

/// Writes the loops over all dims of the first tensor but `axis`, a unit each; body gets each
/// tensor's offset at the line's first element. The other tensors have as many dims, or lack the
/// axis. Returns the number of units.
Dim emitLines(KernelFunc &k, int64_t axis, const std::vector<const Value *> &tensors,
              const std::function<void(const std::vector<Value *> &)> &body);

/// Writes a loop over [0, count) in steps of `lanes`; the rest, if any, is one masked step where
/// the target can mask elements of `elementBytes`, else a scalar loop. body(i, lanes, mask or
/// nullptr).
void emitVectorLoop(KernelFunc &k, Value *count, int64_t lanes, int64_t elementBytes,
                    const std::function<void(Value *, int64_t, Value *)> &body);
} // namespace cameo
