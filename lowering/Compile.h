// Lowering as a whole: a graph-level module in, a Program for the code generator out.
#pragma once

#include "ir/Program.h"
#include "lowering/Pass.h"

#include <memory>
#include <span>
#include <string_view>

namespace cameo {

/// One entry of the pipeline: the phase it belongs to and the pass's name.
struct PipelineStep {
  std::string_view phase;
  std::string_view pass;
};

/// Every pass there is.
std::span<const PassInfo> allPasses();
/// The passes of a compilation, in order.
std::span<const PipelineStep> pipeline();

/// Runs the pipeline on an imported module and writes its loops. Errors of kind Unsupported list
/// every node that cannot be compiled.
Result<Program> lower(Module &module, PassContext &context);

} // namespace cameo
