// Branches and loops at kernel selection; see SelectControl.cpp.
#pragma once

#include "lowering/select/Select.h"

namespace cameo {

/// Defines the symbols of what enters and leaves the op's regions that `bound` has not, and appends
/// them to it. The ops inside are selected one by one, later.
Result<void> selectIf(Selection &s, std::vector<std::string> &bound);
Result<void> selectLoop(Selection &s, std::vector<std::string> &bound);

} // namespace cameo
