// Brings generated code and the runtime together: as one module, for outputs that must have a
// single symbol or be text, or as two objects for the linker, which saves compiling the runtime
// again.
#pragma once

#include "codegen/ModelObject.h"
#include "ir/Target.h"

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace cameo {

/// Links the runtime in and makes everything but the entry function local to the module. Kernels in
/// C and functions only kernels can reach are compiled for `target`; the rest keeps the baseline it
/// was built for, because it runs before the CPU is known to be good enough.
void linkRuntimeBitcode(llvm::Module &module, const Target &target, llvm::TargetMachine &machine,
                        const LibraryIdentity &options);

/// For a link with the runtime's object instead: kernels in C that the module mentions become part
/// of it, compiled for `target`, and all else of the runtime is said to be in the same library.
void expectRuntimeObject(llvm::Module &module, const Target &target, llvm::TargetMachine &machine);

} // namespace cameo
