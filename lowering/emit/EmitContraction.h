// Loops around micro-kernels; see lowering/plan/Contraction.h.
#pragma once

#include "lowering/emit/Nest.h"
#include "lowering/plan/Contraction.h"

namespace cameo {

/// Writes the kernel; units are tiles of rows by groups of panels.
Dim emitContraction(KernelFunc &k, const Contraction &contraction);

} // namespace cameo
