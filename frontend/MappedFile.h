// Files mapped into memory, read only. The one place of the frontend that opens files, so the rule
// that a model reads nothing outside its own folder is enforced here.
#pragma once

#include "ir/Result.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <sys/stat.h>
#include <vector>

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

  /// Reading bytes of a file that another program has made shorter since is a SIGBUS.
  std::span<const std::byte> bytes() const { return {data_, size_}; }

  /// Paths of all files that were ever mapped, in order.
  static const std::vector<std::filesystem::path> &everMapped();
  /// The mapped file that has the address, by name; nullptr if none has. For a handler of SIGBUS.
  static const char *nameAt(const void *address);
  /// Fails if a file that is mapped now was written to after it was opened: what was read of it may
  /// be of two versions.
  static Result<void> checkUnchanged();

private:
  MappedFile(std::string name, std::filesystem::path path);
  static Result<std::shared_ptr<const MappedFile>>
  map(int descriptor, const std::string &name, const std::filesystem::path &path, bool soleLink);
  bool isChanged() const;

  std::string name_;
  std::filesystem::path path_;
  struct stat status_ = {};
  const std::byte *data_ = nullptr;
  size_t size_ = 0;
  // All that live, for those who have an address or no file at hand.
  MappedFile *next_ = nullptr;
  static MappedFile *first;
  static std::vector<std::filesystem::path> mapped;
};

} // namespace cameo
