// Executes functions of a program; LoopInterpreter.cpp sets up the memory and the sizes of a run.
#pragma once

#include "ir/eval/loop/Code.h"
#include "ir/eval/loop/Lanes.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "ir/eval/loop/Memory.h"

#include <map>
#include <optional>
#include <random>
#include <string>

namespace cameo::eval {

/// The frame of a run (runtime/abi.h).
struct RunFrame {
  std::vector<Pointer> inputs, outputs, boxes;
  Pointer arena, weights;
  std::vector<int64_t> dims;
};

/// The first run-time error that the program recorded itself.
struct LoopFault {
  int64_t code = 0, node = -1;
  std::optional<int64_t> a, b;
};

class Machine {
public:
  Machine(const Program &program, const Target &target, const LoopOptions &options);

  /// Calls a function with indices; its result as an integer, 0 if it has none. Nothing if the run
  /// ended with `error`.
  std::optional<int64_t> call(const std::string &name, std::vector<int64_t> args = {});

  LoopMemory memory;
  RunFrame frame;
  std::optional<LoopFault> fault;
  /// What is wrong with the code; "" while nothing is.
  std::string error;
  bool isUnsupported = false;

private:
  /// How a step ends: with the next one, by leaving `main` early, or with `error`.
  enum class Flow { Next, Leave, Error };
  /// Who runs: the calling thread, all threads at once, or one unit or `single` of a team.
  enum class Where { Main, Team, Unit };
  using Bytes = std::vector<std::byte>;

  struct Call {
    const FuncCode &code;
    Bytes bytes;
    std::vector<Pointer> scratch = {};
  };

  const FuncCode &codeFor(const std::string &name);
  Flow runBlock(const Code &code, Call &call);
  Flow runStep(const Step &step, Call &call);
  Flow runLanes(const Step &step, Call &call);
  Flow fail(const Step &step, const Call &call, const std::string &message);

  // Memory.
  Flow runMemory(const Step &step, Call &call);
  Flow load(const Step &step, Call &call);
  Flow store(const Step &step, Call &call);
  Flow gather(const Step &step, Call &call);
  Flow scratch(const Step &step, Call &call);
  /// Operand `pointer` plus so many of its elements.
  Pointer address(const Step &step, Call &call, size_t pointer, int64_t elements);
  bool isActive(const Step &step, Call &call, size_t mask, int64_t lane);

  // Control.
  Flow runFor(const Step &step, Call &call);
  Flow runWhile(const Step &step, Call &call);
  Flow runIf(const Step &step, Call &call);
  Flow runCall(const Step &step, Call &call);
  Flow invoke(const FuncCode &code, const Bytes &args, Bytes &results);

  // The frame of the run, and teams.
  Flow runFrame(const Step &step, Call &call);
  Flow buffer(const Step &step, Call &call, Pointer block);
  Flow reserve(const Step &step, Call &call);
  Flow runTeam(const Step &step, Call &call);
  Flow runTeamOp(const Step &step, Call &call);
  Flow parallel(const Step &step, Call &call);
  void observe(const Step &step, Call &call, int64_t unit);
  Flow unit(const Step &step, Call &call, int64_t unit, int64_t thread);
  void recordFault(const Step &step, Call &call);

  // Values in a call's frame.
  Lanes operand(const Step &step, Call &call, size_t i) const;
  Lanes result(const Step &step, Call &call, size_t i = 0) const;
  int64_t integer(const Step &step, Call &call, size_t i) const {
    return integerAt(operand(step, call, i));
  }
  Pointer pointer(const Step &step, Call &call, size_t i) const;
  void setPointer(const Step &step, Call &call, const Pointer &pointer) const;
  void setIndex(const Step &step, Call &call, int64_t value) const {
    storeInteger(result(step, call), value);
  }
  /// The bytes of consecutive values, to move several at once: they may overlap otherwise.
  static Bytes collect(const std::vector<Slot> &slots, const Call &call, size_t first = 0);
  static void spread(const std::vector<Slot> &slots, Call &call, const Bytes &values,
                     size_t first = 0);

  const Program &program_;
  const Target &target_;
  const LoopOptions &options_;
  std::mt19937_64 random_;
  std::map<std::string, FuncCode> codes_;
  int64_t steps_ = 0, depth_ = 0, thread_ = 0;
  /// The number of `parallel`s that the run has come to.
  int64_t kernels_ = 0;
  Where where_ = Where::Main;
};

} // namespace cameo::eval
