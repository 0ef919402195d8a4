// A profile as a part of a page of HTML: bars are boxes of text, the roofline plot is SVG.
// What a kernel is shows when the pointer is on it. See Profile.h.
#include "tools/Profile.h"

#include "bench/Report.h"
#include "tools/Html.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace cameo {

namespace {

constexpr size_t kMostBars = 60;
// As the bars have them, in Html.cpp.
constexpr const char *kBoundColor = "#4878a8", *kTakenColor = "#e6a157";

struct Bar {
  std::string label, detail;
  double seconds = 0, bound = 0;
};

/// One line a bar, the longest first.
std::string barsHtml(const std::string &title, std::vector<Bar> bars, double total) {
  std::stable_sort(bars.begin(), bars.end(),
                   [](const Bar &a, const Bar &b) { return a.seconds > b.seconds; });
  std::string html = fmt::format("<h3>{}</h3>\n", title);
  double longest = bars.empty() ? 0 : bars.front().seconds;
  size_t shown = std::min(bars.size(), kMostBars);
  for (size_t i = 0; i < shown; ++i) {
    const Bar &bar = bars[i];
    auto width = [&](double seconds) { return longest > 0 ? 100 * seconds / longest : 0; };
    html += fmt::format(
        "<div class=\"row\" title=\"{}\"><div class=\"label\"><bdi>{}</bdi></div><div "
        "class=\"track\"><div class=\"taken\" style=\"width:{:.2f}%\"></div><div class=\"bound\" "
        "style=\"width:{:.2f}%\"></div></div><div class=\"value\">{} ({:.1f} %)</div></div>\n",
        escaped(bar.detail), escaped(bar.label), width(bar.seconds),
        width(std::min(bar.bound, bar.seconds)), formatSeconds(bar.seconds),
        total > 0 ? 100 * bar.seconds / total : 0);
  }
  if (bars.size() > shown)
    html += fmt::format("<p>and {} more</p>\n", bars.size() - shown);
  return html;
}

std::string describe(const Profile &profile, const ThreadsProfile &run, size_t i) {
  const KernelRow &row = profile.plan.kernels[i];
  double seconds = run.times.kernels[i];
  std::string text =
      fmt::format("#{} {}, {}: {}", i, row.kernel, row.output, formatSeconds(seconds));
  if (row.cost.flops > 0 && seconds > 0)
    text += fmt::format(", {:.1f} GFLOP/s", row.cost.flops / seconds / 1e9);
  if (run.bounds[i].seconds > 0)
    text +=
        fmt::format(", {:.0f} % of {}", 100 * run.bounds[i].reached(seconds), run.bounds[i].limit);
  return text + ", " + row.loc.str();
}

std::string kernelBars(const Profile &profile, const ThreadsProfile &run) {
  std::vector<Bar> bars;
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    const KernelRow &row = profile.plan.kernels[i];
    std::string node = row.loc.nodes.empty() ? "" : row.loc.nodes.front();
    bars.push_back({fmt::format("{} #{} {}", node, i, row.kernel), describe(profile, run, i),
                    run.times.kernels[i], run.bounds[i].seconds});
  }
  return barsHtml("Time by kernel", std::move(bars), run.times.total);
}

std::string kindBars(const Profile &profile, const ThreadsProfile &run) {
  std::map<std::string, Bar> kinds;
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    Bar &bar = kinds[profile.plan.kernels[i].kernel];
    bar.label = bar.detail = profile.plan.kernels[i].kernel;
    bar.seconds += run.times.kernels[i];
    bar.bound += std::min(run.bounds[i].seconds, run.times.kernels[i]);
  }
  std::vector<Bar> bars = {{"outside kernels", "checks, copies, control flow", run.times.rest, 0}};
  for (const auto &[name, bar] : kinds)
    bars.push_back(bar);
  return barsHtml("Time by kind", std::move(bars), run.times.total);
}

