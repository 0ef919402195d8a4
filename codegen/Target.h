// Targets by what the user typed: adds the host to ir/Target.h's named targets.
#pragma once

#include "ir/Target.h"

namespace cameo {

/// triple: "host" or as namedTarget takes it. cpu: "" (native for the host, else the
/// architecture's default), "native" (the host's largest named feature set, scheduled for its CPU),
/// or a named set.
Result<Target> resolveTarget(const std::string &triple, const std::string &cpu);

} // namespace cameo
