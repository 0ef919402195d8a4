// See Codegen.h.
#include "codegen/Codegen.h"

#include "codegen/Linker.h"
#include "codegen/ModelObject.h"
#include "codegen/ObjectFile.h"
#include "codegen/Optimize.h"
#include "codegen/OutputFile.h"
#include "codegen/RuntimeLink.h"
#include "codegen/Weights.h"

#include <filesystem>
#include <llvm/IR/Verifier.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>

namespace cameo {
namespace {

void verify(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (llvm::verifyModule(module, &stream))
    ICE("invalid LLVM IR: " + stream.str());
}

void buildModule(const Program &program, const Target &target, const ModelOptions &options,
                 llvm::TargetMachine &machine, llvm::Module &module) {
  module.setTargetTriple(target.triple);
  module.setDataLayout(machine.createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  EmittedFuncs funcs = emitFuncs(program.module, target, module);
  emitModel(program, target, funcs, options, module);
  verify(module);
  linkRuntime(module, target, options.name);
  optimize(module, machine);
}

Result<void> writeText(const std::string &path, std::string_view text) {
  OutputFile file(path);
  TRY(file.create());
  TRY(file.append(text));
  return file.commit();
}

} // namespace

std::string modelIdentifier(const std::string &name) {
  std::string result;
  for (char c : name) {
    bool isAlpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    bool isDigit = c >= '0' && c <= '9';
    if (isDigit && result.empty())
      result += '_';
    result += isAlpha || isDigit ? c : '_';
  }
  return result.empty() ? "model" : result;
}

Result<void> emit(const Program &program, const Target &target, const EmitOptions &options,
                  const std::string &path) {
  llvm::LLVMContext context;
  llvm::Module module("model", context);
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(target);
  ModelOptions model;
  std::filesystem::path file(path);
  model.name = modelIdentifier(options.name.empty() ? file.stem().string() : options.name);
  buildModule(program, target, model, *machine, module);

  if (options.kind == OutputKind::LlvmIr) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    module.print(stream, nullptr);
    return writeText(path, stream.str());
  }
  if (options.kind == OutputKind::Assembly)
    return writeText(path, emitAssembly(module, *machine));
  std::string object = emitObject(module, *machine);
  OutputFile output(path);
  TRY(output.create(options.kind == OutputKind::SharedLibrary));
  if (options.kind == OutputKind::SharedLibrary) {
    TRY(linkShared({object, output.temporary(), file.filename().string(), model.name}, target,
                   *machine));
    TRY(output.reopen());
  } else {
    TRY(output.append(object));
  }
  TRY(appendWeights(program, output));
  return output.commit();
}

} // namespace cameo
