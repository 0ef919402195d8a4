// `cameo compile`: one model or many to libraries, objects, or the IR on the way.
#include "bench/Report.h"
#include "codegen/Target.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/Tuner.h"

#include <CLI/CLI.hpp>
#include <chrono>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo compile resnet50.onnx
      makes resnet50.so and resnet50.h in the current folder, for this machine
  cameo compile resnet50.onnx -o lib/net.so --dim batch=4
      the size called 'batch' in the model is 4
  cameo compile 'models/*.onnx' -o out
      every model into out/; one that fails does not stop the others
  cameo compile net.onnx --emit o,header --target aarch64-linux-gnu --cpu armv8-a+dotprod
      an object file to link into a program for another machine
  cameo compile net.onnx --tune --tune-cache plans.txt
      times other plans of the net's layers on this machine, and keeps the fastest for the next time
  cameo compile net.onnx --target wasm32
      makes net.wasm and net.mjs, which runs it in browsers and Node.js

With several models OUT is a folder, created if missing. With one model, OUT is a file, or a folder
if it exists or ends in '/'; its extension says what to make when --emit does not.)";

struct Options {
  std::vector<std::string> models;
  std::string output;
  std::vector<std::string> emit;
  CompileRequest request;
  TuneOptions tuning;
};

Result<std::vector<EmitKind>> emitKinds(const Options &options, const Target &target) {
  std::vector<EmitKind> kinds;
  for (const std::string &name : options.emit) {
    std::optional<EmitKind> kind = emitKindFromName(name);
    if (!kind)
      return badInput(fmt::format(
          "--emit: expected some of so,a,o,wasm,ll,asm,ir,header,deps, got '{}'", name));
    if (std::find(kinds.begin(), kinds.end(), *kind) == kinds.end())
      kinds.push_back(*kind);
  }
  if (!kinds.empty())
    return kinds;
  EmitKind usual = target.isWasm() ? EmitKind::Wasm : EmitKind::So;
  EmitKind kind = emitKindFromPath(options.output).value_or(usual);
  if (kind == EmitKind::So || kind == EmitKind::A || kind == EmitKind::O || kind == EmitKind::Wasm)
    return std::vector{kind, EmitKind::Header};
  return std::vector{kind};
}

std::string stemOf(const std::string &model) {
  std::string stem = std::filesystem::path(model).stem().string();
  return stem.empty() ? "model" : stem;
}

/// Sets where the artifacts of a single model go.
Result<void> placeSingle(const std::string &output, CompileRequest &request) {
  std::error_code ignored;
  std::filesystem::path path = output;
  if (output.empty() || !path.has_filename() || std::filesystem::is_directory(path, ignored)) {
    request.folder = output.empty() ? "." : path;
    request.stem = stemOf(request.model);
    return {};
  }
  std::optional<EmitKind> kind = emitKindFromPath(path);
  if (!kind && path.has_extension() && request.emit.front() != EmitKind::Header)
    return badInput(fmt::format("--output: '{}' has an extension that no kind of output has "
                                "(.so, .a, .o, .wasm, .ll, .s, .cir, .h)",
                                output));
  if (kind && std::find(request.emit.begin(), request.emit.end(), *kind) == request.emit.end())
    return badInput(
        fmt::format("--output: '{}' is none of the kinds that --emit asks for", output));
  request.folder = path.has_parent_path() ? path.parent_path() : ".";
  request.stem = path.stem().string();
  return {};
}

/// A model may be called as its library will be.
Result<void> checkModelIsKept(const CompileRequest &request) {
  std::error_code ignored;
  for (EmitKind kind : request.emit) {
    std::filesystem::path path = request.folder / (request.stem + std::string(emitExtension(kind)));
    if (std::filesystem::equivalent(path, request.model, ignored))
      return badInput(
          fmt::format("the output '{}' would replace the model", path.lexically_normal().string()));
  }
  return {};
}

