// See ObjectFile.h.
#include "codegen/ObjectFile.h"

#include <llvm/CodeGen/MachineModuleInfo.h>
#include <llvm/CodeGen/Passes.h>
#include <llvm/CodeGen/TargetPassConfig.h>
#include <llvm/IR/LegacyPassManager.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/ErrorHandling.h>
#include <llvm/Support/TargetSelect.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <mutex>
#include <new>

namespace cameo {

static void initialise() {
  static std::once_flag once;
  std::call_once(once, [] {
#define INITIALISE(name)                                                                           \
  LLVMInitialize##name##TargetInfo();                                                              \
  LLVMInitialize##name##Target();                                                                  \
  LLVMInitialize##name##TargetMC();                                                                \
  LLVMInitialize##name##AsmPrinter();                                                              \
  LLVMInitialize##name##AsmParser()
    INITIALISE(X86);
    INITIALISE(AArch64);
    INITIALISE(ARM);
    INITIALISE(RISCV);
    INITIALISE(WebAssembly);
#undef INITIALISE
    // As operator new does, instead of ending the process as a crash.
    llvm::install_bad_alloc_error_handler(
        [](void *, const char *, bool) -> void { throw std::bad_alloc(); });
  });
}

/// LLVM's target of a triple.
static const llvm::Target &lookUp(const Target &target) {
  initialise();
  std::string error;
  const llvm::Target *found = llvm::TargetRegistry::lookupTarget(target.triple, error);
  ICE_UNLESS(found, error);
  return *found;
}

std::unique_ptr<llvm::MCSubtargetInfo> makeSubtarget(const Target &target, const std::string &cpu) {
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      lookUp(target).createMCSubtargetInfo(target.triple, cpu, ""));
}

std::unique_ptr<llvm::TargetMachine> makeMachine(const Target &target) {
  llvm::TargetOptions options;
  options.AllowFPOpFusion = llvm::FPOpFusion::Strict; // only `mad` is fused
  options.FunctionSections = options.DataSections = true;
  if (target.arch == Arch::RiscV64)
    options.MCOptions.ABIName = "lp64d";
  llvm::Reloc::Model reloc = target.isWasm() ? llvm::Reloc::Static : llvm::Reloc::PIC_;
  return std::unique_ptr<llvm::TargetMachine>(lookUp(target).createTargetMachine(
      target.triple, target.llvmCpu, target.llvmFeatures, options, reloc, std::nullopt,
      llvm::CodeGenOptLevel::Default));
}

/// What TargetMachine::addPassesToEmitFile does, with a look at the machine code before it is
/// written.
static MachineCode emitFile(llvm::Module &module, llvm::TargetMachine &target,
                            llvm::CodeGenFileType type) {
  auto &machine = static_cast<llvm::LLVMTargetMachine &>(target); // as all targets' are
  llvm::legacy::PassManager passes;
  llvm::SmallString<0> bytes;
  llvm::raw_svector_ostream stream(bytes);
  MachineCode code;
  auto *info = new llvm::MachineModuleInfoWrapperPass(&machine);
  llvm::TargetPassConfig *config = machine.createPassConfig(passes);
  passes.add(config);
  passes.add(info);
  bool failed = config->addISelPasses();
  config->addMachinePasses();
  config->setInitialized();
  passes.add(createCountSpills(code.spills));
  failed |= machine.addAsmPrinter(passes, stream, nullptr, type, info->getMMI().getContext());
  ICE_UNLESS(!failed, "the target cannot emit files");
  passes.add(llvm::createFreeMachineFunctionPass());
  passes.run(module);
  code.text = std::string(bytes);
  return code;
}

MachineCode emitObject(llvm::Module &module, llvm::TargetMachine &machine) {
  return emitFile(module, machine, llvm::CodeGenFileType::ObjectFile);
}

MachineCode emitAssembly(llvm::Module &module, llvm::TargetMachine &machine) {
  return emitFile(module, machine, llvm::CodeGenFileType::AssemblyFile);
}

} // namespace cameo
