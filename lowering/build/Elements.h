// Run-time tests that an op's results have elements. An op without elements must not run: its other
// dims may be so large that their product does not fit 64 bits.
#pragma once

#include "lowering/build/LoopBuilder.h"
#include "lowering/build/SizeTable.h"

namespace cameo {

/// The units of a kernel: `units`, or none where no result has elements.
Value *unitsOf(SizeTable &sizes, LoopBuilder &b, const Op &op, const Dim &units);

/// Whether a result has elements; nullptr where that is certain, or more than the inputs decide:
/// iterations of a loop may change all other sizes.
Value *anyElementsAtHead(SizeTable &sizes, LoopBuilder &b, const Op &op);

} // namespace cameo
