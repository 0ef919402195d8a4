// Runs blocks of scalar ops with `for`, `while` and `if` in a frame of bytes: what loop-level code
// and the regions of kernels have in common. Whoever derives from it runs the other ops.
#pragma once

#include "ir/eval/loop/Code.h"
#include "ir/eval/loop/Lanes.h"
#include "ir/eval/loop/Memory.h"

#include <string>

namespace cameo::eval {

class Executor {
public:
  Executor(const Target &target, int64_t workLimit) : target_(target), workLimit_(workLimit) {}
  virtual ~Executor() = default;

  /// What is wrong with the code; "" while nothing is.
  std::string error;
  /// Ops that have run.
  int64_t steps = 0;

protected:
  /// How a step ends: with the next one, by leaving `main` early, or with `error`.
  enum class Flow { Next, Leave, Error };
  using Bytes = std::vector<std::byte>;

  struct Call {
    const FuncCode &code;
    Bytes bytes;
    std::vector<Pointer> scratch = {};
  };

  Flow runBlock(const Code &code, Call &call);
  /// Runs an op that is none of control flow.
  virtual Flow runOp(const Step &step, Call &call) = 0;
  Flow runLanes(const Step &step, Call &call);
  Flow fail(const Step &step, const Call &call, const std::string &message);

  Lanes operand(const Step &step, Call &call, size_t i) const;
  Lanes result(const Step &step, Call &call, size_t i = 0) const;
  int64_t integer(const Step &step, Call &call, size_t i) const {
    return integerAt(operand(step, call, i));
  }
  /// The bytes of consecutive values, to move several at once: they may overlap otherwise.
  static Bytes collect(const std::vector<Slot> &slots, const Call &call, size_t first = 0);
  static void spread(const std::vector<Slot> &slots, Call &call, const Bytes &values,
                     size_t first = 0);

  const Target &target_;

private:
  Flow runStep(const Step &step, Call &call);
  Flow runFor(const Step &step, Call &call);
  Flow runWhile(const Step &step, Call &call);
  Flow runIf(const Step &step, Call &call);

  int64_t workLimit_;
};

} // namespace cameo::eval
