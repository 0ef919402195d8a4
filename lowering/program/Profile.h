// Times of kernels, for `cameo bench --profile`: a library compiled with PassContext::profile has
// one more output, "kernel ticks", of i64. Element i is how many ticks of a clock kernel i took
// during the run, in order of the kernels in the program, all its calls together; the last element
// is the clock after the last kernel, from which the reader learns how long a tick is. A thread
// writes them when all of the kernel is done, so waiting for the slowest counts.
//
// Being an output like any other, they need nothing of the runtime, and libraries without them pay
// nothing.
#pragma once

#include "ir/Program.h"
#include "lowering/build/LoopBuilder.h"

namespace cameo {

class Profile {
public:
  /// Adds the output, and to `main` code that zeroes it, when the program is to be profiled.
  void start(Program &program, LoopBuilder &main, int64_t numKernels);
  /// At the head of a team function.
  void enterTeam(LoopBuilder &team) const;
  /// Behind the next kernel of the program. Ends in a barrier.
  void leaveKernel(LoopBuilder &team);
  /// Around what `main` does itself between team functions: a kernel like the others.
  void enterMain(LoopBuilder &main) const;
  void leaveMain(LoopBuilder &main);

  bool isOn() const { return output_ >= 0; }

private:
  void start(LoopBuilder &b, Value *ticks, Value *now) const;
  void add(LoopBuilder &b, Value *ticks, Value *now) const;
  void single(LoopBuilder &team, const std::function<void(Value *ticks, Value *now)> &body) const;

  int64_t output_ = -1;
  int64_t numKernels_ = 0, kernel_ = 0;
};

} // namespace cameo
