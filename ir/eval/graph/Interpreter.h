// The reference interpreter: evaluates graph-level ops as the ONNX specification says, one plain
// function an op, in double precision where floats are concerned. It is what compiled code is
// compared with, what `cameo run model.onnx` runs, and what folds constants. It shares no code with
// lowering and code generation.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"
#include "ir/eval/graph/Tensor.h"

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace cameo {

struct EvalOptions {
  /// Bytes of tensors alive at once; constants viewed in place do not count.
  int64_t memoryLimit = int64_t{64} << 30;
  /// Scalar operations, about one a nanosecond. A count and not a time, so that what is folded
  /// never depends on the machine. The default is an hour or so.
  int64_t workLimit = 4'000'000'000'000;
  /// Seconds that interpret() may take, looked at between ops and wherever one takes from the work
  /// limit; 0 for any number. Not for folding.
  double seconds = 0;
  /// Called after each op, in regions too, with its results (none for an unwanted optional one).
  std::function<void(Op &, std::span<const RuntimeValue>)> observer;
  /// For random ops; the same seed gives the same numbers.
  uint64_t seed = 0;
};

/// Runs a graph-level function. Inputs match its arguments in number, kind, element type, rank and
/// constant dims, and equal symbols have equal sizes, else an Error naming the argument. Values are
/// freed after their last use. An op without evaluator is an unsupported Error naming the node.
Result<std::vector<RuntimeValue>> interpret(Func &func, std::vector<RuntimeValue> inputs,
                                            const EvalOptions &options = {});

/// Evaluates one op without regions. `inputs` has an entry an operand; absent optional operands are
/// none. Results that are not tensors are an Error.
Result<std::vector<Tensor>> evalOp(Op &op, const std::vector<RuntimeValue> &inputs,
                                   const EvalOptions &options = {});

/// Whether the interpreter can evaluate this kind of op at all.
bool hasEvaluator(OpKind kind);

} // namespace cameo
