// Every pass: a free function that says whether it changed the module. Their order and the reasons
// for it are in Pipeline.cpp.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"
#include "lowering/Pass.h"

namespace cameo {

#define PASS(name, function, need, help) Result<bool> function(Module &, PassContext &);
#include "lowering/Passes.def"

} // namespace cameo
