// A profile as a page of HTML that loads nothing: bars are boxes of text, the roofline plot is SVG.
// What a kernel is shows when the pointer is on it. See Profile.h.
#include "tools/Profile.h"

#include "bench/Report.h"
#include "support/Text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <map>

namespace cameo {

namespace {

constexpr size_t kMostBars = 60;

constexpr const char *kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 72em; padding: 0 1em; color: #222 }}
h2 {{ margin-top: 2em; border-top: 1px solid #ccc; padding-top: 1em }}
.row {{ display: flex; align-items: center; gap: .6em; margin: 1px 0 }}
.label {{ flex: 0 0 24em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: right; direction: rtl }}
.label bdi {{ direction: ltr }}
.track {{ flex: 1; position: relative; height: 1.1em }}
.taken, .bound {{ position: absolute; left: 0; height: 100% }}
.taken {{ background: #e6a157 }}
.bound {{ background: #4878a8 }}
.value {{ flex: 0 0 13em; white-space: nowrap }}
svg {{ width: 100%; background: #fafafa }}
svg text {{ font: 12px system-ui, sans-serif; fill: #555 }}
</style></head><body>
<h1>{0}</h1>
<p>Blue is the time that a kernel needs at least on this machine, orange what it takes beyond.</p>
)";

std::string escaped(const std::string &text) {
  std::string html;
  for (char c : oneLine(text))
    switch (c) {
    case '&':
      html += "&amp;";
      break;
    case '<':
      html += "&lt;";
      break;
    case '>':
      html += "&gt;";
      break;
    case '"':
      html += "&quot;";
      break;
    default:
      html += c;
    }
  return html;
}

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

/// Operations a byte against operations a second, both axes logarithmic.
class RooflinePlot {
public:
  RooflinePlot(const Profile &profile, const ThreadsProfile &run) : profile_(profile), run_(run) {}

  std::string svg() {
    std::string out = fmt::format("<h3>Roofline</h3>\n<svg viewBox=\"0 0 {} {}\" role=\"img\">\n",
                                  kWidth, kHeight);
    for (int decade = kLowX; decade <= kHighX; ++decade)
      out += line(decade, kLowY, decade, kHighY, "#ddd") +
             text(x(decade), kHeight - 5, fmt::format("{:g}", std::pow(10, decade)), "middle");
    for (int decade = kLowY; decade <= kHighY; ++decade)
      out += line(kLowX, decade, kHighX, decade, "#ddd") +
             text(kLeft - 5, y(decade) + 4, fmt::format("{:g}", std::pow(10, decade)), "end");
    out += text(kWidth - kRight - 5, kHeight - 25, "FLOP per byte", "end") +
           text(kLeft + 5, kTop + 15, "GFLOP/s", "start") + roofs();
    for (size_t i = 0; i < profile_.plan.kernels.size(); ++i)
      out += point(i);
    return out + "</svg>\n";
  }

private:
  static constexpr double kWidth = 960, kHeight = 480;
  static constexpr double kLeft = 55, kRight = 25, kTop = 10, kBottom = 20; // margins
  static constexpr int kLowX = -2, kHighX = 4, kLowY = -1, kHighY = 4;      // decades

  static double x(double decade) {
    return kLeft + (kWidth - kLeft - kRight) * (decade - kLowX) / (kHighX - kLowX);
  }
  static double y(double decade) {
    return kTop + (kHeight - kTop - kBottom) * (1 - (decade - kLowY) / (kHighY - kLowY));
  }
  static std::string line(double x1, double y1, double x2, double y2, const char *color) {
    return fmt::format(
        "<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n", x(x1),
        y(y1), x(x2), y(y2), color);
  }
  static std::string text(double x, double y, const std::string &what, const char *anchor) {
    return fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n", x, y,
                       anchor, escaped(what));
  }

  /// A level of memory rises to the highest peak that is known; peaks are level.
  std::string roofs() const {
    const MachineLimits &limits = run_.limits;
    std::string out;
    std::pair<const char *, double> peaks[] = {
        {"f32", limits.f32}, {"bf16", limits.bf16}, {"int8", limits.int8}};
    for (auto [name, peak] : peaks) {
      if (peak <= 0)
        continue;
      double decade = std::log10(peak / 1e9);
      out += line(kLowX, decade, kHighX, decade, "#a33") +
             text(kWidth - kRight - 5, y(decade) - 4, name, "end");
    }
    double top = std::log10(std::max({limits.f32, limits.bf16, limits.int8, 1e9}) / 1e9);
    double label = kLowX + 0.3; // each further to the right: levels lie close to each other
    for (const MemoryLevel &level : limits.levels) {
      if (level.read <= 0)
        continue;
      // Where decades of x and of the rate add up to those of y.
      double rate = std::log10(level.read / 1e9);
      double begin = std::max<double>(kLowX, kLowY - rate);
      out +=
          line(begin, begin + rate, top - rate, top, "#396") +
          text(x(std::max(label, begin)), y(std::max(label, begin) + rate) - 8, level.name, "end");
      label += 0.3;
    }
    return out;
  }

  std::string point(size_t i) const {
    const KernelCost &cost = profile_.plan.kernels[i].cost;
    double seconds = run_.times.kernels[i], bytes = cost.bytes();
    double work = cost.flops > 0 ? cost.flops : cost.elementOps;
    if (work <= 0 || bytes <= 0 || seconds <= 0)
      return "";
    auto decade = [](double value, int low, int high) {
      return std::clamp<double>(std::log10(value), low, high);
    };
    double share = run_.times.total > 0 ? seconds / run_.times.total : 0;
    bool isNear = run_.bounds[i].reached(seconds) >= kNearBound;
    return fmt::format(
        "<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\" fill-opacity=\"0.6\">"
        "<title>{}</title></circle>\n",
        x(decade(work / bytes, kLowX, kHighX)), y(decade(work / seconds / 1e9, kLowY, kHighY)),
        3 + 30 * std::sqrt(share), isNear ? "#4878a8" : "#e6a157",
        escaped(describe(profile_, run_, i)));
  }

  const Profile &profile_;
  const ThreadsProfile &run_;
};

} // namespace

std::string profilePage(const Profile &profile) {
  std::string html = fmt::format(fmt::runtime(kHead), escaped(profile.model));
  for (const ThreadsProfile &run : profile.runs) {
    html += fmt::format("<h2>{}: {}</h2>\n<p>{}; {:.1f} % of the time in kernels is in "
                        "those at {:.0f} % of their bound or more.</p>\n",
                        plural(run.times.threads, "thread"), formatSeconds(run.times.total),
                        escaped(run.limits.cpu), 100 * efficiencyOf(run).near, 100 * kNearBound);
    html += RooflinePlot(profile, run).svg();
    html += kindBars(profile, run) + kernelBars(profile, run) + nodeBars(profile, run);
  }
  return html + "</body></html>\n";
}

} // namespace cameo
