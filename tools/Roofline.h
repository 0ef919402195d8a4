// The least time that a machine needs for a kernel: the roofline model. Each kernel is bound by
// arithmetic or by the memory that it goes through, whichever takes longer.
#pragma once

#include "bench/Machine.h"
#include "tools/KernelCost.h"

#include <string>

namespace cameo {

/// Kernels at this share of their bound or more count as done.
inline constexpr double kNearBound = 0.9;

struct Bound {
  double seconds = 0; // 0: nothing is known that bounds it
  /// `f32`, `bf16`, `int8`: products in that type; `winograd`: the fewer products of that
  /// algorithm, in f32; `ops`: what is done to single elements; or the name of a level of memory.
  std::string limit;

  /// Of the bound that a kernel reaches which takes so long.
  double reached(double taken) const { return taken > 0 ? seconds / taken : 0; }
};

/// Weights come from the level that holds what the whole run goes through, `runBytes`, as each is
/// read once a run; other operands and results from the nearest level that holds what the kernel
/// does.
Bound boundOf(const KernelCost &cost, double runBytes, const MachineLimits &limits);

} // namespace cameo
