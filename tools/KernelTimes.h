// Where the time of a run goes: the time of each kernel, read from a library that was
// compiled to measure itself (lowering/program/Profile.h). What `bench --profile` prints.
#pragma once

#include "bench/Library.h"
#include "tools/KernelPlan.h"

namespace cameo {

/// One run: when it began, by a clock of no particular zero, and what it took, in seconds.
struct RunTimes {
  double start = 0, seconds = 0;
  std::vector<double> kernels;
};

struct KernelTimes {
  int32_t threads = 1;
  int64_t runs = 0;
  double total = 0; // seconds of a run: the average over the fastest quarter of the runs
  /// Seconds of each kernel of the plan in these; and what is left of `total`: checks, copies,
  /// control flow.
  std::vector<double> kernels;
  double rest = 0;
  std::vector<RunTimes> fastest; // a few runs, the fastest first
};

/// Runs the library for `seconds`, at least a few times. Its last output are the ticks of the
/// kernels of `plan`.
Result<KernelTimes> measureKernels(const std::string &library, const RunOptions &options,
                                   const std::vector<RuntimeValue> &inputs, const KernelPlan &plan,
                                   double seconds);

} // namespace cameo
