// Links an object of generated code into a shared library, with lld in this process.
#pragma once

#include "ir/Result.h"
#include "ir/Target.h"

#include <string>
#include <string_view>
#include <vector>

namespace llvm {
class TargetMachine;
} // namespace llvm

namespace cameo {

struct LinkJob {
  /// The bytes of object files. Those after the first are libraries of sorts: what is not needed of
  /// them is left out.
  std::vector<std::string_view> objects;
  std::string output; // overwritten; also where temporary files go, with a suffix
  std::string shown;  // what messages call the output
  std::string soname;
  std::string entry; // exported, and again as `cameo_model`
};

/// Links. An undefined symbol that libc does not promise is our bug and an ICE. Thread-safe; one
/// link at a time.
Result<void> linkShared(const LinkJob &job, const Target &target, llvm::TargetMachine &machine);

} // namespace cameo
