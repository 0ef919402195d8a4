// See Compiler.h.
#include "tools/Compiler.h"

#include "bench/Report.h"
#include "codegen/Codegen.h"
#include "codegen/ModelHash.h"
#include "codegen/Target.h"
#include "frontend/MappedFile.h"
#include "ir/Printer.h"
#include "lowering/plan/RejectedTiles.h"
#include "lowering/program/ToLoops.h"
#include "support/File.h"
#include "tools/BugReport.h"
#include "tools/Command.h"
#include "tools/Options.h"
#include "tools/Provenance.h"
#include "tools/Stopwatch.h"
#include "tools/Taps.h"
#include "tools/WeightReport.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace fs = std::filesystem;

namespace {

struct EmitRow {
  EmitKind kind;
  std::string_view name, extension;
};
constexpr std::array<EmitRow, 9> emitRows = {{{EmitKind::So, "so", ".so"},
                                              {EmitKind::A, "a", ".a"},
                                              {EmitKind::O, "o", ".o"},
                                              {EmitKind::Wasm, "wasm", ".wasm"},
                                              {EmitKind::Ll, "ll", ".ll"},
                                              {EmitKind::Asm, "asm", ".s"},
                                              {EmitKind::Ir, "ir", ".cir"},
                                              {EmitKind::Header, "header", ".h"},
                                              {EmitKind::Deps, "deps", ".d"}}};

/// A path in a rule of make.
std::string inRule(const fs::path &path) {
  std::string text;
  for (char c : path.string()) {
    if (c == ' ' || c == '#' || c == '\\')
      text += '\\';
    text += c == '$' ? "$$" : std::string(1, c);
  }
  return text;
}

/// A rule of make: what is made first depends on all files that were read.
std::string dependencies(const CompileRequest &request) {
  fs::path made =
      request.folder / (request.stem + std::string(emitExtension(request.emit.front())));
  std::string rule = inRule(made) + ":";
  for (const fs::path &file : MappedFile::everMapped())
    rule += " \\\n  " + inRule(file);
  for (const std::string &file : request.sizes.ops)
    rule += " \\\n  " + inRule(file);
  return rule + "\n";
}

/// The register tiles that spill, if they are refused: then not all is written.
Result<std::vector<Spill>> emitProgram(const CompileRequest &request, const Program &program,
                                       const Target &target, EmitOptions options,
                                       const fs::path &stem) {
  options.ops = request.sizes.ops;
  options.madeBy = provenanceOf(request);
  options.name = request.name.empty() ? fs::path(request.model).stem().string() : request.name;
  options.header =
      std::find(request.emit.begin(), request.emit.end(), EmitKind::Header) != request.emit.end();
  bool isLinkable = false; // then the header comes with it
  for (EmitKind kind : request.emit) {
    std::string path = stem.string() + std::string(emitExtension(kind));
    if (std::optional<OutputKind> output = outputKind(kind)) {
      options.kind = *output;
      isLinkable |= kind != EmitKind::Ll && kind != EmitKind::Asm;
      std::vector<Spill> spills = TRY(emit(program, target, options, path));
      for (const Spill &spill : spills)
        tellMore(fmt::format("{}: '{}' spills, {} in its loops\n", request.model, spill.function,
                             plural(spill.references, "vector")));
      if (options.refusesSpills && !spills.empty())
        return spills;
    } else if (kind == EmitKind::Ir) {
      TRY(writeFile(path, print(program.module)));
    } else if (kind == EmitKind::Deps) {
      TRY(writeFile(path, dependencies(request)));
    }
  }
  options.kind = OutputKind::Header;
  if (options.header && !isLinkable)
    TRY(emit(program, target, options, stem.string() + ".h"));
  return std::vector<Spill>();
}

Result<std::unique_ptr<Module>> readModule(const CompileRequest &request) {
  if (!isIrPath(request.model))
    return readModel(request.model, request.sizes);
  std::unique_ptr<Module> module = TRY(readIr(request.model, request.sizes, request.zeroWeights));
  if (module->funcs.size() > 1 || module->main().attrs.has("kind"))
    return badInput("expected a graph or kernels, got functions of loops, which lack the weights "
                    "and what the model says of itself");
  return module;
}

/// A model behind the passes.
struct Planned {
  std::unique_ptr<Module> module;
  uint64_t hash = 0; // of the model as it was imported
  PassReport report;
};

Result<Planned> plan(const CompileRequest &request, PassContext &context,
                     const PassObserver &observer) {
  Planned planned;
  planned.module = TRY(readModule(request));
  planned.hash = modelHash(*planned.module);
  if (request.taps)
    addTaps(planned.module->main());
  PassManagerOptions options = request.passes;
  options.beforePass = observer;
  planned.report = TRY(runPasses(*planned.module, context, remainingPipeline(*planned.module),
                                 allPasses(), options));
  return planned;
}

Result<Program> lower(Module &module, const PassContext &context, const PassObserver &observer) {
  if (observer)
    observer(module, "");
  return toLoops(module, context);
}

/// Compiles with what the context has rejected so far. Whether all is written: else it rejects the
/// tiles that spill.
Result<bool> compileOnce(const CompileRequest &request, PassContext &context, bool mayReject,
                         const PassObserver &observer, const fs::path &folder) {
  Stopwatch watch;
  Planned planned = TRY(plan(request, context, observer));
  tellMore(
      fmt::format("{}: read and lowered to kernels in {:.2f} s\n", request.model, watch.lap()));
  fs::path stem = folder / request.stem;
  if (planned.report.stopped) {
    if (request.emit != std::vector{EmitKind::Ir})
      return badInput("--stop-after: what there is then is IR, which --emit ir writes");
    TRY(writeFile(stem.string() + ".cir", print(*planned.module)));
    return true;
  }
  std::string weights;
  if (request.reportsWeights)
    weights = weightSummary(TRY(WeightBudget::of(*planned.module, context)));
  TileKeys keys = tileKeys(planned.module->main());
  Program program = TRY(lower(*planned.module, context, observer));
  EmitOptions options;
  options.modelHash = planned.hash;
  options.refusesSpills = mayReject;
  std::vector<Spill> spills = TRY(emitProgram(request, program, context.target, options, stem));
  TRY(MappedFile::checkUnchanged()); // the weights were read until now
  tellMore(fmt::format("{}: code generated in {:.2f} s\n", request.model, watch.lap()));
  for (const Spill &spill : spills)
    context.rejectedTiles.insert(keys[spill.node].begin(), keys[spill.node].end());
  if (spills.empty())
    tell(weights);
  return spills.empty();
}

/// All the work, in this process; artifacts go to `folder`.
Result<void> compileHere(const CompileRequest &request, const PassObserver &observer,
                         const fs::path &folder) {
  // Tiles that get smaller fit soon. What spills whatever its tile stays as it is then.
  constexpr int kMostRejections = 3;
  PassContext context = TRY(passContext(request));
  bool mayReject = true;
  for (int rejections = 1;; ++rejections) {
    size_t before = context.rejectedTiles.size();
    if (TRY(compileOnce(request, context, mayReject, observer, folder)))
      return {};
    mayReject = rejections < kMostRejections && context.rejectedTiles.size() > before;
  }
}

} // namespace

