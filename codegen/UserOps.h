// Static libraries with the functions that operators of the user's own are.
#pragma once

#include "ir/Result.h"
#include "ir/Target.h"

#include <set>
#include <string>
#include <vector>

namespace cameo {

struct UserOps {
  std::vector<std::string> paths;
  /// Global symbols that some object defines.
  std::set<std::string> defined;
  /// Those that some object uses, none defines, and the C library is taken to have: on the machine
  /// that it is for, it was asked.
  std::set<std::string> fromLibc;
};

/// Reads what the libraries define and need. Errors: a file that is no static library, or one with
/// objects for another machine.
Result<UserOps> readUserOps(const std::vector<std::string> &paths, const Target &target);

} // namespace cameo
