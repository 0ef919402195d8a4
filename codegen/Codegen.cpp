// See Codegen.h.
#include "codegen/Codegen.h"

#include "codegen/AddressSpace.h"
#include "codegen/Bitcode.h"
#include "codegen/BundleObject.h"
#include "codegen/Checksum.h"
#include "codegen/CodeParts.h"
#include "codegen/Description.h"
#include "codegen/Header.h"
#include "codegen/JsModule.h"
#include "codegen/Linker.h"
#include "codegen/ModelObject.h"
#include "codegen/Names.h"
#include "codegen/ObjectFile.h"
#include "codegen/Optimize.h"
#include "codegen/RuntimeLink.h"
#include "codegen/WasmLinker.h"
#include "codegen/Weights.h"
#include "runtime/include/cameo_bundle.h"
#include "support/File.h"
#include "support/OutputFile.h"
#include "support/Parallel.h"

#include <filesystem>
#include <llvm/IR/Verifier.h>
#include <llvm/Object/ArchiveWriter.h>
#include <llvm/Support/MemoryBuffer.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/Target/TargetMachine.h>
#include <map>

namespace cameo {
namespace {

/// More would keep more processors busy, and spend more time on what each part begins with.
constexpr int64_t kMostParts = 16;

void verify(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  if (llvm::verifyModule(module, &stream))
    ICE("invalid LLVM IR: " + stream.str());
}

std::string textOf(const llvm::Module &module) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  module.print(stream, nullptr);
  return stream.str();
}

std::string modelName(const EmitOptions &options, const std::filesystem::path &file) {
  if (!options.name.empty())
    return modelIdentifier(options.name);
  std::string stem = file.stem().string();
  if (options.kind == OutputKind::StaticLibrary && stem.starts_with("lib"))
    stem.erase(0, 3);
  return modelIdentifier(stem);
}

std::string archiveOf(const std::string &object) {
  llvm::NewArchiveMember entry(llvm::MemoryBufferRef(object, "model.o"));
  llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>> archive = llvm::writeArchiveToBuffer(
      entry, llvm::SymtabWritingMode::NormalSymtab, llvm::object::Archive::K_GNU,
      /*Deterministic=*/true, /*Thin=*/false);
  if (!archive)
    ICE("cannot make an archive: " + llvm::toString(archive.takeError()));
  return (*archive)->getBuffer().str();
}

// One file's way from Program to disk.
class Emission {
public:
  /// `program` has all functions and weights, also those of a bundle, which may be null.
  Emission(const Program &program, const Bundle *bundle, const Target &target,
           const EmitOptions &options, const std::string &path)
      : program_(program), bundle_(bundle), target_(target), options_(options), file_(path),
        output_(path) {
    model_.name = modelName(options, file_);
    model_.bound = boundIdentifier(model_.name, options.modelHash);
    model_.madeBy = options.madeBy;
  }

  Result<void> run();
  std::vector<Spill> takeSpills() { return std::move(spills_); }

private:
  std::vector<const Program *> models() const;
  Result<void> checkKind() const;
  std::string description() const;
  void buildModule(const FuncInterfaces &interfaces, const CodePart &part,
                   llvm::TargetMachine &machine, llvm::Module &module) const;
  MachineCode generate(const FuncInterfaces &interfaces, const CodePart &part) const;
  void noteSpills(const FuncInterfaces &interfaces, const std::vector<MachineCode> &parts);
  Result<void> writeContents();
  Result<void> writeWeightsBeside();
  Result<void> writeCode(const std::vector<std::string> &parts);
  Result<UserOps> usersOps() const;
  LinkJob linkJob(const std::vector<std::string> &objects) const;
  Result<void> writeShared(const std::vector<std::string> &objects);
  Result<void> writeStatic(const std::string &object);
  Result<void> writeWasm(const std::vector<std::string> &objects);
  Result<void> writeJavaScript();
  Result<void> writeHeaders(std::filesystem::path header);
  bool isStatic() const {
    return options_.kind == OutputKind::StaticLibrary || options_.kind == OutputKind::Object;
  }
  bool isShared() const { return options_.kind == OutputKind::SharedLibrary; }
  bool isModule() const { return options_.kind == OutputKind::WasmModule; }
  bool isRefused() const { return options_.refusesSpills && !spills_.empty(); }

