// Brings the runtime's bitcode into a module of generated code.
#pragma once

#include "ir/Target.h"

namespace llvm {
class Module;
} // namespace llvm

namespace cameo {

/// Links the runtime in and makes everything but `entry` local to the module. Functions only
/// kernels can reach are compiled for `target`; the rest keeps the baseline it was built for,
/// because it runs before the CPU is known to be good enough.
void linkRuntime(llvm::Module &module, const Target &target, const std::string &entry);

} // namespace cameo
