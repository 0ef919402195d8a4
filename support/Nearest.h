// Which of the possible words a mistyped one was meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cameo {

/// The candidate with the fewest edits (a character inserted, removed, replaced, or two neighbours
/// swapped) between it and `text`, case aside; the first of several. A candidate that begins with
/// `text` counts as one edit away. "" when none is near: more than a third of the characters would
/// have to change.
std::string nearest(std::string_view text, const std::vector<std::string> &candidates);

/// `: did you mean 'X'?` for the nearest candidate; "" when none is near.
std::string didYouMean(std::string_view text, const std::vector<std::string> &candidates);

} // namespace cameo
