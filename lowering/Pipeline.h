// The passes there are and the pipeline they make. PassManager.h runs it; toLoops
// (program/ToLoops.h) makes the Program of what comes out.
#pragma once

#include "lowering/Pass.h"

#include <span>
#include <string_view>
#include <vector>

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
/// The passes that a module still needs, after some of them or from text: graph ops need all,
/// kernel-level ops those behind kernel selection, values with layouts those behind layouts. What
/// is decided already stays: passes keep plans that are there, and buffers keep their places.
std::vector<PipelineStep> remainingPipeline(const Module &module);

} // namespace cameo
