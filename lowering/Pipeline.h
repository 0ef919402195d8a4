// The passes there are and the pipeline they make. PassManager.h runs it; toLoops (loops/ToLoops.h)
// makes the Program of what comes out.
#pragma once

#include "lowering/Pass.h"

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

} // namespace cameo
