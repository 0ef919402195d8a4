// The table of targets (Target.h), for those who list it.
#pragma once

#include "ir/Target.h"

namespace cameo {

struct TargetEntry {
  Arch arch;
  std::string triple;                  // as users write it: "aarch64-linux-gnu", "wasm32"
  std::string alias;                   // another name of the architecture: "arm64"
  std::string defaultCpu;              // a feature set
  std::vector<std::string> cpus;       // feature sets, each with all of the one before
  std::vector<std::string> extensions; // what `+NAME` adds to a set
};

/// One entry an architecture.
std::vector<TargetEntry> targetList();

} // namespace cameo