std::string nodeBars(const Profile &profile, const ThreadsProfile &run) {
  std::map<std::string, Bar> nodes;
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    const std::vector<std::string> &names = profile.plan.kernels[i].loc.nodes;
    double share = 1 / static_cast<double>(std::max<size_t>(names.size(), 1));
    for (const std::string &name : names) {
      Bar &bar = nodes[name];
      bar.label = bar.detail = name;
      bar.seconds += share * run.times.kernels[i];
      bar.bound += share * std::min(run.bounds[i].seconds, run.times.kernels[i]);
    }
  }
  std::vector<Bar> bars;
  for (const auto &[name, bar] : nodes)
    bars.push_back(bar);
  return barsHtml("Time by ONNX node (the nodes of a kernel share its time evenly)",
                  std::move(bars), run.times.total);
}

// Decades of the roofline plot.
constexpr int kLowX = -2, kHighX = 4, kLowY = -1, kHighY = 4;

/// A level of memory rises to the highest peak that is known; peaks are level.
void addRoofs(Plot &plot, const MachineLimits &limits) {
  std::pair<const char *, double> peaks[] = {
      {"f32", limits.f32}, {"bf16", limits.bf16}, {"int8", limits.int8}};
  for (auto [name, peak] : peaks) {
    if (peak <= 0)
      continue;
    double decade = std::log10(peak / 1e9);
    plot.line(kLowX, decade, kHighX, decade, "#a33");
    plot.text(kHighX, decade, name, "end", -5, -4);
  }
  double top = std::log10(std::max({limits.f32, limits.bf16, limits.int8, 1e9}) / 1e9);
  double label = kLowX + 0.3; // each further to the right: levels lie close to each other
  for (const MemoryLevel &level : limits.levels) {
    if (level.read <= 0)
      continue;
    // Where decades of x and of the rate add up to those of y.
    double rate = std::log10(level.read / 1e9);
    double begin = std::max<double>(kLowX, kLowY - rate), at = std::max(label, begin);
    plot.line(begin, begin + rate, top - rate, top, "#396");
    plot.text(at, at + rate, level.name, "end", 0, -8);
    label += 0.3;
  }
}

/// Operations a byte against operations a second, both axes logarithmic.
std::string roofline(const Profile &profile, const ThreadsProfile &run) {
  Plot plot("Roofline", Plot::decades(kLowX, kHighX, "FLOP per byte"),
            Plot::decades(kLowY, kHighY, "GFLOP/s"));
  addRoofs(plot, run.limits);
  for (size_t i = 0; i < profile.plan.kernels.size(); ++i) {
    const KernelCost &cost = profile.plan.kernels[i].cost;
    double seconds = run.times.kernels[i], bytes = cost.bytes();
    double work = cost.flops > 0 ? cost.flops : cost.elementOps;
    if (work <= 0 || bytes <= 0 || seconds <= 0)
      continue;
    double share = run.times.total > 0 ? seconds / run.times.total : 0;
    bool isNear = run.bounds[i].reached(seconds) >= kNearBound;
    plot.circle(std::log10(work / bytes), std::log10(work / seconds / 1e9),
                3 + 30 * std::sqrt(share), isNear ? kBoundColor : kTakenColor,
                describe(profile, run, i));
  }
  return plot.svg();
}

} // namespace

std::string profileHtml(const Profile &profile) {
  std::string html =
      "<p>Blue is the time that a kernel needs at least on this machine, orange what "
      "it takes beyond.</p>\n";
  for (const ThreadsProfile &run : profile.runs) {
    html += fmt::format("<h2>{}, {}: {}</h2>\n<p>{}; {:.1f} % of the time in kernels is in "
                        "those at {:.0f} % of their bound or more.</p>\n",
                        escaped(profile.model), plural(run.times.threads, "thread"),
                        formatSeconds(run.times.total), escaped(run.limits.cpu),
                        100 * efficiencyOf(run).near, 100 * kNearBound);
    html += roofline(profile, run);
    html += kindBars(profile, run) + kernelBars(profile, run) + nodeBars(profile, run);
  }
  return html;
}

} // namespace cameo