std::optional<EmitKind> emitKindFromName(std::string_view name) {
  for (const EmitRow &row : emitRows)
    if (row.name == name)
      return row.kind;
  return std::nullopt;
}

std::vector<std::string> emitKindNames() {
  std::vector<std::string> names;
  for (const EmitRow &row : emitRows)
    names.emplace_back(row.name);
  return names;
}

std::string_view emitExtension(EmitKind kind) {
  for (const EmitRow &row : emitRows)
    if (row.kind == kind)
      return row.extension;
  ICE("an emit kind without a row");
}

std::optional<EmitKind> emitKindFromPath(const fs::path &path) {
  std::string extension = path.extension().string();
  for (const EmitRow &row : emitRows)
    if (row.extension == extension)
      return row.kind;
  return std::nullopt;
}

std::optional<OutputKind> outputKind(EmitKind kind) {
  switch (kind) {
  case EmitKind::So:
    return OutputKind::SharedLibrary;
  case EmitKind::A:
    return OutputKind::StaticLibrary;
  case EmitKind::O:
    return OutputKind::Object;
  case EmitKind::Wasm:
    return OutputKind::WasmModule;
  case EmitKind::Ll:
    return OutputKind::LlvmIr;
  case EmitKind::Asm:
    return OutputKind::Assembly;
  case EmitKind::Ir:
  case EmitKind::Header:
  case EmitKind::Deps:
    return std::nullopt;
  }
  ICE("an emit kind without a case");
}

void addTargetOptions(CLI::App &command, TargetOptions &options) {
  command.add_option("--target", options.target, "What to compile for, e.g. aarch64-linux-gnu")
      ->type_name("TARGET")
      ->capture_default_str();
  command
      .add_option("--cpu", options.cpu, "Features, or a processor (default: native for the host)")
      ->type_name("CPU");
  command
      .add_option("--precision", options.precision, "What f32 layers multiply in; sums are in f32")
      ->type_name("fp32|bf16")
      ->check(oneOf({"fp32", "bf16"}))
      ->capture_default_str();
  command
      .add_option("--winograd", options.winograd,
                  "Use Winograd's algorithm where it is faster, or never")
      ->type_name("auto|off")
      ->check(oneOf({"auto", "off"}))
      ->capture_default_str();
  command
      .add_option("--optimize", options.optimize,
                  "Whether larger weights for faster layers are worth it")
      ->type_name("speed|balanced|size")
      ->check(oneOf({"speed", "balanced", "size"}))
      ->capture_default_str();
}

