// Whether what an op writes has any elements. Where it has none, nothing is to be done, however
// large the other dims are, whose product may not even fit.
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
