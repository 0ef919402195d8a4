// Machine code: target machines, and modules to object files or assembly.
#pragma once

#include "codegen/Spills.h"
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

/// What LLVM's code generator makes of a module.
struct MachineCode {
  std::string text;               // an object file, or assembly
  std::vector<Spill> spills = {}; // by symbols
};

/// Runs LLVM's code generator. The module must not be used afterwards.
MachineCode emitObject(llvm::Module &module, llvm::TargetMachine &machine);
MachineCode emitAssembly(llvm::Module &module, llvm::TargetMachine &machine);

} // namespace cameo
