// The passes that run on generated functions before LLVM's code generator.
#pragma once

namespace llvm {
class Module;
class TargetMachine;
} // namespace llvm

namespace cameo {

/// Cleans up what the emitter wrote: memory to registers, common subexpressions, invariant code.
/// No vectoriser and no unroller: kernels come in the shape they should have. Functions of the
/// runtime, which clang has optimised, are only inlined and dropped.
void optimize(llvm::Module &module, llvm::TargetMachine &machine);

/// What clang's -O2 does, for functions in C and the features that they are compiled for.
void optimizeC(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace cameo
