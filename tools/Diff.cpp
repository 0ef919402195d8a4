// Longest common subsequence of lines by dynamic programming, after the common head and tail are
// set aside; see Diff.h. Quadratic in what remains: texts too long for that are shown as replaced.
#include "tools/Diff.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

namespace cameo {
namespace {

constexpr size_t kMaxCells = 16 << 20;
constexpr size_t kContext = 3;

struct Line {
  char mark; // ' ', '-' or '+'
  std::string_view text;
};

using Lines = std::vector<std::string_view>;

std::vector<Line> changes(const Lines &a, const Lines &b) {
  std::vector<Line> lines;
  if (a.size() * b.size() > kMaxCells) {
    for (std::string_view line : a)
      lines.push_back({'-', line});
    for (std::string_view line : b)
      lines.push_back({'+', line});
    return lines;
  }
  // common[i][j]: length of the longest common subsequence of a from i and b from j.
  std::vector<std::vector<uint32_t>> common(a.size() + 1, std::vector<uint32_t>(b.size() + 1));
  for (size_t i = a.size(); i-- > 0;)
    for (size_t j = b.size(); j-- > 0;)
      common[i][j] =
          a[i] == b[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
  size_t i = 0, j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j])
      lines.push_back({' ', a[i]}), i++, j++;
    else if (j == b.size() || (i < a.size() && common[i + 1][j] >= common[i][j + 1]))
      lines.push_back({'-', a[i++]});
    else
      lines.push_back({'+', b[j++]});
  }
  return lines;
}

} // namespace

std::vector<std::string_view> splitLines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string unifiedDiff(std::string_view before, std::string_view after) {
  Lines a = splitLines(before), b = splitLines(after);
  size_t least = std::min(a.size(), b.size()), head = 0, tail = 0;
  while (head < least && a[head] == b[head])
    head++;
  while (tail < least - head && a[a.size() - 1 - tail] == b[b.size() - 1 - tail])
    tail++;
  std::vector<Line> lines;
  for (size_t i = 0; i < head; i++)
    lines.push_back({' ', a[i]});
  for (Line line :
       changes(Lines(a.begin() + head, a.end() - tail), Lines(b.begin() + head, b.end() - tail)))
    lines.push_back(line);
  for (size_t i = a.size() - tail; i < a.size(); i++)
    lines.push_back({' ', a[i]});

  std::string text;
  size_t lineA = 1, lineB = 1, shownUpTo = 0;
  for (size_t i = 0; i < lines.size(); i++) {
    bool near = false;
    for (size_t k = i - std::min(i, kContext); k <= i + kContext && k < lines.size(); k++)
      near |= lines[k].mark != ' ';
    if (near && (i == 0 || shownUpTo != i))
      text += fmt::format("@@ -{} +{} @@\n", lineA, lineB);
    if (near) {
      text += fmt::format("{}{}\n", lines[i].mark, lines[i].text);
      shownUpTo = i + 1;
    }
    lineA += lines[i].mark != '+';
    lineB += lines[i].mark != '-';
  }
  return text;
}

} // namespace cameo
