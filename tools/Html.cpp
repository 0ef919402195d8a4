// See Html.h.
#include "tools/Html.h"

#include "support/Text.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr double kWidth = 960, kHeight = 480;
constexpr double kLeft = 60, kRight = 25, kTop = 26, kBottom = 40; // margins

constexpr const char *kHead = R"(<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{0}</title>
<style>
body {{ font: 14px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 84em; padding: 0 1em; color: #222 }}
h2 {{ margin-top: 2em; border-top: 1px solid #ccc; padding-top: 1em }}
table {{ border-collapse: collapse; margin: 1em 0 }}
th, td {{ font-size: 13px; padding: .2em .35em; text-align: right; border-bottom: 1px solid #ddd; white-space: nowrap }}
th {{ font-weight: 600 }}
th:first-child, td:first-child, th.text, td.text {{ text-align: left }}
.scroll {{ overflow-x: auto }}
.legend span {{ display: inline-block; margin-right: 1.5em }}
.legend i {{ display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 50% }}
.row {{ display: flex; align-items: center; gap: .6em; margin: 1px 0 }}
.label {{ flex: 0 0 24em; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; text-align: right; direction: rtl }}
.label bdi {{ direction: ltr }}
.track {{ flex: 1; position: relative; height: 1.1em }}
.taken, .bound {{ position: absolute; left: 0; height: 100% }}
.taken {{ background: #e6a157 }}
.bound {{ background: #4878a8 }}
.value {{ flex: 0 0 13em; white-space: nowrap }}
svg {{ width: 100%; background: #fafafa }}
circle:hover {{ stroke: #222 }}
svg text {{ font: 12px system-ui, sans-serif; fill: #555 }}
</style></head><body>
<h1>{0}</h1>
)";

} // namespace

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

std::string pageHead(const std::string &title) {
  return fmt::format(fmt::runtime(kHead), escaped(title));
}

Plot::Plot(std::string title, Axis x, Axis y)
    : title_(std::move(title)), x_(std::move(x)), y_(std::move(y)) {
  for (const auto &[at, label] : x_.ticks) {
    line(at, y_.low, at, y_.high, "#ddd");
    text(at, y_.low, label, "middle", 0, 16);
  }
  for (const auto &[at, label] : y_.ticks) {
    line(x_.low, at, x_.high, at, "#ddd");
    text(x_.low, at, label, "end", -6, 4);
  }
  text(x_.high, y_.low, x_.title, "end", 0, 34);
  text(x_.low, y_.high, y_.title, "start", 0, -10);
}

double Plot::left(double x) const {
  return kLeft +
         (kWidth - kLeft - kRight) * (std::clamp(x, x_.low, x_.high) - x_.low) / (x_.high - x_.low);
}

double Plot::top(double y) const {
  return kTop + (kHeight - kTop - kBottom) *
                    (1 - (std::clamp(y, y_.low, y_.high) - y_.low) / (y_.high - y_.low));
}

void Plot::line(double x1, double y1, double x2, double y2, const std::string &color) {
  body_ +=
      fmt::format("<line x1=\"{:.1f}\" y1=\"{:.1f}\" x2=\"{:.1f}\" y2=\"{:.1f}\" stroke=\"{}\"/>\n",
                  left(x1), top(y1), left(x2), top(y2), color);
}

void Plot::curve(const std::vector<std::pair<double, double>> &points, const std::string &color) {
  std::string text;
  for (const auto &[x, y] : points)
    text += fmt::format("{:.1f},{:.1f} ", left(x), top(y));
  body_ += fmt::format("<polyline points=\"{}\" fill=\"none\" stroke=\"{}\" stroke-width=\"2\"/>\n",
                       text, color);
}

void Plot::text(double x, double y, const std::string &what, const std::string &anchor,
                double right, double below) {
  body_ += fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\">{}</text>\n",
                       left(x) + right, top(y) + below, anchor, escaped(what));
}

void Plot::circle(double x, double y, double radius, const std::string &color,
                  const std::string &detail) {
  body_ += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{:.1f}\" fill=\"{}\" "
                       "fill-opacity=\"0.6\"><title>{}</title></circle>\n",
                       left(x), top(y), radius, color, escaped(detail));
}

std::string Plot::svg() const {
  std::string heading = title_.empty() ? "" : fmt::format("<h3>{}</h3>\n", escaped(title_));
  return fmt::format("{}<svg viewBox=\"0 0 {} {}\" role=\"img\">\n{}</svg>\n", heading, kWidth,
                     kHeight, body_);
}

std::string Plot::color(size_t i) {
  constexpr std::array<const char *, 8> colors = {"#4878a8", "#e07b39", "#3a9a5b", "#b0413e",
                                                  "#7b5ea7", "#8c6d46", "#c75b9b", "#5f6b73"};
  return colors[i % colors.size()];
}

Plot::Axis Plot::decades(int low, int high, std::string title) {
  Axis axis = {static_cast<double>(low), static_cast<double>(high), std::move(title), {}};
  for (int decade = low; decade <= high; ++decade)
    axis.ticks.emplace_back(decade, fmt::format("{:g}", std::pow(10, decade)));
  return axis;
}

std::string legendHtml(const std::vector<std::pair<std::string, std::string>> &colors) {
  std::string html = "<p class=\"legend\">";
  for (const auto &[color, what] : colors)
    html += fmt::format("<span><i style=\"background:{}\"></i>{}</span>", color, escaped(what));
  return html + "</p>\n";
}

} // namespace cameo
