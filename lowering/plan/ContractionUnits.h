// Units of contractions and of packing; see KernelUnits.h.
#pragma once

#include "lowering/plan/KernelUnits.h"

namespace cameo {

KernelUnits contractionUnits(const Op &op);
KernelUnits packUnits(const Op &op);

} // namespace cameo
