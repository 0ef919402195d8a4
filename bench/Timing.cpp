// See Timing.h.
#include "bench/Timing.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>
#include <thread>

namespace cameo {

namespace {

/// The latencies of one slice.
Result<std::vector<double>> runSlice(const Candidate &candidate, double slice) {
  if (candidate.slice)
    return candidate.slice(slice);
  std::vector<double> samples;
  double end = now() + slice;
  do {
    double start = now();
    TRY(candidate.run());
    samples.push_back(now() - start);
  } while (now() < end);
  return samples;
}

} // namespace

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double percentile(const std::vector<double> &sorted, double p) {
  if (sorted.empty())
    return 0;
  double at = std::clamp(p, 0.0, 1.0) * static_cast<double>(sorted.size() - 1);
  size_t low = static_cast<size_t>(at), high = std::min(low + 1, sorted.size() - 1);
  return sorted[low] + (at - std::floor(at)) * (sorted[high] - sorted[low]);
}

Summary summarize(std::vector<double> samples) {
  if (samples.empty())
    return {};
  std::sort(samples.begin(), samples.end());
  Summary summary;
  summary.runs = static_cast<int64_t>(samples.size());
  summary.min = samples.front();
  summary.max = samples.back();
  summary.p50 = percentile(samples, 0.5);
  summary.p90 = percentile(samples, 0.9);
  summary.p99 = percentile(samples, 0.99);
  summary.mean =
      std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  return summary;
}

Result<std::vector<Timing>> measureInterleaved(const std::vector<Candidate> &candidates,
                                               const TimingOptions &options) {
  double start = now();
  for (const Candidate &candidate : candidates)
    if (!candidate.slice)
      TRY(candidate.run());
  std::vector<Timing> timings(candidates.size());
  for (int round = 0; round < options.rounds; ++round) {
    if (round > 0 && now() - start > options.limit)
      break;
    for (size_t i = 0; i < candidates.size(); ++i) {
      std::vector<double> slice = TRY(runSlice(candidates[i], options.slice));
      timings[i].samples.insert(timings[i].samples.end(), slice.begin(), slice.end());
      timings[i].medians.push_back(summarize(std::move(slice)).p50);
    }
  }
  for (size_t i = 0; i < candidates.size(); ++i) {
    timings[i].name = candidates[i].name;
    std::ranges::sort(timings[i].samples);
    timings[i].summary = summarize(timings[i].samples);
  }
  return timings;
}

double Throughput::rate() const {
  std::vector<double> sorted = rates;
  std::sort(sorted.begin(), sorted.end());
  return percentile(sorted, 0.5);
}

Result<Throughput> measureTogether(const std::vector<Candidate> &candidates,
                                   const TimingOptions &options) {
  Throughput throughput;
  double start = now();
  for (int round = 0; round < options.rounds; ++round) {
    if (round > 0 && now() - start > options.limit)
      break;
    std::vector<Result<std::vector<double>>> slices(candidates.size(), std::vector<double>());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < candidates.size(); ++i)
      threads.emplace_back([&, i] { slices[i] = runSlice(candidates[i], options.slice); });
    for (std::thread &thread : threads)
      thread.join();
    double &rate = throughput.rates.emplace_back(0);
    for (Result<std::vector<double>> &slice : slices) {
      std::vector<double> samples = TRY(std::move(slice));
      throughput.runs += std::ssize(samples);
      rate += 1 / summarize(std::move(samples)).mean;
    }
  }
  return throughput;
}

double speedup(const Timing &a, const Timing &b) {
  std::vector<double> ratios;
  for (size_t i = 0; i < std::min(a.medians.size(), b.medians.size()); ++i)
    ratios.push_back(a.medians[i] / b.medians[i]);
  std::sort(ratios.begin(), ratios.end());
  return percentile(ratios, 0.5);
}

} // namespace cameo
