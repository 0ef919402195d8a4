// Files mapped into memory, read only. The one place of the frontend that opens files, so the rule
// that a model reads nothing outside its own folder is enforced here.
#pragma once

#include "ir/Result.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace cameo {

class MappedFile {
public:
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  /// Maps a file the user named. Refuses what is not a regular file.
  static Result<std::shared_ptr<const MappedFile>> open(const std::filesystem::path &file);
  /// Maps a file a model names, relative to `folder`. Refuses everything that could lead out of the
  /// folder: absolute paths, `..`, symbolic links, files with more than one hard link.
  static Result<std::shared_ptr<const MappedFile>> openBeneath(const std::filesystem::path &folder,
                                                               const std::string &location);

  std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
  MappedFile() = default;
  static Result<std::shared_ptr<const MappedFile>> map(int descriptor, const std::string &name,
                                                       bool soleLink);

  const std::byte *data_ = nullptr;
  size_t size_ = 0;
};

} // namespace cameo
