// Moves a reshape between a kernel and an elementwise op behind the latter, which can join the
// kernel then. Optimizers write products of matrices between reshapes that add a batch of 1.
#pragma once

#include "ir/Module.h"

namespace cameo {

/// Computes the elements of the pointwise `op` in the shape that a kernel with an epilogue makes
/// one of its operands in, and reshapes them. If other operands would not broadcast to that shape,
/// but the kernel is a product that could compute in the shape of `op`, it does. Whether the
/// reshape is gone.
bool sinkReshape(Module &module, Op &op);

} // namespace cameo
