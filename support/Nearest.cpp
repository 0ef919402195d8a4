// See Nearest.h.
#include "support/Nearest.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The restricted Damerau-Levenshtein distance, of texts in lower case.
size_t edits(std::string_view a, std::string_view b) {
  // Rows for the first i-2, i-1 and i characters of `a`.
  std::vector<size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    above[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = lower(a[i - 1]) != lower(b[j - 1]) ? 1 : 0;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + changed});
      bool isSwapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                       lower(a[i - 2]) == lower(b[j - 1]);
      if (isSwapped)
        row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = std::move(above);
    above = row;
  }
  return above[b.size()];
}

} // namespace

std::string nearest(std::string_view text, const std::vector<std::string> &candidates) {
  // Names are short: what is longer than these is no slip of the fingers.
  constexpr size_t longest = 100;
  std::string best;
  size_t least = text.size() > longest ? 0 : std::max<size_t>(1, text.size() / 3) + 1;
  for (const std::string &candidate : candidates) {
    if (candidate.size() > longest)
      continue;
    // A word all of whose characters change is another word.
    bool isBegun = text.size() > 1 && candidate.starts_with(text);
    size_t distance = isBegun ? 1 : edits(text, candidate);
    if (distance < least && distance < std::max(text.size(), candidate.size())) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

std::string didYouMean(std::string_view text, const std::vector<std::string> &candidates) {
  std::string near = nearest(text, candidates);
  return near.empty() ? "" : fmt::format(": did you mean '{}'?", near);
}

} // namespace cameo
