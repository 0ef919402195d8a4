// What `cameo bench --profile` has measured, and the forms that it is shown in.
#pragma once

#include "tools/KernelTimes.h"
#include "tools/Roofline.h"

#include <string>
#include <vector>

namespace cameo {

/// With one number of threads.
struct ThreadsProfile {
  KernelTimes times;
  MachineLimits limits;
  std::vector<Bound> bounds; // one a kernel
};

struct Profile {
  std::string model;
  KernelPlan plan;
  std::vector<ThreadsProfile> runs;
};

/// Adds what was measured, with the bounds that follow.
void addRun(Profile &profile, KernelTimes times, MachineLimits limits);

/// The kernels in a run that take longer than `kNearBound` of their bound, those with the most to
/// gain first; and the shares of the time of all kernels that the others take, and that kernels
/// take which are far beyond their bound: what was measured of this machine is then too low.
struct Efficiency {
  double near = 0, beyond = 0;
  std::vector<size_t> below;
};
Efficiency efficiencyOf(const ThreadsProfile &run);

/// The positions of kernels, those that take longest first.
std::vector<size_t> slowestFirst(const ThreadsProfile &run);

/// Tables no wider than `width` columns, if that is enough for their numbers: sums over kernels of
/// a kind, the kernels, and how near they are to their bounds.
std::string profileText(const Profile &profile, const ThreadsProfile &run, size_t width);

/// In order of execution. docs/bench.md describes it.
nlohmann::ordered_json profileJson(const Profile &profile, const ThreadsProfile &run);

/// The fastest runs in the trace event format that Perfetto and Chrome read: a process for each
/// number of threads, a slice for each run and, within it, for each kernel. Kernels are drawn one
/// behind the other from the start of the run, as only their times are known.
std::string profileTrace(const Profile &profile);

/// The part of a page of HTML that is about a profile.
std::string profileHtml(const Profile &profile);

} // namespace cameo
