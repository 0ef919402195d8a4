// See KernelTimes.h.
#include "tools/KernelTimes.h"

#include <algorithm>
#include <numeric>

namespace cameo {

namespace {

constexpr int64_t kMinRuns = 5, kMaxRuns = 5000;
constexpr size_t kKept = 10; // of the fastest runs

/// What a run took, by our clock and the library's.
struct Sample {
  double start, end;
  std::vector<int64_t> ticks;

  double seconds() const { return end - start; }
};

Result<Sample> sampleOf(Session &session, int32_t output) {
  Sample sample = {.start = now(), .end = 0, .ticks = {}};
  TRY(session.rerun());
  sample.end = now();
  RuntimeValue value = TRY(session.output(output));
  const int64_t *ticks = reinterpret_cast<const int64_t *>(value.tensor().data());
  sample.ticks.assign(ticks, ticks + value.tensor().numBytes() / 8);
  return sample;
}

/// The length of a tick, from the last kernels' ends of the first and the last run.
Result<double> secondsPerTick(const std::vector<Sample> &samples) {
  const Sample &first = samples.front(), &last = samples.back();
  int64_t ticks = last.ticks.back() - first.ticks.back();
  if (ticks <= 0)
    return unsupported("--profile: there is no clock here that compiled code may read");
  return (last.end - first.end) / static_cast<double>(ticks);
}

/// Averages over the fastest quarter of the runs: others were disturbed, and of medians the sum of
/// the parts would not be the whole.
KernelTimes average(std::vector<Sample> samples, double tick) {
  std::stable_sort(samples.begin(), samples.end(),
                   [](const Sample &a, const Sample &b) { return a.seconds() < b.seconds(); });
  size_t count = std::max<size_t>(1, samples.size() / 4);
  double share = 1 / static_cast<double>(count);
  KernelTimes times;
  times.runs = std::ssize(samples);
  times.kernels.resize(samples.front().ticks.size() - 1);
  for (size_t i = 0; i < count; ++i) {
    times.total += share * samples[i].seconds();
    for (size_t kernel = 0; kernel < times.kernels.size(); ++kernel)
      times.kernels[kernel] += share * tick * static_cast<double>(samples[i].ticks[kernel]);
  }
  double inKernels = std::accumulate(times.kernels.begin(), times.kernels.end(), 0.0);
  times.rest = std::max(0.0, times.total - inKernels);
  count = std::min(count, kKept);
  for (size_t i = 0; i < count; ++i) {
    RunTimes &run = times.fastest.emplace_back();
    run.start = samples[i].start;
    run.seconds = samples[i].seconds();
    double kernels = 0;
    for (size_t kernel = 0; kernel < times.kernels.size(); ++kernel)
      kernels += run.kernels.emplace_back(tick * static_cast<double>(samples[i].ticks[kernel]));
    // The length of a tick is not exact, above all where runs are short.
    for (double &kernel : run.kernels)
      kernel *= std::min(1.0, run.seconds / std::max(kernels, 1e-12));
  }
  return times;
}

} // namespace

Result<KernelTimes> measureKernels(const std::string &library, const RunOptions &options,
                                   const std::vector<RuntimeValue> &inputs, const KernelPlan &plan,
                                   double seconds) {
  std::shared_ptr<Library> loaded = TRY(Library::load(library));
  int32_t output = loaded->model().num_outputs - 1;
  std::unique_ptr<Session> session = TRY(Session::create(loaded, options));
  TRY(session->run(inputs));
  std::vector<Sample> samples;
  double end = now() + seconds;
  while (std::ssize(samples) < kMinRuns || (now() < end && std::ssize(samples) < kMaxRuns))
    samples.push_back(TRY(sampleOf(*session, output)));
  ICE_UNLESS(samples.front().ticks.size() == plan.kernels.size() + 1,
             "the kernels of the plan are not those of the library");
  double tick = TRY(secondsPerTick(samples));
  KernelTimes times = average(std::move(samples), tick);
  times.threads = options.threads;
  return times;
}

} // namespace cameo