  const Program &program_;
  const Bundle *bundle_;
  const Target &target_;
  const EmitOptions &options_;
  std::filesystem::path file_;
  OutputFile output_;
  LibraryIdentity model_;
  std::vector<Spill> spills_;
};

std::vector<const Program *> Emission::models() const {
  if (!bundle_)
    return {&program_};
  std::vector<const Program *> models;
  for (const BundleModel &model : bundle_->models)
    models.push_back(&model.program);
  return models;
}

std::string Emission::description() const {
  std::vector<DescribedModel> described;
  if (!bundle_)
    described.push_back({model_.name, &program_});
  else
    for (const BundleModel &model : bundle_->models)
      described.push_back({model.name, &model.program});
  return describeLibrary(described, program_.weightBytes, target_, model_);
}

void Emission::buildModule(const FuncInterfaces &interfaces, const CodePart &part,
                           llvm::TargetMachine &machine, llvm::Module &module) const {
  module.setTargetTriple(target_.triple);
  module.setDataLayout(machine.createDataLayout());
  module.setPICLevel(llvm::PICLevel::BigPIC);
  EmittedFuncs funcs = emitFuncs(interfaces, part, target_, module);
  if (part.hasModel && bundle_)
    emitBundleObject(*bundle_, target_, funcs, model_, module);
  else if (part.hasModel)
    emitModel(program_, target_, funcs, model_, module);
  if (part.hasModel && isShared())
    emitDescription(description(), module);
  verify(module);
  importKernels(module, target_, machine);
  if (isStatic())
    linkRuntimeBitcode(module, target_, model_);
  else
    expectRuntimeObject(module);
  optimize(module, machine);
}

Result<void> Emission::checkKind() const {
  if (isModule() && !target_.isWasm())
    return badInput("a .wasm module can be made for wasm32 only, the target is " + target_.triple);
  if ((isStatic() || isShared()) && target_.isWasm())
    return badInput("a library or object cannot be made for wasm32, only a .wasm module");
  if (isModule() && !options_.ops.empty())
    return badInput("--ops: a .wasm module cannot have operators of one's own");
  for (const Program *model : models())
    for (const Site &site : model->sites)
      if (site.callee == model_.name)
        return badInput("the model and the function of node '" +
                        model->nodeNames.names.at(std::max<int64_t>(site.node, 0)) +
                        "' are both called '" + model_.name + "', --name gives the model another");
  return checkAddresses(program_, target_);
}

// The file is made first: there is no point in compiling what cannot be written.
Result<void> Emission::run() {
  TRY(checkKind());
  if (options_.kind == OutputKind::Header)
    return writeHeaders(file_);
  TRY(output_.create(isShared()));
  TRY(writeContents());
  if (isRefused())
    return {};
  TRY(output_.commit());
  bool library = isStatic() || isShared() || isModule();
  if (!library || !options_.header)
    return {};
  return writeHeaders(std::filesystem::path(file_).replace_extension(".h"));
}

/// A part's object or text.
MachineCode Emission::generate(const FuncInterfaces &interfaces, const CodePart &part) const {
  llvm::LLVMContext context;
  llvm::Module module("model", context);
  std::unique_ptr<llvm::TargetMachine> machine = makeMachine(target_);
  buildModule(interfaces, part, *machine, module);
  if (options_.kind == OutputKind::LlvmIr)
    return {textOf(module)};
  return options_.kind == OutputKind::Assembly ? emitAssembly(module, *machine)
                                               : emitObject(module, *machine);
}

/// Those of register tiles, with their nodes. Depthwise convolutions, whose taps are unrolled, have
/// more weights than there are registers; a weight from the stack costs no more than from where it
/// was.
void Emission::noteSpills(const FuncInterfaces &interfaces, const std::vector<MachineCode> &parts) {
  std::map<std::string, std::string> nodes; // by symbols
  for (const auto &[name, interface] : interfaces)
    if (interface.kind == "micro")
      nodes[interface.symbol] = interface.func->attrs.getString("node");
  for (const MachineCode &part : parts)
    for (const Spill &spill : part.spills)
      if (auto found = nodes.find(spill.function); found != nodes.end())
        spills_.push_back({spill.function, spill.references, found->second});
}

Result<void> Emission::writeContents() {
  if (isStatic() && program_.weightBytes > options_.maxStaticWeights)
    TRY(writeWeightsBeside());
  FuncInterfaces interfaces = interfacesOf(program_.module);
  bool isLinked = isShared() || isModule(); // from any number of objects
  std::vector<CodePart> parts = divideCode(program_.module, isLinked ? kMostParts : 1);
  std::vector<MachineCode> generated(parts.size());
  TRY(inParallel(std::ssize(parts), [&](int64_t i) -> Result<void> {
    generated[i] = generate(interfaces, parts[i]);
    return {};
  }));
  noteSpills(interfaces, generated);
  if (isRefused())
    return {};
  std::vector<std::string> texts;
  for (MachineCode &part : generated)
    texts.push_back(std::move(part.text));
  return writeCode(texts);
}

Result<void> Emission::writeCode(const std::vector<std::string> &parts) {
  if (isShared())
    return writeShared(parts);
  if (isModule())
    return writeWasm(parts);
  return isStatic() ? writeStatic(parts.front()) : output_.append(parts.front());
}

// Before the object, which holds the file's name and the id of its contents.
Result<void> Emission::writeWeightsBeside() {
  std::filesystem::path path = std::filesystem::path(file_).replace_extension(".weights");
  OutputFile output(path.string());
  TRY(output.create());
  model_.weightsId = TRY(writeWeightsFile(program_, output));
  model_.weightsFile = path.filename().string();
  return output.commit();
}

/// The libraries given, which must have every function that is not the runtime's.
Result<UserOps> Emission::usersOps() const {
  UserOps ops = TRY(readUserOps(options_.ops, target_));
  for (const Program *model : models())
    for (const Site &site : model->sites)
      if (!site.callee.starts_with("cameo_kernel_") && !ops.defined.contains(site.callee))
        return badInput("--ops: no library has '" + site.callee + "', which node '" +
                        model->nodeNames.names.at(std::max<int64_t>(site.node, 0)) + "' needs");
  return ops;
}

LinkJob Emission::linkJob(const std::vector<std::string> &objects) const {
  LinkJob job;
  job.objects.assign(objects.begin(), objects.end());
  job.objects.push_back(runtimeObject(archName(target_.arch)));
  job.output = output_.temporary();
  job.shown = file_.string();
  job.soname = file_.filename().string();
  job.entry = model_.name;
  job.symbol = bundle_ ? CAMEO_BUNDLE_SYMBOL : CAMEO_MODEL_SYMBOL;
  return job;
}

Result<void> Emission::writeShared(const std::vector<std::string> &objects) {
  LinkJob job = linkJob(objects);
  job.ops = TRY(usersOps());
  TRY(linkShared(job, target_));
  TRY(output_.reopen());
  TRY(appendWeights(program_, output_));
  return appendChecksum(output_);
}

// The weights of an archive's object are appended in the archive, so that they are never in memory.
Result<void> Emission::writeStatic(const std::string &object) {
  bool filled = program_.weightBytes == 0 || !model_.weightsFile.empty();
  bool archive = options_.kind == OutputKind::StaticLibrary;
  TRY(output_.append(archive ? archiveOf(object) : object));
  if (filled)
    return {};
  return archive ? appendWeightsToArchive(program_, output_) : appendWeights(program_, output_);
}

Result<void> Emission::writeWasm(const std::vector<std::string> &objects) {
  TRY(linkWasm(linkJob(objects), program_, output_));
  return output_.append(wasmDescription(description()));
}

/// The name of a model's file that would take the place of the file that it includes gets `m_` in
/// front.
static std::string besideCameo(const std::string &file) {
  bool isTaken = file == "cameo.h" || file == "cameo_op.h" || file == "cameo.mjs";
  return (isTaken ? "m_" : "") + file;
}

/// For wasm: the model's module of JavaScript and the loader that it imports, with their types.
Result<void> Emission::writeJavaScript() {
  std::filesystem::path folder = file_.parent_path();
  if (!bundle_) {
    std::string wasm = file_.stem().string() + ".wasm";
    std::string stem = std::filesystem::path(besideCameo(file_.stem().string() + ".mjs")).stem();
    TRY(writeFile((folder / (stem + ".mjs")).string(), jsModule(model_.name, stem, wasm)));
    TRY(writeFile((folder / (stem + ".d.mts")).string(), jsTypes(program_, model_.name)));
  }
  TRY(writeFile((folder / "cameo.d.mts").string(), jsLoaderTypes()));
  return writeFile((folder / "cameo.mjs").string(), jsLoader());
}

/// The model's header at a path, and beside it what it includes.
Result<void> Emission::writeHeaders(std::filesystem::path header) {
  if (target_.isWasm())
    return writeJavaScript();
  header.replace_filename(besideCameo(header.filename().string()));
  if (!options_.ops.empty())
    TRY(writeFile((file_.parent_path() / "cameo_op.h").string(), opHeader()));
  std::string file = header.filename().string();
  if (bundle_)
    TRY(writeFile((file_.parent_path() / "cameo_bundle.h").string(), bundlePublicHeader()));
  TRY(writeFile(header.string(), bundle_ ? bundleHeader(*bundle_, model_, file)
                                         : modelHeader(program_, model_, file)));
  return writeFile((file_.parent_path() / "cameo.h").string(), publicHeader());
}

} // namespace

Result<std::vector<Spill>> emit(const Program &program, const Target &target,
                                const EmitOptions &options, const std::string &path) {
  Emission emission(program, nullptr, target, options, path);
  TRY(emission.run());
  return emission.takeSpills();
}

Result<void> emit(const Bundle &bundle, const Target &target, const EmitOptions &options,
                  const std::string &path) {
  return Emission(bundle.shared, &bundle, target, options, path).run();
}

} // namespace cameo
