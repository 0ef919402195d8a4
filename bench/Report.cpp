// See Report.h.
#include "bench/Report.h"

#include "support/Text.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fmt/format.h>
#include <numeric>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cameo {

namespace {

/// Characters a terminal shows: UTF-8 continuation bytes take no place.
size_t displayWidth(const std::string &text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

bool looksNumeric(const std::string &text) {
  return !text.empty() && (std::string_view("0123456789-.<").find(text[0]) != std::string::npos);
}

/// Three significant digits without an exponent, for 0 <= value < 1000.
std::string threeDigits(double value) {
  return fmt::format("{:.{}f}", value, value < 9.995 ? 2 : value < 99.95 ? 1 : 0);
}

std::string withPrefix(double value, const char *unit) {
  constexpr std::array<const char *, 5> prefixes = {"", "k", "M", "G", "T"};
  size_t i = 0;
  for (; value >= 999.5 && i + 1 < prefixes.size(); ++i)
    value /= 1000;
  std::string number = i == 0 ? fmt::format("{:.0f}", value) : threeDigits(value);
  std::string suffix = std::string(prefixes[i]) + unit;
  return suffix.empty() ? number : number + " " + suffix;
}

} // namespace

void Table::add(const std::vector<std::string> &cells) {
  std::vector<std::string> &row = rows_.emplace_back();
  for (const std::string &cell : cells)
    row.push_back(oneLine(cell));
}

std::vector<size_t> Table::widths() const {
  std::vector<size_t> widths;
  for (const std::vector<std::string> &row : rows_) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t c = 0; c < row.size(); ++c)
      widths[c] = std::max(widths[c], displayWidth(row[c]));
  }
  return widths;
}

size_t Table::width() const {
  std::vector<size_t> columns = widths();
  return std::accumulate(columns.begin(), columns.end(), 2 * (columns.size() - 1));
}

std::string Table::str() const {
  std::vector<size_t> widths = this->widths();
  // A column is numeric when its first data cell is.
  std::string text;
  for (const std::vector<std::string> &row : rows_) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c) {
      std::string pad(widths[c] - displayWidth(row[c]), ' ');
      bool right = rows_.size() > 1 && c < rows_[1].size() && looksNumeric(rows_[1][c]);
      line += (c > 0 ? "  " : "") + (right ? pad + row[c] : row[c] + pad);
    }
    line.resize(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string fit(const std::string &text, size_t width, Cut cut) {
  std::string line = oneLine(text);
  size_t columns = displayWidth(line);
  if (columns <= width)
    return line;
  // A character begins with a byte that continues none.
  auto isStart = [&](size_t at) { return (line[at] & 0xC0) != 0x80; };
  size_t at = 0;
  for (size_t passed = cut == Cut::Front ? columns - width + 1 : width - 1; passed > 0; --passed)
    for (++at; at < line.size() && !isStart(at);)
      ++at;
  return cut == Cut::Front ? "…" + line.substr(at) : line.substr(0, at) + "…";
}

size_t outputWidth() {
  constexpr size_t kOtherwise = 100;
  if (const char *columns = std::getenv("COLUMNS"))
    if (long width = std::strtol(columns, nullptr, 10); width > 0)
      return static_cast<size_t>(width);
  winsize size = {};
  bool isTerminal = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return isTerminal ? size.ws_col : kOtherwise;
}

std::string plural(int64_t count, std::string_view what) {
  bool isY = what.ends_with("y");
  return fmt::format("{} {}{}", count, isY && count != 1 ? what.substr(0, what.size() - 1) : what,
                     count == 1 ? ""
                     : isY      ? "ies"
                                : "s");
}

std::string formatSeconds(double seconds) {
  if (seconds >= 0.9995)
    return threeDigits(seconds) + " s";
  if (seconds >= 0.9995e-3)
    return threeDigits(seconds * 1e3) + " ms";
  return threeDigits(seconds * 1e6) + " us";
}

std::string formatCount(double count) { return withPrefix(count, ""); }
std::string formatBytes(int64_t bytes) { return withPrefix(static_cast<double>(bytes), "B"); }

nlohmann::ordered_json toJson(const Deviation &deviation) {
  nlohmann::ordered_json json;
  json["verdict"] = verdictName(deviation.verdict);
  json["grade"] = gradeName(deviation.grade);
  if (!deviation.comparable()) {
    json["reason"] = deviation.reason;
    return json;
  }
  json["elements"] = deviation.elements;
  json["max_abs"] = deviation.maxAbs;
  json["scale"] = deviation.scale;
  json["relative"] = deviation.relative;
  json["mse"] = deviation.mse;
  json["cosine"] = deviation.cosine;
  json["steps"] = deviation.steps;
  json["mismatches"] = deviation.mismatches;
  if (deviation.worst >= 0)
    json["worst"] = {
        {"index", deviation.worst}, {"expected", deviation.wantWorst}, {"got", deviation.gotWorst}};
  return json;
}

nlohmann::ordered_json toJson(const Timing &timing) {
  const Summary &s = timing.summary;
  return {{"name", timing.name},   {"runs", s.runs},          {"min_ms", s.min * 1e3},
          {"p50_ms", s.p50 * 1e3}, {"p90_ms", s.p90 * 1e3},   {"p99_ms", s.p99 * 1e3},
          {"max_ms", s.max * 1e3}, {"mean_ms", s.mean * 1e3}, {"round_p50_s", timing.medians}};
}

std::string jsonText(const nlohmann::ordered_json &json) {
  return json.dump(2, ' ', /*ensure_ascii=*/true,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

} // namespace cameo
