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

/// Copies the kernels in C that the module mentions into it, with what only they have, compiled for
/// `target`: the runtime's bitcode has no vectors in them yet.
void importKernels(llvm::Module &module, const Target &target, llvm::TargetMachine &machine);

/// Links the runtime in and makes everything but the entry function local to the module. Functions
/// only kernels can reach are compiled for `target`; the rest keeps the baseline it was built for,
/// because it runs before the CPU is known to be good enough.
void linkRuntimeBitcode(llvm::Module &module, const Target &target, const LibraryIdentity &options);

/// For a link with the runtime's object instead: says that its symbols are in the same library.
void expectRuntimeObject(llvm::Module &module);

} // namespace cameo
