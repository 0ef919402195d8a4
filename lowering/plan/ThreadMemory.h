// Memory that a kernel needs for each thread, in the workspace of a run.
#pragma once

#include "ir/Op.h"

namespace cameo {

/// Bytes of a thread for an op that has its plan and layouts, in whole cache lines; 0 for others.
Dim threadBytes(const Op &op);

} // namespace cameo