Result<void> checkUnusedTarget(const CLI::App &command, const std::string &library) {
  if (library.empty())
    return {};
  return checkUnused(command,
                     {"--target", "--cpu", "--winograd", "--optimize", "--tune", "--tune-cache"},
                     library);
}

DType precisionOf(const TargetOptions &options) {
  return options.precision == "bf16" ? DType::BF16 : DType::F32;
}

std::string targetFlags(const TargetOptions &options) {
  std::string flags = fmt::format("--precision {} --winograd {} --optimize {}", options.precision,
                                  options.winograd, options.optimize);
  if (Result<Target> target = resolveTarget(options.target, options.cpu))
    flags = fmt::format("--target {} --cpu {} {}", target->triple, target->cpu, flags);
  return flags;
}

Result<PassContext> passContext(const TargetOptions &options) {
  PassContext context{TRY(resolveTarget(options.target, options.cpu)), precisionOf(options),
                      options.winograd == "auto"};
  context.optimize = *fromWord<Optimize>(options.optimize);
  return context;
}

Result<PassContext> passContext(const CompileRequest &request) {
  PassContext context = TRY(passContext(request.target));
  context.profile = request.profile;
  context.plans = request.plans;
  return context;
}

Result<BundleModel> lowerModel(const CompileRequest &request, const PassObserver &observer) {
  PassContext context = TRY(passContext(request));
  Stopwatch watch;
  Planned planned = TRY(plan(request, context, observer));
  BundleModel model;
  model.name = request.stem;
  model.hash = planned.hash;
  model.program = TRY(lower(*planned.module, context, observer));
  tellMore(fmt::format("{}: read and lowered in {:.2f} s\n", request.model, watch.lap()));
  return model;
}

int makeInChild(const MakeRequest &request, std::vector<fs::path> &files) {
  // Beside the results, so that moving them is renaming.
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create(request.folder);
  if (!folder)
    return reportError(folder.error());
  const fs::path &path = (*folder)->path();
  CompilerWork work{request.what, request.targetFlags};
  work.run = [&](const PassObserver &observer) {
    Result<void> done = request.make(observer, path);
    return done ? Fine : reportError(inFinalFolder(done.error(), path, request.folder));
  };
  int status = runCompiler(work);
  if (status != Fine)
    return status;
  Result<std::vector<fs::path>> moved = (*folder)->moveFiles(request.folder);
  if (moved)
    files = std::move(*moved);
  return exitStatus(moved);
}

Result<void> makeOutputFolder(const fs::path &folder) {
  std::error_code failed;
  fs::create_directories(folder, failed);
  std::error_code ignored;
  if (failed || !fs::is_directory(folder, ignored))
    return badInput(fmt::format("--output: cannot create the folder '{}': {}", folder.string(),
                                failed ? failed.message() : std::strerror(ENOTDIR)));
  return {};
}

std::string describeFiles(const std::vector<fs::path> &files) {
  std::vector<std::string> texts;
  for (const fs::path &file : files) {
    std::error_code failed;
    int64_t size = static_cast<int64_t>(fs::file_size(file, failed));
    bool code = emitKindFromPath(file) != EmitKind::Header && file.extension() != ".mjs" &&
                file.extension() != ".mts";
    texts.push_back(file.lexically_normal().string() +
                    (code && !failed ? fmt::format(" ({})", formatBytes(size)) : ""));
  }
  return fmt::format("{}", fmt::join(texts, ", "));
}

int compileInChild(const CompileRequest &request, std::vector<fs::path> &files) {
  MakeRequest make{request.model, targetFlags(request.target), request.folder};
  make.make = [&](const PassObserver &observer, const fs::path &folder) -> Result<void> {
    Result<void> done = compileHere(request, observer, folder);
    return done ? done : inFile(request.model, done.error());
  };
  return makeInChild(make, files);
}

Result<void> checkRunsHere(const Target &target) {
  Result<Target> host = resolveTarget("host", "native");
  if (!host || host->arch != target.arch)
    return badInput(fmt::format("--target: code for {} cannot be run here", target.triple));
  return {};
}

int compileTemporary(CompileRequest request, const TemporaryFolder &folder, std::string &library,
                     const std::string &stem) {
  Result<Target> target = resolveTarget(request.target.target, request.target.cpu);
  if (!target)
    return reportError(target.error());
  if (Result<void> runs = checkRunsHere(*target); !runs)
    return reportError(runs.error());
  request.folder = folder.path();
  request.stem = stem;
  request.emit = {EmitKind::So};
  std::vector<fs::path> files;
  int status = compileInChild(request, files);
  library = folder.path() / (stem + ".so");
  return status;
}

} // namespace cameo
