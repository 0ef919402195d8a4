// Control flow: ops whose regions are graphs or kernels to run, not what a kernel does to an
// element.
#pragma once

#include "ir/Module.h"

#include <vector>

namespace cameo {

/// Whether the op is If, Loop or another whose regions are blocks of ops like the function's body.
bool isControlFlow(const Op &op);

/// The ops of a function's body and of the regions of control flow, each before those inside it, in
/// order.
std::vector<Op *> opsOf(Func &func);
/// The regions of the kernels among them: scalar ops.
std::vector<Block *> kernelRegionsOf(Func &func);

} // namespace cameo
