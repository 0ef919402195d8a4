// What a run must check of sizes before an op: at its head where it knows them there, else where
// the op stands.
#pragma once

#include "lowering/build/SizeTable.h"
#include "lowering/program/RunTimeSizes.h"

#include <functional>

namespace cameo {

class OpChecks {
public:
  /// `main` is where the program's `main` goes on; `endTeam` ends the team function that kernels
  /// are being added to.
  OpChecks(Func &func, Program &program, SizeTable &sizes, RunTimeSizes &runTime, LoopBuilder &main,
           std::function<void()> endTeam)
      : func_(func), program_(program), sizes_(sizes), runTime_(runTime), main_(main),
        endTeam_(std::move(endTeam)) {}

  void add(Op &op);

private:
  void addGuard(Op &op);
  void requireSlice(Op &slice);
  void requireSizes(Op &op);
  bool isCheckedAtHead(const Op &op, const Dims &of) const;
  void checkHere(const std::function<void()> &check);

  Func &func_;
  Program &program_;
  SizeTable &sizes_;
  RunTimeSizes &runTime_;
  LoopBuilder &main_;
  std::function<void()> endTeam_;
};

} // namespace cameo
