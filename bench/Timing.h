// Latencies, measured fairly: the candidates take turns in short slices, so that a change of clock
// speed or a busy neighbour hits all of them, and a ratio is taken within a round.
#pragma once

#include "ir/Result.h"

#include <functional>
#include <string>
#include <vector>

namespace cameo {

/// Seconds on a clock that never goes back.
double now();

/// The value below which a share `p` (0 to 1) of the sorted samples lies, interpolated linearly
/// between neighbours as NumPy does. 0 without samples.
double percentile(const std::vector<double> &sorted, double p);

/// Latencies in seconds.
struct Summary {
  int64_t runs = 0;
  double min = 0, p50 = 0, p90 = 0, p99 = 0, max = 0, mean = 0;
};
Summary summarize(std::vector<double> samples);

struct Candidate {
  std::string name;
  std::function<Result<void>()> run;
  /// Instead of `run`, for what runs in a process of its own: the latencies of a slice of so many
  /// seconds, without those of warming up.
  std::function<Result<std::vector<double>>(double seconds)> slice = {};
};

struct TimingOptions {
  int rounds = 5;
  /// Seconds a candidate runs in a round; at least one run whatever it takes.
  double slice = 0.3;
  /// After this many seconds in all no further round starts.
  double limit = 120;
};

struct Timing {
  std::string name;
  Summary summary;
  std::vector<double> medians; // one a round
  std::vector<double> samples; // sorted
};

/// Runs every candidate once to warm up, then in rounds. An error of a run ends it.
Result<std::vector<Timing>> measureInterleaved(const std::vector<Candidate> &candidates,
                                               const TimingOptions &options = {});

/// How many runs a second several candidates make together.
struct Throughput {
  int64_t runs = 0;
  std::vector<double> rates; // one a round, the candidates' sum

  double rate() const; // median over rounds
};

/// Runs all candidates at the same time, each in a thread of its own, in rounds of a slice. An
/// error of a run ends it.
Result<Throughput> measureTogether(const std::vector<Candidate> &candidates,
                                   const TimingOptions &options = {});

/// Median over rounds of how many times `b` is faster than `a`.
double speedup(const Timing &a, const Timing &b);

} // namespace cameo
