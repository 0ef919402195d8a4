// Checks that a module is well formed: what every pass may rely on, and what it must leave behind.
// All facts are local: arity and attributes by the op table, values defined before their uses, use
// lists, terminators, regions; graph ops' types against their inference rule, and the type rules of
// scalar and loop ops as ir/ops/Scalar.def and Loop.def state them. Runs before and after each
// pass.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

namespace cameo {

/// The first fault found, naming function and op, expected and got. The module is as it was.
Result<void> verify(Module &module);

/// The type rules of one scalar- or loop-level op whose arity and operands are in order, and whose
/// regions have a terminator.
Result<void> verifyCoreOp(const Module &module, const Op &op);

} // namespace cameo
