// Targets by what the user typed: adds the host to ir/Target.h's named targets.
#pragma once

#include "ir/Target.h"

namespace cameo {

/// triple: "host", as namedTarget takes it, or a board (codegen/Processors.h). cpu: "" (native for
/// the host, the board's, else the architecture's default), "native" (the host's largest named
/// feature set, scheduled for its CPU), a named set, or a processor: its largest named set,
/// scheduled for it. Notes of errors name what may have been meant.
Result<Target> resolveTarget(const std::string &triple, const std::string &cpu);

} // namespace cameo
