// A profile as tables and as JSON. See Profile.h.
#include "tools/Profile.h"

#include "bench/Report.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <numeric>

namespace cameo {

namespace {

constexpr size_t kKernelWidth = 19, kLeastNodes = 6, kListed = 10;

double part(double seconds, double total) { return total > 0 ? seconds / total : 0; }

std::string percent(double share) { return fmt::format("{:.1f}", 100 * share); }

/// In 10^9 a second; "-" for none.
std::string giga(double count, double seconds) {
  return count > 0 && seconds > 0 ? fmt::format("{:.1f}", count / seconds / 1e9) : "-";
}

std::string reachedText(const Bound &bound, double taken) {
  return bound.seconds > 0 ? fmt::format("{:.0f}", 100 * bound.reached(taken)) : "-";
}

/// One line a kind of kernel, the slowest first.
std::string kindsText(const Profile &profile, const ThreadsProfile &run) {
  struct Kind {
    std::string name;
    int64_t count = 0;
    double seconds = 0, bound = 0, flops = 0, bytes = 0;
  };
  std::map<std::string, Kind> byName;
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    const KernelRow &row = profile.plan.kernels[i];
    Kind &kind = byName[row.kernel];
    kind.name = row.kernel;
    ++kind.count;
    kind.seconds += run.times.kernels[i];
    kind.bound += run.bounds[i].seconds;
    kind.flops += row.cost.flops;
    kind.bytes += row.cost.bytes();
  }
  std::vector<Kind> kinds;
  for (const auto &[name, kind] : byName)
    kinds.push_back(kind);
  std::stable_sort(kinds.begin(), kinds.end(),
                   [](const Kind &a, const Kind &b) { return a.seconds > b.seconds; });
  Table table({"kind", "count", "time", "%", "GFLOP/s", "GB/s", "of bound"});
  for (const Kind &kind : kinds)
    table.add({fit(kind.name, kKernelWidth, Cut::Back), std::to_string(kind.count),
               formatSeconds(kind.seconds), percent(part(kind.seconds, run.times.total)),
               giga(kind.flops, kind.seconds), giga(kind.bytes, kind.seconds),
               percent(part(kind.bound, kind.seconds))});
  table.add({"outside kernels", "", formatSeconds(run.times.rest),
             percent(part(run.times.rest, run.times.total)), "", "", ""});
  return table.str();
}

std::string kernelsText(const Profile &profile, const ThreadsProfile &run, size_t width) {
  std::vector<size_t> order = slowestFirst(run);
  auto tableOf = [&](size_t nodesWidth) {
    Table table({"#", "kernel", "time", "%", "GFLOP/s", "GB/s", "bound", "of it", "nodes"});
    for (size_t i : order) {
      const KernelRow &row = profile.plan.kernels[i];
      double seconds = run.times.kernels[i];
      table.add({std::to_string(i), fit(row.kernel, kKernelWidth, Cut::Back),
                 formatSeconds(seconds), percent(part(seconds, run.times.total)),
                 giga(row.cost.flops, seconds), giga(row.cost.bytes(), seconds),
                 run.bounds[i].limit, reachedText(run.bounds[i], seconds),
                 nodesIn(row.loc, nodesWidth)});
    }
    return table;
  };
  size_t numbers = tableOf(1).width();
  return tableOf(width > numbers + kLeastNodes ? width - numbers : kLeastNodes).str();
}

std::string efficiencyText(const Profile &profile, const ThreadsProfile &run, size_t width) {
  Efficiency efficiency = efficiencyOf(run);
  std::string text = fmt::format("{} % of the time in kernels is in those at {:.0f} % of their "
                                 "bound or more\n",
                                 percent(efficiency.near), 100 * kNearBound);
  size_t listed = std::min(efficiency.below.size(), kListed);
  if (listed > 0)
    text += fmt::format("{} below; with the most to gain:\n",
                        plural(std::ssize(efficiency.below), "kernel"));
  for (size_t i : std::span(efficiency.below).first(listed)) {
    const Bound &bound = run.bounds[i];
    double gain = run.times.kernels[i] - bound.seconds;
    std::string line =
        fmt::format("  #{} {}: {} over its bound ({}) ", i, profile.plan.kernels[i].kernel,
                    formatSeconds(gain), bound.limit.empty() ? "unknown" : bound.limit);
    size_t room = width > line.size() + kLeastNodes ? width - line.size() : kLeastNodes;
    text += line + nodesIn(profile.plan.kernels[i].loc, room) + "\n";
  }
  return text;
}

std::string limitsText(const Profile &profile, const ThreadsProfile &run) {
  const MachineLimits &limits = run.limits;
  std::vector<std::string> levels;
  for (const MemoryLevel &level : limits.levels)
    levels.push_back(fmt::format("{} {:.0f}", level.name, level.read / 1e9));
  double barriers = static_cast<double>(profile.plan.kernels.size()) * limits.barrier;
  std::string text =
      fmt::format("this machine: f32 {:.0f}, bf16 {:.0f}, int8 {:.0f} GFLOP/s\n{} GB/s\n",
                  limits.f32 / 1e9, limits.bf16 / 1e9, limits.int8 / 1e9, fmt::join(levels, ", "));
  if (limits.threads > 1)
    text += fmt::format("{} of {} are {} % of a run\n",
                        plural(std::ssize(profile.plan.kernels), "barrier"),
                        formatSeconds(limits.barrier), percent(part(barriers, run.times.total)));
  return text;
}

} // namespace

