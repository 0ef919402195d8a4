// Processors and boards by the names that people use, as feature sets of ir/Target.h.
#pragma once

#include "ir/Target.h"

#include <optional>

namespace cameo {

struct Processor {
  std::string name; // LLVM's: "cortex-a72", "haswell"
  std::string cpu;  // the largest named feature set that it has
};

/// The processors of an architecture that run code for it, in alphabetical order.
std::vector<Processor> processorsOf(Arch arch);
/// The one with this name.
std::optional<Processor> findProcessor(Arch arch, const std::string &name);

struct Board {
  std::string_view name;   // "raspberrypi4"
  std::string_view triple; // "aarch64-linux-gnu"
  std::string_view cpu;    // a processor
};

/// Computers that are sold with one processor, in alphabetical order.
const std::vector<Board> &boards();

} // namespace cameo
