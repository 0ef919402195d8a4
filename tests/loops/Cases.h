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

/// Of the changes that a test could try, it tries each so many-th. Sanitizers make a trial ten
/// times slower, and their build need not try what the release build tries as well.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t changesPerTrial = 4;
#else
constexpr size_t changesPerTrial = 1;
#endif

} // namespace cameo
