// The last step of lowering: kernel-level ops with layouts and buffers become loop-level functions,
// and the module becomes a Program.
#pragma once

#include "ir/Program.h"
#include "lowering/Pass.h"

namespace cameo {

/// The ops of a planned function that a library has code for, in order: all but views, guards and
/// the packing of constants.
std::vector<Op *> kernelsOf(Func &func);

/// Consumes a planned kernel-level module. Errors name every op that has no emitter.
Result<Program> toLoops(Module &planned, const PassContext &context);

} // namespace cameo