Result<std::vector<CompileRequest>> makeRequests(const Options &options, const Target &target) {
  std::vector<std::string> models = TRY(expandModels(options.models));
  TRY(importOptions(options.request.sizes)); // bad flags are one error, not one a model
  std::vector<CompileRequest> requests;
  std::map<std::string, std::string> stems;
  for (const std::string &model : models) {
    CompileRequest request = options.request;
    request.model = model;
    request.emit = TRY(emitKinds(options, target));
    request.folder = options.output.empty() ? "." : options.output;
    request.stem = stemOf(model);
    if (auto [other, fresh] = stems.try_emplace(request.stem, model); !fresh)
      return badInput(fmt::format("'{}' and '{}' would be written to the same file '{}'",
                                  other->second, model, request.stem));
    requests.push_back(std::move(request));
  }
  if (requests.size() == 1)
    TRY(placeSingle(options.output, requests.front()));
  else if (!options.request.name.empty())
    return badInput("--name: possible with one model only");
  for (const CompileRequest &request : requests)
    TRY(checkModelIsKept(request));
  TRY(makeOutputFolder(requests.front().folder));
  return requests;
}

std::string_view failureName(int status) {
  switch (status) {
  case Bad:
    return "bad input";
  case NotSupported:
    return "unsupported";
  default:
    return "internal error";
  }
}

/// Compiles one after the other. The worst status of all is the program's.
int compileAll(std::vector<CompileRequest> &requests, const TuneOptions &tuning) {
  int worst = Fine;
  std::vector<std::string> failures;
  for (size_t i = 0; i < requests.size(); ++i) {
    std::string progress =
        requests.size() > 1 ? fmt::format("[{}/{}] {}: ", i + 1, requests.size(), requests[i].model)
                            : "";
    auto start = std::chrono::steady_clock::now();
    std::vector<std::filesystem::path> files;
    std::string tuned;
    int status = tuneRequest(tuning, requests[i], tuned);
    printOut(tuned);
    if (status == Fine)
      status = compileInChild(requests[i], files);
    double seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    worst = std::max(worst, status);
    if (status == Fine)
      printOut(fmt::format("{}{} in {:.2f} s\n", progress, describeFiles(files), seconds));
    else if (requests.size() > 1)
      printOut(fmt::format("{}failed: {}\n", progress, failureName(status)));
    if (status != Fine)
      failures.push_back(fmt::format("{} ({})", requests[i].model, failureName(status)));
  }
  if (requests.size() > 1)
    printOut(fmt::format("{} of {} models compiled{}{}\n", requests.size() - failures.size(),
                         requests.size(),
                         failures.empty() ? "" : "; failed: ", fmt::join(failures, ", ")));
  return worst;
}

int compile(const Options &options) {
  Result<Target> target = resolveTarget(options.request.target.target, options.request.target.cpu);
  if (!target)
    return reportError(target.error());
  Result<std::vector<CompileRequest>> requests = makeRequests(options, *target);
  if (!requests)
    return reportError(requests.error());
  // What 'native' stands for decides where the result runs.
  const TargetOptions &given = options.request.target;
  if (given.cpu == "native" || (given.cpu.empty() && given.target == "host"))
    printOut(fmt::format("compiling for {}, CPU {}\n", target->triple, target->cpu));
  return compileAll(*requests, options.tuning);
}

} // namespace

void addCompileCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  options->request.reportsWeights = true;
  CLI::App *command = app.add_subcommand("compile", "Compile ONNX models to native libraries");
  command->add_option("models", options->models, "Models, or quoted patterns such as 'zoo/*.onnx'")
      ->required()
      ->type_name("M.onnx...");
  command->add_option("-o,--output", options->output, "File or folder to write to")
      ->type_name("OUT");
  command
      ->add_option("--emit", options->emit,
                   "What to make: so,a,o,wasm,ll,asm,ir,header,deps (default so,header)")
      ->type_name("KINDS")
      ->delimiter(',')
      ->allow_extra_args(false);
  command
      ->add_option("--name", options->request.name,
                   "Name of the entry function (default: the model file's stem)")
      ->type_name("NAME");
  command
      ->add_flag("--zero-weights", options->request.zeroWeights,
                 "Of IR text: constants that it only names are zeros")
      ->group("For developers of Cameo");
  addTuneOptions(*command, options->tuning);
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  addPassOptions(*command, options->request.passes);
  command->footer(examples);
  command->callback([options, &chosen] { chosen = [options] { return compile(*options); }; });
}

} // namespace cameo
