// A profile as a trace. See Profile.h. The format: "Trace Event Format" of the Chromium project;
// times are in microseconds.
#include "tools/Profile.h"

#include "bench/Report.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr double kMicro = 1e6;

nlohmann::ordered_json slice(const std::string &name, int32_t threads, double begin, double seconds,
                             nlohmann::ordered_json details) {
  return {{"name", name},   {"ph", "X"}, {"ts", begin * kMicro},      {"dur", seconds * kMicro},
          {"pid", threads}, {"tid", 1},  {"args", std::move(details)}};
}

void addEvents(nlohmann::ordered_json &events, const Profile &profile, const ThreadsProfile &run) {
  int32_t threads = run.times.threads;
  std::string name = fmt::format("{}, {}", profile.model, plural(threads, "thread"));
  events.push_back(
      {{"name", "process_name"}, {"ph", "M"}, {"pid", threads}, {"args", {{"name", name}}}});
  std::vector<RunTimes> runs = run.times.fastest;
  std::sort(runs.begin(), runs.end(),
            [](const RunTimes &a, const RunTimes &b) { return a.start < b.start; });
  for (const RunTimes &one : runs) {
    double begin = one.start - runs.front().start;
    events.push_back(slice("run", threads, begin, one.seconds, {}));
    for (size_t i = 0; i < one.kernels.size(); ++i) {
      const KernelRow &row = profile.plan.kernels[i];
      double seconds = one.kernels[i];
      nlohmann::ordered_json details = {{"nodes", row.loc.str()}, {"output", row.output}};
      if (row.cost.flops > 0 && seconds > 0)
        details["GFLOP/s"] = row.cost.flops / seconds / 1e9;
      details["bound"] = run.bounds[i].limit;
      details["reached"] = run.bounds[i].reached(seconds);
      events.push_back(
          slice(fmt::format("#{} {}", i, row.kernel), threads, begin, seconds, std::move(details)));
      begin += seconds;
    }
  }
}

} // namespace

std::string profileTrace(const Profile &profile) {
  nlohmann::ordered_json trace = {{"displayTimeUnit", "ns"},
                                  {"traceEvents", nlohmann::ordered_json::array()}};
  for (const ThreadsProfile &run : profile.runs)
    addEvents(trace["traceEvents"], profile, run);
  return jsonText(trace);
}

} // namespace cameo
