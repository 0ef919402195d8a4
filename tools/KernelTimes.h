// Where the time of a run goes: the time of each kernel, read from a library that was
// compiled to measure itself (lowering/program/Profile.h). What `bench --profile` prints.
#pragma once

#include "bench/Library.h"
#include "tools/KernelPlan.h"

namespace cameo {

struct KernelTimes {
  int32_t threads = 1;
  int64_t runs = 0;
  double total = 0; // seconds of a run: the average over the fastest quarter of the runs
  /// Seconds of each kernel of the plan in these; and what is left of `total`: checks, copies,
  /// control flow.
  std::vector<double> kernels;
  double rest = 0;
};

/// Runs the library for `seconds`, at least a few times. Its last output are the ticks of the
/// kernels of `plan`.
Result<KernelTimes> measureKernels(const std::string &library, const RunOptions &options,
                                   const std::vector<RuntimeValue> &inputs, const KernelPlan &plan,
                                   double seconds);

/// The kernels, those that take longest first, and the sums over kernels of a kind.
std::string kernelTimesText(const KernelTimes &times, const KernelPlan &plan);
/// In order of execution.
nlohmann::ordered_json kernelTimesJson(const KernelTimes &times, const KernelPlan &plan);

} // namespace cameo
