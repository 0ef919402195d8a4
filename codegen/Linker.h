// Links objects of generated code into a shared library, with lld in this process.
#pragma once

#include "codegen/UserOps.h"
#include "ir/Result.h"
#include "ir/Target.h"
#include "support/File.h"
#include "support/OutputFile.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

struct LinkJob {
  /// The bytes of object files. The linker drops their sections that nothing needs.
  std::vector<std::string_view> objects;
  std::string output; // overwritten; further temporary files go to its folder
  std::string shown;  // what messages call the output
  std::string soname;
  std::string entry;  // exported
  std::string symbol; // under which `entry` is exported again
  /// Libraries to take functions from, and what those may need of libc and libm.
  UserOps ops;
};

/// Runs lld on a command line whose first word says which linker it is. `shown` is what
/// messages call the output. With code of the user's, an undefined symbol is the user's to mend.
Result<void> runLld(const std::vector<std::string> &args, const std::string &shown,
                    bool usersCode = false);

/// A file's path for lld, which takes a `%` in the path of an output for a digit to choose. A
/// folder with one in its name is reached by its descriptor; names of temporary files have none.
class LldOutput {
public:
  explicit LldOutput(const std::string &file);
  const std::string &path() const { return path_; }

private:
  Descriptor folder_;
  std::string path_;
};

/// Writes job.objects to temporary files, which live as long as the result, and appends their names
/// to `args`. Fails unless the disk has room for the link.
Result<std::vector<std::unique_ptr<OutputFile>>> writeObjects(const LinkJob &job,
                                                              std::vector<std::string> &args);

/// Links. An undefined symbol that libc does not promise is an error where there is code of the
/// user's, else our bug and an ICE. Thread-safe; one link at a time.
Result<void> linkShared(const LinkJob &job, const Target &target);

} // namespace cameo
