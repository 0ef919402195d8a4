// Divides the functions of a module into parts that become objects of their own, so that several
// threads can compile them. The parts depend on the functions alone, and so do the library's bytes.
#pragma once

#include "ir/Module.h"

#include <vector>

namespace cameo {

struct CodePart {
  std::vector<Func *> funcs;
  bool isWhole = true;  // there are no other parts
  bool hasModel = true; // also the model object
};

/// At least one part and at most `most`, of consecutive functions with about as many ops each.
std::vector<CodePart> divideCode(const Module &module, int64_t most);

} // namespace cameo
