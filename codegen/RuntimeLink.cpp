// See RuntimeLink.h.
#include "codegen/RuntimeLink.h"

#include "codegen/Bitcode.h"
#include "codegen/Functions.h"
#include "codegen/Optimize.h"

#include <llvm/ADT/SmallPtrSet.h>
#include <llvm/Bitcode/BitcodeReader.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/Linker/Linker.h>
#include <llvm/Transforms/Utils/ModuleUtils.h>

namespace cameo {
namespace {

constexpr const char *kDenormals = "denormal-fp-math", *kAnyMode = "dynamic,dynamic";

// What LLVM's code generator may call without a mention in the IR.
bool isCompilerHelper(llvm::StringRef name) {
  static const char *const names[] = {
      "memcpy", "memmove", "memset", "memcmp",    "floor",      "ceil",      "trunc",
      "round",  "rint",    "fmod",   "nearbyint", "roundeven",  "floorf",    "ceilf",
      "truncf", "roundf",  "rintf",  "fmodf",     "nearbyintf", "roundevenf"};
  return llvm::is_contained(names, name) || name.starts_with("__");
}

using Functions = llvm::SmallPtrSet<llvm::Function *, 32>;

// All functions that code of `from` mentions, directly or through others.
void reach(llvm::Function *from, Functions &reached) {
  llvm::SmallVector<llvm::Function *> work = {from};
  while (!work.empty())
    for (llvm::Instruction &instruction : llvm::instructions(*work.pop_back_val()))
      for (llvm::Value *operand : instruction.operands())
        if (auto *callee = llvm::dyn_cast<llvm::Function>(operand))
          if (reached.insert(callee).second)
            work.push_back(callee);
}

bool isKernel(const llvm::Function &function) {
  return function.getName().starts_with("cameo_kernel_");
}

void compileFor(llvm::Function &function, const Target &target) {
  for (const char *attribute : {"target-cpu", "target-features", "tune-cpu"})
    function.removeFnAttr(attribute);
  setTargetAttributes(function, target);
}

void retarget(llvm::Module &module, const Target &target) {
  Functions byKernels, byRuntime;
  for (llvm::Function &function : module) {
    if (!isGenerated(function)) // which both generated code and functions in C may call
      function.addFnAttr(kDenormals, kAnyMode);
    if (isGenerated(function))
      reach(&function, byKernels);
    else if (function.getName().starts_with("cameo_rt_"))
      reach(&function, byRuntime);
  }
  for (llvm::Function *function : byKernels) {
    llvm::StringRef name = function->getName();
    if (function->isDeclaration() || byRuntime.contains(function) || isCompilerHelper(name) ||
        isGenerated(*function) || name.starts_with("cameo_rt_"))
      continue;
    compileFor(*function, target);
  }
}

std::unique_ptr<llvm::Module> runtimeModule(const llvm::Module &module, const Target &target) {
  std::string_view bitcode = runtimeBitcode(archName(target.arch));
  ICE_UNLESS(!bitcode.empty(), "no runtime for " + target.triple);
  auto runtime = llvm::getLazyBitcodeModule(
      llvm::MemoryBufferRef(llvm::StringRef(bitcode.data(), bitcode.size()), "runtime"),
      module.getContext());
  ICE_UNLESS(bool(runtime), "the runtime's bitcode cannot be read");
  (*runtime)->setTargetTriple(module.getTargetTriple());
  (*runtime)->setDataLayout(module.getDataLayout());
  return std::move(*runtime);
}

} // namespace

void importKernels(llvm::Module &module, const Target &target, llvm::TargetMachine &machine) {
  std::vector<std::string> kernels;
  for (const llvm::Function &function : module)
    if (function.isDeclaration() && isKernel(function))
      kernels.push_back(function.getName().str());
  if (kernels.empty())
    return;
  std::unique_ptr<llvm::Module> runtime = runtimeModule(module, target);
  for (llvm::Function &function : *runtime)
    if (!function.hasLocalLinkage() && !llvm::is_contained(kernels, function.getName()))
      function.deleteBody();
  for (llvm::GlobalVariable &table : runtime->globals())
    if (!table.hasLocalLinkage())
      table.setInitializer(nullptr);
  ICE_UNLESS(!runtime->materializeAll(), "the runtime's bitcode cannot be read");
  for (llvm::Function &function : *runtime)
    if (!function.isDeclaration()) {
      compileFor(function, target);
      function.addFnAttr(kDenormals, kAnyMode);
    }
  optimizeC(*runtime, machine);
  ICE_UNLESS(!llvm::Linker::linkModules(module, std::move(runtime), llvm::Linker::LinkOnlyNeeded),
             "the runtime's kernels do not link");
  for (const std::string &name : kernels) {
    llvm::Function *kernel = module.getFunction(name);
    kernel->setLinkage(llvm::GlobalValue::InternalLinkage);
    kernel->setVisibility(llvm::GlobalValue::DefaultVisibility);
  }
}

void expectRuntimeObject(llvm::Module &module) {
  for (llvm::GlobalValue &value : module.global_values())
    if (value.isDeclaration() && !value.getName().starts_with("llvm.")) {
      value.setVisibility(llvm::GlobalValue::HiddenVisibility);
      value.setDSOLocal(true);
    }
}

void linkRuntimeBitcode(llvm::Module &module, const Target &target,
                        const LibraryIdentity &options) {
  ICE_UNLESS(!llvm::Linker::linkModules(module, runtimeModule(module, target)),
             "the runtime does not link");

  // Weak references would take nothing out of a static C library.
  for (const char *name : {"pthread_create", "pthread_join"})
    if (llvm::Function *function = module.getFunction(name))
      function->setLinkage(llvm::GlobalValue::ExternalLinkage);
  llvm::SmallVector<llvm::GlobalValue *> helpers;
  for (llvm::GlobalValue &value : module.global_values()) {
    if (value.isDeclaration() || value.getName() == llvm::StringRef(options.name) ||
        value.getName() == llvm::StringRef(options.bound))
      continue;
    value.setLinkage(llvm::GlobalValue::InternalLinkage);
    value.setVisibility(llvm::GlobalValue::DefaultVisibility);
    if (llvm::isa<llvm::Function>(value) && isCompilerHelper(value.getName()))
      helpers.push_back(&value);
  }
  llvm::appendToCompilerUsed(module, helpers);
  retarget(module, target);
}

} // namespace cameo
