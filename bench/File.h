// Whole files: read into memory, and written so that they appear complete or not at all.
#pragma once

#include "ir/Result.h"

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

/// The bytes of a regular file (or a pipe); an error naming the path otherwise.
Result<std::vector<std::byte>> readFile(const std::string &path);

/// Writes to a temporary file in the same folder, then renames it over `path`: readers see the old
/// file, none, or the whole new one. Missing parent folders are an error.
Result<void> writeFile(const std::string &path, std::span<const std::byte> bytes);
Result<void> writeFile(const std::string &path, std::string_view text);

} // namespace cameo
