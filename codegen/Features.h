// How the runtime is told which processor a library needs (runtime/Features.def).
#pragma once

#include "ir/Target.h"

#include <array>

namespace cameo {

/// cameo_code.features: a bit is a feature's position among the rows of its architecture. None for
/// wasm, where the engine checks features when it loads the code.
std::array<uint64_t, 2> featureMask(const Target &target);

/// cameo_code.arch.
int32_t runtimeArch(Arch arch);

} // namespace cameo
