// `cameo compile`: one model or many to libraries, objects, or the IR on the way.
#include "bench/Report.h"
#include "codegen/Target.h"
#include "support/File.h"
#include "tools/Child.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/Options.h"
#include "tools/Tuner.h"

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>

namespace cameo {

namespace {

constexpr const char *kCompileExamples = R"(Examples:
  cameo compile resnet50.onnx
      makes resnet50.so and resnet50.h in the current folder, for this machine
  cameo compile resnet50.onnx -o lib/net.so --dim batch=4
      the size called 'batch' in the model is 4
  cameo compile 'models/*.onnx' -o out -j 4
      every model into out/, four at a time; one that fails does not stop the others
  cameo compile net.onnx --emit asm -o - | less
      the assembly on stdout
  cameo compile net.onnx --emit o,header --target aarch64-linux-gnu --cpu armv8-a+dotprod
      an object file to link into a program for another machine
  cameo compile net.onnx --tune --tune-cache plans.txt
      times other plans of the net's layers on this machine, and keeps the fastest for the next time
  cameo compile net.onnx --target wasm32
      makes net.wasm and net.mjs, which runs it in browsers and Node.js

With several models OUT is a folder, created if missing. With one model, OUT is a file, or a folder
if it exists or ends in '/'; its extension says what to make when --emit does not.)";

struct CompileOptions {
  std::vector<std::string> models;
  std::string output;
  std::vector<std::string> emit;
  CompileRequest request;
  ModelNames names;
  TuneOptions tuning;
  int32_t jobs = 1;
  bool isForStdout = false; // the output is not what the user sees
};

Result<std::vector<EmitKind>> emitKinds(const CompileOptions &options, const Target &target) {
  std::vector<EmitKind> kinds;
  for (const std::string &name : options.emit) {
    std::optional<EmitKind> kind = emitKindFromName(name);
    if (!kind)
      return badInput("--emit: " + noneOf(name, emitKindNames()));
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

/// What the files of a model are called when nothing else says so: as the entry function.
Result<std::string> stemOf(const CompileRequest &request, const ModelNames &names) {
  if (!request.name.empty() && request.name.find('/') == std::string::npos)
    return request.name;
  std::string stem = TRY(names.of(request.model));
  if (stem.find('/') != std::string::npos)
    return badInput(fmt::format("--output-template: expected a name without '/', got '{}'", stem));
  return stem.empty() ? "model" : stem;
}

/// Sets where the artifacts of a single model go.
Result<void> placeSingle(const std::string &output, CompileRequest &request) {
  std::error_code ignored;
  std::filesystem::path path = output;
  if (output.empty() || !path.has_filename() || std::filesystem::is_directory(path, ignored)) {
    request.folder = output.empty() ? "." : path;
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

Result<std::vector<CompileRequest>> makeRequests(const CompileOptions &options,
                                                 const Target &target) {
  std::vector<std::string> models = TRY(expandModels(options.models));
  for (const std::string &model : models)
    if (isLibraryPath(model))
      return badInput(fmt::format("'{}' is compiled already: expected a model", model));
  TRY(importOptions(options.request.sizes)); // bad flags are one error, not one a model
  std::vector<CompileRequest> requests;
  std::map<std::string, std::string> stems;
  for (const std::string &model : models) {
    CompileRequest request = options.request;
    request.model = model;
    request.emit = TRY(emitKinds(options, target));
    request.folder = options.output.empty() ? "." : options.output;
    request.stem = TRY(stemOf(request, options.names));
    if (request.name.empty())
      request.name = request.stem;
    if (auto [other, fresh] = stems.try_emplace(request.stem, model); !fresh)
      return badInput(fmt::format("'{}' and '{}' would be written to the same file '{}': "
                                  "--output-template '{{parent}}_{{stem}}' tells them apart by "
                                  "their folder",
                                  other->second, model, request.stem));
    requests.push_back(std::move(request));
  }
  if (requests.size() == 1)
    TRY(placeSingle(options.output, requests.front()));
  else if (!options.request.name.empty())
    return badInput("--name: possible with one model only");
  else if (options.isForStdout)
    return badInput("--output: '-' is for one model");
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

/// Compiles the model at `index` and tells what was made.
int compileOne(std::vector<CompileRequest> &requests, size_t index, const CompileOptions &options) {
  CompileRequest &request = requests[index];
  bool isOneOfMany = requests.size() > 1;
  std::string place =
      isOneOfMany ? fmt::format("[{}/{}] {}: ", index + 1, requests.size(), request.model) : "";
  auto start = std::chrono::steady_clock::now();
  std::vector<std::filesystem::path> files;
  int status = tuneRequest(options.tuning, request);
  if (status == Fine)
    status = compileInChild(request, files);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (status == Fine && !options.isForStdout)
    tell(fmt::format("{}{} in {:.2f} s\n", place, describeFiles(files), seconds));
  else if (status != Fine && isOneOfMany)
    tell(fmt::format("{}failed: {}\n", place, failureName(status)));
  return status;
}

/// The exit status of each model; those that could not even be tried are Bad.
std::vector<int> compileEach(std::vector<CompileRequest> &requests, const CompileOptions &options) {
  std::vector<int> statuses(requests.size(), Bad);
  size_t ended = 0;
  auto progress = [&](const std::string &model) {
    showProgress(requests.size() == 1 ? fmt::format("compiling {}", model)
                                      : fmt::format("{} of {} done{}{}", ended, requests.size(),
                                                    model.empty() ? "" : ", compiling ", model));
  };
  if (options.jobs == 1 || requests.size() == 1) {
    for (; ended < requests.size(); ++ended) {
      progress(requests[ended].model);
      statuses[ended] = compileOne(requests, ended, options);
    }
    return statuses;
  }
  progress("");
  Result<void> done = runJobs(
      requests.size(), static_cast<size_t>(options.jobs),
      [&](size_t index) { return compileOne(requests, index, options); },
      [&](const JobEnd &job) {
        showProgress("");
        std::fwrite(job.messages.data(), 1, job.messages.size(), stderr);
        if (job.end.signal != 0)
          printError(fmt::format("{}: compiling was ended by the system ({})",
                                 requests[job.index].model, ::strsignal(job.end.signal)));
        else
          statuses[job.index] = job.end.status;
        ++ended;
        progress("");
      });
  showProgress("");
  if (!done)
    reportError(done.error());
  return statuses;
}

/// The worst status of all is the program's.
int compileAll(std::vector<CompileRequest> &requests, const Target &target,
               const CompileOptions &options) {
  std::vector<int> statuses = compileEach(requests, options);
  std::vector<std::string> failures;
  for (size_t i = 0; i < requests.size(); ++i)
    if (statuses[i] != Fine)
      failures.push_back(fmt::format("{} ({})", requests[i].model, failureName(statuses[i])));
  if (requests.size() > 1)
    tell(fmt::format("{} of {} models compiled{}{}\n", requests.size() - failures.size(),
                     requests.size(),
                     failures.empty() ? "" : "; failed: ", fmt::join(failures, ", ")));
  // What 'native' stands for decides where the result runs.
  const TargetOptions &given = options.request.target;
  if (failures.size() < requests.size() &&
      (given.cpu == "native" || (given.cpu.empty() && given.target == "host")))
    tell(fmt::format("compiled for {}, CPU {}\n", target.triple, target.cpu));
  return *std::max_element(statuses.begin(), statuses.end());
}

int compileTo(const CompileOptions &options) {
  Result<Target> target = resolveTarget(options.request.target.target, options.request.target.cpu);
  if (!target)
    return reportError(target.error());
  Result<std::vector<CompileRequest>> requests = makeRequests(options, *target);
  if (!requests)
    return reportError(requests.error());
  return compileAll(*requests, *target, options);
}

/// Compiles to a file that is then written to stdout.
int compileToStdout(CompileOptions options) {
  if (options.emit.size() != 1 || options.emit.front() == "header")
    return reportError(badInput("--output: '-' is for one file: --emit says which, e.g. asm"));
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create();
  if (!folder)
    return reportError(folder.error());
  options.output = (*folder)->path() / "";
  options.isForStdout = true;
  if (int status = compileTo(options); status != Fine)
    return status;
  std::filesystem::path file = *std::filesystem::directory_iterator((*folder)->path());
  Result<std::vector<std::byte>> bytes = readFile(file);
  if (bytes)
    printBytes({reinterpret_cast<const char *>(bytes->data()), bytes->size()});
  return exitStatus(bytes);
}

int compile(const CompileOptions &options) {
  return options.output == "-" ? compileToStdout(options) : compileTo(options);
}

} // namespace

void addCompileCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<CompileOptions>();
  options->request.reportsWeights = true;
  CLI::App *command = app.add_subcommand("compile", "Compile ONNX models to native libraries");
  command->add_option("models", options->models, "Models, or quoted patterns such as 'zoo/*.onnx'")
      ->required()
      ->type_name("M.onnx...");
  command->add_option("-o,--output", options->output, "File or folder to write to, - for stdout")
      ->type_name("OUT");
  addWords(*command, "--emit", options->emit,
           "What to make, some of so,a,o,wasm,ll,asm,ir,header,deps")
      ->type_name("KINDS");
  command
      ->add_option("--name", options->request.name,
                   "Name of the library and its function (default: the model file's stem)")
      ->type_name("NAME");
  addNamesOption(*command, options->names);
  command->add_option("-j,--jobs", options->jobs, "Models to compile at the same time")
      ->type_name("N")
      ->capture_default_str()
      ->check(number(1, 1024));
  command
      ->add_flag("--zero-weights", options->request.zeroWeights,
                 "Of IR text: constants that it only names are zeros")
      ->group(kDeveloperGroup);
  addTuneOptions(*command, options->tuning);
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  addPassOptions(*command, options->request.passes);
  command->footer(kCompileExamples);
  command->callback([options, &chosen] { chosen = [options] { return compile(*options); }; });
}

} // namespace cameo
