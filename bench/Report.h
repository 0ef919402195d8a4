// What results look like to people and to scripts: plain-text tables, and JSON.
#pragma once

#include "bench/Deviation.h"
#include "bench/Timing.h"

#include <nlohmann/json.hpp>

namespace cameo {

/// A table in plain text: columns as wide as their widest cell, numbers aligned right.
class Table {
public:
  explicit Table(std::vector<std::string> header) : rows_{std::move(header)} {}
  /// A row; each cell stays on its line, whatever is in the name it holds.
  void add(const std::vector<std::string> &cells);
  /// Rows so far, the header not counted.
  size_t size() const { return rows_.size() - 1; }
  /// Columns that the lines take at most.
  size_t width() const;
  std::string str() const;

private:
  std::vector<size_t> widths() const;
  std::vector<std::vector<std::string>> rows_;
};

/// Where a text that is too long loses what is too much.
enum class Cut { Front, Back };
/// The text on one line of so many columns, at least one, with `…` for what is cut off.
std::string fit(const std::string &text, size_t width, Cut cut);

/// Columns that a table on stdout may have: $COLUMNS, else those of the terminal, else 100.
size_t outputWidth();

/// `1 run`, `3 runs`.
std::string plural(int64_t count, std::string_view what);
/// `1.23 ms`, `45.6 us`: three significant digits.
std::string formatSeconds(double seconds);
/// `1.5 G`, `25.6 M`, `12`: for counts of operations and elements.
std::string formatCount(double count);
/// `97.8 MB` (powers of 1000).
std::string formatBytes(int64_t bytes);

nlohmann::ordered_json toJson(const Deviation &deviation);
nlohmann::ordered_json toJson(const Timing &timing);
/// JSON text that is always valid: strings that are not UTF-8 (names in a model) are repaired.
std::string jsonText(const nlohmann::ordered_json &json);

} // namespace cameo
