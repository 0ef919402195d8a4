// What a file is that is no ONNX model, for those who give the wrong one.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

namespace cameo {

/// `a text file`, with what to do where that is known; nothing for files that could be models, and
/// for those that cannot be told.
std::optional<std::string> otherFileKind(const std::filesystem::path &path,
                                         std::span<const std::byte> bytes);

} // namespace cameo
