// Flags for those who work on Cameo: look between passes, stop, skip, bisect.
#pragma once

#include "lowering/PassManager.h"

namespace CLI {
class App;
}

namespace cameo {

/// Adds --print-after, --print-after-all, --stop-after, --skip-passes, --bisect-limit,
/// --time-passes.
void addPassOptions(CLI::App &command, PassManagerOptions &options);

} // namespace cameo
