// Files and folders that are not complete yet. They are called `.cameo-` and six characters, in the
// folder where the complete ones will be, so that putting those into their place is renaming. Their
// maker holds a lock on them, which ends with its process: that tells what a killed program left
// behind from what another one is working on.
#pragma once

#include "ir/Result.h"
#include "support/Interruption.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace cameo {

/// Makes an empty file in the folder and locks it. Returns its descriptor and sets `path`; -1 with
/// errno set when it cannot.
int makeTemporaryFile(const std::filesystem::path &folder, std::string &path);

/// A folder that is removed with what is in it, also when the program is interrupted.
class TemporaryFolder {
public:
  /// In `parent`, or in the system's temporary folder when that is "". Removes what killed programs
  /// left in the parent.
  static Result<std::unique_ptr<TemporaryFolder>> create(const std::filesystem::path &parent = {});
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  const std::filesystem::path &path() const { return path_; }

  /// Renames the files in it, which are complete, to the same names in the folder `to`, replacing
  /// others. None is when one of the names is taken by a folder. Returns the new paths, headers
  /// after the code they describe.
  Result<std::vector<std::filesystem::path>> moveFiles(const std::filesystem::path &to) const;

private:
  TemporaryFolder(std::filesystem::path path, int lock)
      : path_(std::move(path)), lock_(lock), removed_(path_) {}
  std::filesystem::path path_;
  int lock_;
  RemovedOnInterruption removed_;
};

/// The error with the place `to`, which the user named, instead of that of the temporary folder.
Error inFinalFolder(Error error, const std::filesystem::path &temporary,
                    const std::filesystem::path &to);

} // namespace cameo
