// Runs a lowered program without LLVM, one op after the other, and refuses what compiled code would
// do silently: an access outside of a buffer, a broken promise of alignment, two units that touch
// the same byte between barriers when one of them writes it, an output that is not written. It is
// for tests of lowering: slow, and as strict as docs/ir.md.
#pragma once

#include "ir/Program.h"
#include "ir/Result.h"
#include "ir/Target.h"
#include "ir/eval/graph/Tensor.h"

#include <cstdint>
#include <vector>

namespace cameo {

namespace eval {
struct Pointer;
}

/// Sees what the units of kernels touch of memory that threads share.
class LoopObserver {
public:
  virtual ~LoopObserver() = default;
  /// A unit begins, of the kernel that is number `kernel` of those that the run comes to. It gets
  /// the tensors.
  virtual void enter(int64_t kernel, int64_t unit, std::vector<eval::Pointer> tensors) = 0;
  virtual void touch(const eval::Pointer &at, int64_t bytes, bool isStore) = 0;
  virtual void leave() = 0;
};

struct LoopOptions {
  /// Of the order in which units run, and of the thread that runs each.
  uint64_t seed = 0;
  int64_t threads = 3;
  /// Ops that a run may take.
  int64_t workLimit = 1'000'000'000;
  LoopObserver *observer = nullptr;
};

/// Runs a program as lowered for `target`. Inputs match its ports; the results are its outputs. An
/// error is a sentence: what a run of the library would report, or what is wrong with the code,
/// with the function, the op and the offset. Sequences, strings and calls of functions in C are
/// unsupported.
Result<std::vector<RuntimeValue>> interpret(const Program &program, const Target &target,
                                            const std::vector<RuntimeValue> &inputs,
                                            const LoopOptions &options = {});

} // namespace cameo
