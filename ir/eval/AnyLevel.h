// Modules of the graph or the kernel level, whichever it is.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"
#include "ir/Target.h"
#include "ir/eval/graph/Tensor.h"

#include <vector>

namespace cameo {

/// Whether the interpreter of kernels runs a module; else that of graphs does, of which guards may
/// be part.
bool isKernelLevel(const Module &module);

/// Runs a module by the interpreter of its level. Kernels are run as for `target`.
Result<std::vector<RuntimeValue>> interpretAnyLevel(Module &module, const Target &target,
                                                    const std::vector<RuntimeValue> &inputs);

} // namespace cameo
