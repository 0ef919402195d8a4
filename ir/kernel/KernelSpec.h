// What the rows of ir/ops/Kernel.def say about kernel ops besides their signatures.
#pragma once

#include "ir/Op.h"
#include "ir/Result.h"

#include <optional>
#include <string_view>
#include <vector>

namespace cameo {

/// How an op's results lie in memory.
enum class Storage {
  None,         // it has no results, or they are not tensors that it writes
  View,         // it computes nothing: they are its operand, read otherwise
  InPlace,      // they are where the first operand is
  Rows,         // row-major; the kernel needs the last dim contiguous, in the first operand, too
  RowMajor,     // row-major
  ChannelsLast, // dim 1 innermost, in the first operand, too
  Follow,       // as the operand with their shape
};

/// Which of an op's regions, if any, is an epilogue: one that elementwise ops behind it can join.
inline constexpr int kNoEpilogue = -1;

struct KernelSpec {
  std::vector<std::string_view> attributes;
  int epilogue;
  Storage storage;
  bool isEmitted;  // has loops
  bool isOnCaller; // the calling thread does it, between team functions
  Result<void> (*verify)(const Op &);
  /// The word of the attribute that tells variants apart ("direct"); "" if there is none.
  std::string (*variant)(const Op &);
  /// Two for each multiplication and addition of a contraction; 0 for other ops.
  Dim (*flops)(const Op &);
};

/// The row of a kernel op; nullptr for other kinds.
const KernelSpec *kernelSpec(OpKind kind);
bool isKernelView(OpKind kind);
/// The region that an elementwise op behind the kernel can join, or nullptr.
Block *epilogueOf(Op &op);
/// The number of the first operand that only the epilogue reads.
int64_t firstEpilogueOperand(const Op &op);

} // namespace cameo
