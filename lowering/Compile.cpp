// Runs the pipeline; see Compile.h.
#include "lowering/Compile.h"

#include "lowering/loops/ToLoops.h"

#include <algorithm>

namespace cameo {

Result<Program> lower(Module &module, PassContext &context) {
  for (const PipelineStep &step : pipeline()) {
    std::span<const PassInfo> passes = allPasses();
    auto pass = std::find_if(passes.begin(), passes.end(),
                             [&](const PassInfo &row) { return row.name == step.pass; });
    ICE_UNLESS(pass != passes.end(), "pipeline names a pass that does not exist");
    TRY(pass->run(module, context));
  }
  return toLoops(module, context);
}

} // namespace cameo
