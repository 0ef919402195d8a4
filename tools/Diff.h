// Differences of texts, line by line, for people to read.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cameo {

std::vector<std::string_view> splitLines(std::string_view text);

/// The unified form: lines of `before` with '-', of `after` with '+', three around each with ' '.
/// Empty for equal texts.
std::string unifiedDiff(std::string_view before, std::string_view after);

} // namespace cameo
