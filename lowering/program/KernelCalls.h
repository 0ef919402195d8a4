// The functions of kernels, and calls of them. Kernels whose functions have the same text share
// one.
#pragma once

#include "lowering/emit/KernelFunc.h"
#include "lowering/program/RunTimeSizes.h"

#include <map>
#include <string>
#include <vector>

namespace cameo {

/// How a team function calls a kernel.
struct KernelCall {
  std::string callee;
  Dim units;
  /// The tensors that it gets pointers to, operands first.
  std::vector<const Value *> tensors;
  std::vector<Value *> pointers;
  /// What follows the range of units: entries of the table of sizes, numbers of nodes.
  std::vector<int64_t> sizes, nodes;
};

class KernelCalls {
public:
  KernelCalls(Program &program, SizeTable &sizes, RunTimeSizes &runTime)
      : program_(program), sizes_(sizes), runTime_(runTime) {}

  /// Writes the kernel's loops as a function, unless there is an equal one, and finds what to call
  /// it with where `team` is. An error is about an op that no code can be made for.
  Result<KernelCall> callOf(Op &op, LoopBuilder &team);
  /// Calls it for a range of units, its tensors being where `pointers` say.
  void call(LoopBuilder &team, const KernelCall &call, std::vector<Value *> pointers, Value *begin,
            Value *end);

  ThreadMemory threadMemory;

private:
  Program &program_;
  SizeTable &sizes_;
  RunTimeSizes &runTime_;
  MicroKernels micros_;
  std::map<std::string, std::string> kernels_; // text to name
};

} // namespace cameo
