// What only layouts tell of plans: the rest is in the rules of ir/kernel/. Plans may be written by
// hand, and so may layouts.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

namespace cameo {

/// Whether all operands and results of an op have layouts.
bool hasLayouts(const Op &op);

/// Whether an op has layouts and a plan. Ops whose kernels need no plan have one.
bool isPlanned(const Op &op);

/// Layouts are for packed weights. The error has the op.
Result<void> weightsArePacked(const Op &op);
/// Of a planned op: its layouts allow its vectors and units, and no two units write the same
/// element. The error says what was expected, and has the op.
Result<void> verifyPlan(const Op &op);
/// The same for all planned ops, and the weights of all ops with layouts.
Result<void> verifyPlans(Module &module);

} // namespace cameo
