// A benchmark as one page of HTML. See Bench.h.
#include "bench/Report.h"
#include "tools/Bench.h"
#include "tools/Html.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace cameo {

namespace {

std::string tableHtml(const std::vector<std::vector<std::string>> &rows) {
  std::string html = "<div class=\"scroll\"><table>\n";
  for (const std::vector<std::string> &row : rows) {
    const char *cell = &row == rows.data() ? "th" : "td";
    html += "<tr>";
    for (const std::string &text : row)
      html += fmt::format("<{0}>{1}</{0}>", cell, escaped(text));
    html += "</tr>\n";
  }
  return html + "</table></div>\n";
}

std::string nameOf(const BenchReport &report, const Runner &runner) {
  if (report.subjects.size() == 1)
    return runner.name;
  return report.subjects[runner.subject].model + ", " + runner.name;
}

/// Which share of the runs took at most how long.
std::string latencies(const BenchReport &report) {
  double shortest = HUGE_VAL, longest = 0;
  for (const Runner &runner : report.runners) {
    shortest = std::min(shortest, runner.timing.summary.min);
    longest = std::max(longest, runner.timing.summary.max);
  }
  int low = static_cast<int>(std::floor(std::log10(shortest * 1e3)));
  int high = std::max(low + 1, static_cast<int>(std::ceil(std::log10(longest * 1e3))));
  Plot::Axis y = {0, 1, "share of the runs that took no longer", {}};
  for (double share : {0.0, 0.25, 0.5, 0.75, 0.9, 1.0})
    y.ticks.emplace_back(share, fmt::format("{:.0f} %", 100 * share));
  Plot plot("", Plot::decades(low, high, "milliseconds"), y);
  std::vector<std::pair<std::string, std::string>> legend;
  constexpr size_t kPoints = 200;
  for (const Runner &runner : report.runners) {
    std::vector<std::pair<double, double>> points;
    for (size_t i = 0; i <= kPoints; ++i) {
      double share = static_cast<double>(i) / kPoints;
      points.emplace_back(std::log10(percentile(runner.timing.samples, share) * 1e3), share);
    }
    std::string color = Plot::color(legend.size());
    plot.curve(points, color);
    legend.emplace_back(color, nameOf(report, runner));
  }
  return "<h2>Latency</h2>\n" + legendHtml(legend) + plot.svg();
}

/// The positions of layers, with a few numbers below.
Plot::Axis positions(size_t count) {
  Plot::Axis axis = {-1,
                     static_cast<double>(std::max<size_t>(count, 1)),
                     "position in the order of execution",
                     {}};
  size_t step = std::max<size_t>(1, count / 10);
  for (size_t i = 0; i < count; i += step)
    axis.ticks.emplace_back(i, std::to_string(i));
  return axis;
}

std::string layerName(const LayerResult &layer) {
  return layer.node.empty() ? fmt::format("{} '{}'", layer.op, layer.value)
                            : fmt::format("'{}' of {} ({})", layer.value, layer.node, layer.op);
}

constexpr const char *gradeColor(Grade grade) {
  return grade == Grade::Excellent ? "#3a9a5b" : grade == Grade::Good ? "#e07b39" : "#b0413e";
}

std::string deviations(const Subject &subject) {
  constexpr int kLow = -9, kHigh = 0; // decades; what is equal lies on the lower edge
  Plot plot(subject.model, positions(subject.layers.size()),
            Plot::decades(kLow, kHigh, "largest difference, relative to the value's scale"));
  for (double limit : {kExcellent.difference, kGood.difference})
    plot.line(-1, std::log10(limit), static_cast<double>(subject.layers.size()), std::log10(limit),
              "#b0413e");
  for (size_t i = 0; i < subject.layers.size(); ++i)
    if (const std::optional<Deviation> &d = subject.layers[i].fromReference)
      plot.circle(static_cast<double>(i), d->relative > 0 ? std::log10(d->relative) : kLow, 4,
                  gradeColor(d->grade),
                  fmt::format("#{} {}: {:.2e}, {}", i, layerName(subject.layers[i]), d->relative,
                              gradeName(d->grade)));
  return plot.svg();
}

std::string deviationHtml(const BenchReport &report) {
  std::string html;
  for (const Subject &subject : report.subjects)
    if (!subject.layers.empty())
      html += deviations(subject);
  if (html.empty())
    return "";
  return "<h2>Deviation by layer</h2>\n<p>How far each value that compiled code computes is from "
         "the reference's, on the same inputs; equal values are at the bottom. Values that are "
         "looked at are not fused away, so the code is not quite that of the model alone.</p>\n" +
         legendHtml({{gradeColor(Grade::Excellent), "excellent"},
                     {gradeColor(Grade::Good), "good"},
                     {gradeColor(Grade::Poor), "poor"}}) +
         html;
}

/// What a variant's values have in noise, seen from the first model.
std::string noise(const Subject &subject, const std::string &first) {
  constexpr double kHigh = 120; // decibels; what is equal lies on the upper edge
  Plot::Axis y = {-10, kHigh, "signal to noise, dB", {}};
  for (double tick = 0; tick <= kHigh; tick += 20)
    y.ticks.emplace_back(tick, fmt::format("{:.0f}", tick));
  Plot plot(fmt::format("{} against {}", subject.model, first), positions(subject.layers.size()),
            y);
  bool any = false;
  for (size_t i = 0; i < subject.layers.size(); ++i)
    if (const std::optional<Deviation> &d = subject.layers[i].fromFirst) {
      plot.circle(static_cast<double>(i), -d->noise, 4, Plot::color(0),
                  fmt::format("#{} {}: {:.1f} dB", i, layerName(subject.layers[i]), -d->noise));
      any = true;
    }
  return any ? plot.svg() : "";
}

std::string noiseHtml(const BenchReport &report) {
  std::string html;
  for (size_t i = 1; i < report.subjects.size(); ++i)
    html += noise(report.subjects[i], report.subjects.front().model);
  if (html.empty())
    return "";
  return fmt::format(
      "<h2>Signal to noise of the variants</h2>\n<p>Values of the same name in {} and "
      "in a variant, on the same inputs: the energy of the former's over that of the "
      "difference. 20 dB are a tenth of the signal, 40 dB a hundredth.</p>\n{}",
      escaped(report.subjects.front().model), html);
}

} // namespace

std::string benchPage(const BenchReport &report) {
  std::string title = report.subjects.front().model;
  if (report.subjects.size() > 1)
    title += fmt::format(" and {} more", report.subjects.size() - 1);
  std::string html = pageHead(title) + tableHtml(report.rows()) + latencies(report) +
                     deviationHtml(report) + noiseHtml(report);
  for (const Subject &subject : report.subjects)
    if (subject.profile)
      html += profileHtml(*subject.profile);
  return html + "</body></html>\n";
}

} // namespace cameo
