// The cases of this folder's *.cir.
#pragma once

#include "tests/Sanitized.h"

#include <string>
#include <vector>

namespace cameo {

struct LoopCase {
  std::string file, text;
  std::vector<std::string> runs; // what is behind `// run:`
};

std::vector<LoopCase> loopCases();

/// Of the changes that a test could try, it tries each so many-th.
constexpr size_t changesPerTrial = kIsSanitized ? 12 : 1;

} // namespace cameo
