// See KernelTimes.h.
#include "tools/KernelTimes.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <map>
#include <numeric>

namespace cameo {

namespace {

constexpr int64_t kMinRuns = 5, kMaxRuns = 5000;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

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
  return times;
}

std::string rateText(const KernelRow &row, double seconds) {
  if (seconds <= 0 || row.flops + row.bytes <= 0)
    return "-";
  return row.flops > 0 ? fmt::format("{:.1f} GFLOP/s", row.flops / seconds / 1e9)
                       : fmt::format("{:.1f} GB/s", row.bytes / seconds / 1e9);
}

std::string shareText(double seconds, double total) {
  return fmt::format("{:.1f} %", total > 0 ? 100 * seconds / total : 0);
}

/// One line a kind of kernel, the slowest first.
std::string kindsText(const KernelTimes &times, const KernelPlan &plan) {
  struct Kind {
    std::string name;
    int64_t count = 0;
    KernelRow sum;
    double seconds = 0;
  };
  std::map<std::string, Kind> byName;
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    Kind &kind = byName[plan.kernels[i].kernel];
    kind.name = plan.kernels[i].kernel;
    ++kind.count;
    kind.sum.flops += plan.kernels[i].flops;
    kind.sum.bytes += plan.kernels[i].bytes;
    kind.seconds += times.kernels[i];
  }
  std::vector<Kind> kinds;
  for (const auto &[name, kind] : byName)
    kinds.push_back(kind);
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const Kind &a, const Kind &b) { return a.seconds > b.seconds; });
  Table table({"kind", "count", "time", "share", "rate"});
  for (const Kind &kind : kinds)
    table.add({kind.name, std::to_string(kind.count), formatSeconds(kind.seconds),
               shareText(kind.seconds, times.total), rateText(kind.sum, kind.seconds)});
  table.add(
      {"outside kernels", "", formatSeconds(times.rest), shareText(times.rest, times.total), ""});
  return table.str();
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

std::string kernelTimesText(const KernelTimes &times, const KernelPlan &plan) {
  std::vector<size_t> order(plan.kernels.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return times.kernels[a] > times.kernels[b]; });
  Table table({"#", "kernel", "time", "share", "rate", "output", "nodes"});
  for (size_t i : order) {
    const KernelRow &row = plan.kernels[i];
    table.add({std::to_string(i), row.kernel, formatSeconds(times.kernels[i]),
               shareText(times.kernels[i], times.total), rateText(row, times.kernels[i]),
               row.output, row.nodes});
  }
  return fmt::format("{} thread{}, {} runs of {}\n\n{}\n{}", times.threads,
                     times.threads == 1 ? "" : "s", times.runs, formatSeconds(times.total),
                     kindsText(times, plan), table.str());
}

nlohmann::ordered_json kernelTimesJson(const KernelTimes &times, const KernelPlan &plan) {
  nlohmann::ordered_json json = {{"threads", times.threads},
                                 {"runs", times.runs},
                                 {"seconds", times.total},
                                 {"outside_kernels", times.rest},
                                 {"kernels", nlohmann::ordered_json::array()}};
  for (size_t i = 0; i < plan.kernels.size(); ++i) {
    const KernelRow &row = plan.kernels[i];
    json["kernels"].push_back({{"kernel", row.kernel},
                               {"nodes", row.nodes},
                               {"output", row.output},
                               {"seconds", times.kernels[i]},
                               {"share", times.total > 0 ? times.kernels[i] / times.total : 0},
                               {"flops", row.flops},
                               {"bytes", row.bytes}});
  }
  return json;
}

} // namespace cameo
