// Executes functions of a program; LoopInterpreter.cpp sets up the memory and the sizes of a run.
#pragma once

#include "ir/TileRegisters.h"
#include "ir/eval/loop/Executor.h"
#include "ir/eval/loop/LoopInterpreter.h"

#include <array>
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

/// The tile registers of a thread.
struct TileFile {
  struct Tile {
    int64_t rows = 0, bytes = 0; // 0 before they are configured
    std::vector<std::byte> data = {};
    std::byte *row(int64_t r) { return data.data() + r * bytes; }
  };
  std::array<Tile, kTileRegisters> tiles;
};

class Machine : public Executor {
public:
  Machine(const Program &program, const Target &target, const LoopOptions &options);

  /// Calls a function with indices; its result as an integer, 0 if it has none. Nothing if the run
  /// ended with `error`.
  std::optional<int64_t> call(const std::string &name, std::vector<int64_t> args = {});

  LoopMemory memory;
  RunFrame frame;
  std::optional<LoopFault> fault;
  bool isUnsupported = false;

private:
  /// Who runs: the calling thread, all threads at once, or one unit or `single` of a team.
  enum class Where { Main, Team, Unit };

  Flow runOp(const Step &step, Call &call) override;
  const FuncCode &codeFor(const std::string &name);
  Flow runCall(const Step &step, Call &call);
  Flow invoke(const FuncCode &code, const Bytes &args, Bytes &results);

  // Memory.
  Flow runMemory(const Step &step, Call &call);
  Flow load(const Step &step, Call &call);
  Flow store(const Step &step, Call &call);
  Flow gather(const Step &step, Call &call);
  Flow scratch(const Step &step, Call &call);
  /// Operand `pointer` plus so many of its elements.
  Pointer address(const Step &step, Call &call, size_t pointer, int64_t elements);
  bool isActive(const Step &step, Call &call, size_t mask, int64_t lane);

  // Tile registers.
  Flow runTile(const Step &step, Call &call);
  void configureTiles(const Op &op);
  Flow moveTile(const Step &step, Call &call);
  Flow multiplyTiles(const Step &step, Call &call);

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
  Pointer pointer(const Step &step, Call &call, size_t i) const;
  void setPointer(const Step &step, Call &call, const Pointer &pointer) const;
  void setIndex(const Step &step, Call &call, int64_t value) const {
    storeInteger(result(step, call), value);
  }

  const Program &program_;
  const LoopOptions &options_;
  std::mt19937_64 random_;
  std::map<std::string, FuncCode> codes_;
  int64_t depth_ = 0, thread_ = 0;
  TileFile file_; // whichever thread runs: each unit configures its own
  /// The number of `parallel`s that the run has come to.
  int64_t kernels_ = 0;
  Where where_ = Where::Main;
};

} // namespace cameo::eval
