// The cases of this folder's *.cir.
#pragma once

#include <string>
#include <vector>

namespace cameo {

struct LoopCase {
  std::string file, text;
  std::vector<std::string> runs; // what is behind `// run:`
};

std::vector<LoopCase> loopCases();

} // namespace cameo
