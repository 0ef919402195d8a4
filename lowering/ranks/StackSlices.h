// Stacking over the iterations of a Loop what has no known rank.
#pragma once

#include "ir/Module.h"

namespace cameo {

/// Gathers stacked result `i` of a Loop, of unknown rank, in a sequence instead, which is joined
/// behind it: a result that grows in place needs a rank. The Loop that replaces the old one.
Op *stackInSequence(Module &module, Op &loop, int64_t i);

} // namespace cameo
