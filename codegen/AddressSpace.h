// Whether a program fits the target's addresses; part of emit's checks.
#pragma once

#include "ir/Program.h"
#include "ir/Target.h"

namespace cameo {

/// An error if weights, or a size or offset known at compile time, are beyond the target's signed
/// addresses. What is known at run time only is checked there.
Result<void> checkAddresses(const Program &program, const Target &target);

} // namespace cameo
