// Machine code: target machines, and modules to object files or assembly.
#pragma once

#include "ir/Target.h"

#include <memory>
#include <string>

namespace llvm {
class MCSubtargetInfo;
class Module;
class TargetMachine;
} // namespace llvm

namespace cameo {

std::unique_ptr<llvm::TargetMachine> makeMachine(const Target &target);
/// What LLVM knows of processors of a target: all that there are, and the features of `cpu`.
std::unique_ptr<llvm::MCSubtargetInfo> makeSubtarget(const Target &target, const std::string &cpu);

/// Runs LLVM's code generator. The module must not be used afterwards.
std::string emitObject(llvm::Module &module, llvm::TargetMachine &machine);
std::string emitAssembly(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace cameo
