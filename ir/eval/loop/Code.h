// A loop-level function, or the region of a kernel, made ready to run: every value has a place in
// the frame of a call, so that no op needs to be looked up while it runs.
#pragma once

#include "ir/Module.h"
#include "ir/Target.h"

#include <memory>
#include <unordered_map>
#include <vector>

namespace cameo::eval {

/// Where a value lies in a frame; -1 bytes from the start for an operand that is absent.
struct Slot {
  int64_t at = -1;
  int64_t bytes = 0;
};

struct Code;

struct Step {
  Op *op = nullptr;
  std::vector<Slot> operands, results;
  std::vector<Code> regions;
};

/// A block: its last step is the terminator.
struct Code {
  std::vector<Slot> args;
  std::vector<Step> steps;
};

struct FuncCode {
  const Func *func = nullptr; // none for a region
  Code body;
  int64_t frameBytes = 0;
};

/// Pointers take the bytes of a Pointer (Memory.h), everything else those of its elements.
FuncCode codeOf(const Func &func, const Target &target);
/// The same for a region, whose ops use no values from outside.
FuncCode codeOf(Block &region, const Target &target);

} // namespace cameo::eval
