// Files as a whole: read into memory, written so that they appear complete or not at all.
#pragma once

#include "ir/Result.h"

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

/// Closes a descriptor at the end of a scope.
struct Descriptor {
  int fd = -1;
  explicit Descriptor(int fd) : fd(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
};

/// How files are opened to be read: a pipe without a writer must not make the program wait.
int openToRead(const std::filesystem::path &path);

/// Fails unless the path leads to a regular file. For those who read it by other means.
Result<void> checkRegular(const std::string &path);

/// Fails if there is something at the path that a new file must not replace: a folder, a device.
Result<void> checkReplaceable(const std::string &path);

/// The bytes of a regular file. Pipes and devices have no size and may have no end: they are
/// errors, which name the path like all others.
Result<std::vector<std::byte>> readFile(const std::string &path);

/// Writes an OutputFile of these bytes.
Result<void> writeFile(const std::string &path, std::span<const std::byte> bytes);
Result<void> writeFile(const std::string &path, std::string_view text);

} // namespace cameo
