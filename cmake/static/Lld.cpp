// What lld asks for on behalf of its link-time optimisation, which gets no work here: Cameo gives
// it machine code. Without these definitions, which take the place of LLVM's inline ones, every
// target of the distribution's LLVM and Polly would be linked: megabytes that never run. Cameo's
// own targets are set up by codegen/ObjectFile.cpp.
#include <llvm/Passes/PassPlugin.h>

namespace llvm {
void InitializeAllTargetInfos() {}
void InitializeAllTargets() {}
void InitializeAllTargetMCs() {}
void InitializeAllAsmPrinters() {}
void InitializeAllAsmParsers() {}
} // namespace llvm

llvm::PassPluginLibraryInfo getPollyPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "none", "", [](llvm::PassBuilder &) {}};
}
