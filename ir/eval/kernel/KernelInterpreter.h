// Runs kernel-level code, one kernel after the other, by what docs/ir.md says each op means. It
// shares nothing with the emitters, and refuses what compiled code would do silently. Before
// layouts are assigned, values are tensors. Behind that they are views of buffers: an access
// outside of the buffer, padding that is not in the halo, views that are not where their operand is
// and bytes that nobody wrote are errors. Once memory is planned, buffers share the arena, and so
// are bytes that another buffer has overwritten.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"
#include "ir/Target.h"
#include "ir/eval/graph/Tensor.h"

#include <vector>

namespace cameo {

struct KernelOptions {
  /// Accesses to elements that a run may take.
  int64_t workLimit = 1'000'000'000;
};

/// Runs a kernel-level function, with indices and fused additions as `target` has them. Inputs
/// match its arguments. An error is a sentence: what a run of the library would report, or what is
/// wrong with the code, with the op. Sequences, strings, calls of functions in C and graph-level
/// ops but for constants, branches and loops are unsupported.
Result<std::vector<RuntimeValue>> interpretKernels(Func &func, const Target &target,
                                                   const std::vector<RuntimeValue> &inputs,
                                                   const KernelOptions &options = {});

} // namespace cameo