void addRun(Profile &profile, KernelTimes times, MachineLimits limits) {
  ThreadsProfile &run = profile.runs.emplace_back();
  run.times = std::move(times);
  run.limits = std::move(limits);
  for (const KernelRow &row : profile.plan.kernels)
    run.bounds.push_back(boundOf(row.cost, profile.plan.runBytes, run.limits));
}

Efficiency efficiencyOf(const ThreadsProfile &run) {
  Efficiency efficiency;
  constexpr double kBeyond = 1.25; // the clock alone differs by less between two measurements
  double all = 0, near = 0, beyond = 0;
  for (size_t i = 0; i < run.bounds.size(); ++i) {
    double seconds = run.times.kernels[i];
    all += seconds;
    if (run.bounds[i].reached(seconds) >= kNearBound)
      near += seconds;
    else
      efficiency.below.push_back(i);
    if (run.bounds[i].reached(seconds) > kBeyond)
      beyond += seconds;
  }
  efficiency.near = part(near, all);
  efficiency.beyond = part(beyond, all);
  auto gain = [&](size_t i) { return run.times.kernels[i] - run.bounds[i].seconds; };
  std::stable_sort(efficiency.below.begin(), efficiency.below.end(),
                   [&](size_t a, size_t b) { return gain(a) > gain(b); });
  return efficiency;
}

std::vector<size_t> slowestFirst(const ThreadsProfile &run) {
  std::vector<size_t> order(run.times.kernels.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return run.times.kernels[a] > run.times.kernels[b]; });
  return order;
}

std::string profileText(const Profile &profile, const ThreadsProfile &run, size_t width) {
  return fmt::format("{}, {} of {}\n{}\n{}\n{}\n{}", plural(run.times.threads, "thread"),
                     plural(run.times.runs, "run"), formatSeconds(run.times.total),
                     limitsText(profile, run), kindsText(profile, run),
                     kernelsText(profile, run, width), efficiencyText(profile, run, width));
}

nlohmann::ordered_json profileJson(const Profile &profile, const ThreadsProfile &run) {
  const KernelTimes &times = run.times;
  Efficiency efficiency = efficiencyOf(run);
  nlohmann::ordered_json json = {
      {"threads", times.threads},        {"runs", times.runs},
      {"seconds", times.total},          {"outside_kernels", times.rest},
      {"machine", toJson(run.limits)},   {"near_bound", efficiency.near},
      {"below_bound", efficiency.below}, {"kernels", nlohmann::ordered_json::array()}};
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    const KernelRow &row = profile.plan.kernels[i];
    const Bound &bound = run.bounds[i];
    double seconds = times.kernels[i];
    json["kernels"].push_back({{"kernel", row.kernel},
                               {"nodes", row.loc.nodes},
                               {"output", row.output},
                               {"seconds", seconds},
                               {"share", part(seconds, times.total)},
                               {"flops", row.cost.flops},
                               {"products", row.cost.products},
                               {"element_ops", row.cost.elementOps},
                               {"weight_bytes", row.cost.weightBytes},
                               {"read_bytes", row.cost.readBytes},
                               {"written_bytes", row.cost.writtenBytes},
                               {"bound", bound.limit},
                               {"bound_seconds", bound.seconds},
                               {"reached", bound.reached(seconds)}});
  }
  return json;
}

} // namespace cameo
