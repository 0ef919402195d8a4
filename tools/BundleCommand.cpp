// `cameo bundle`: many models to one library.
#include "bench/Report.h"
#include "codegen/Codegen.h"
#include "codegen/ModelHash.h"
#include "codegen/Target.h"
#include "frontend/MappedFile.h"
#include "support/Parallel.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/Options.h"
#include "tools/Provenance.h"

#include <chrono>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace {

namespace fs = std::filesystem;

constexpr const char *kBundleExamples = R"(Examples:
  cameo bundle 'heads/*.onnx' -o heads.so
      one library with all of them, and heads.h, for this machine
  cameo bundle backbone.onnx 'heads/*.onnx' -o lib/plants.so --dim batch=1 -j 4
      four models at a time; the size called 'batch' is 1 in all
  cameo bundle 'heads/*.onnx' -o heads.wasm --target wasm32
      heads.wasm and cameo.mjs, for browsers and Node.js

A model is found by the name of its file without the extension, and by its metadata_props. Where
that name is the folder's, as in 'runs/*/best.onnx', --output-template '{parent}' gives others.)";

struct BundleOptions {
  std::vector<std::string> models;
  std::string output;
  ModelNames names;
  int64_t jobs = numProcessors();
  CompileRequest request; // what the models' have in common
};

Result<std::vector<CompileRequest>> requestsOf(const BundleOptions &options) {
  TRY(importOptions(options.request.sizes)); // bad flags are one error, not one a model
  std::vector<CompileRequest> requests;
  std::map<std::string, std::string> names;
  for (const std::string &model : TRY(expandModels(options.models))) {
    std::error_code ignored;
    if (fs::equivalent(options.output, model, ignored))
      return badInput(fmt::format("the output '{}' would replace the model", options.output));
    CompileRequest request = options.request;
    request.model = model;
    request.stem = TRY(options.names.of(model));
    if (auto [other, fresh] = names.try_emplace(request.stem, model); !fresh)
      return badInput(fmt::format("'{}' and '{}' would both be called '{}' in the bundle: "
                                  "--output-template '{{parent}}_{{stem}}' tells them apart by "
                                  "their folder",
                                  other->second, model, request.stem));
    requests.push_back(std::move(request));
  }
  return requests;
}

/// Lowers all models, `jobs` at a time. The error is that of the first model that has one.
Result<std::vector<BundleModel>> lowerAll(const std::vector<CompileRequest> &requests, int64_t jobs,
                                          const PassObserver &observer) {
  std::vector<BundleModel> models(requests.size());
  auto lower = [&](int64_t i) -> Result<void> {
    Result<BundleModel> model = lowerModel(requests[i], observer);
    if (!model)
      return inFile(requests[i].model, model.error());
    models[i] = std::move(*model);
    return {};
  };
  TRY(inParallel(std::ssize(requests), lower, jobs));
  return models;
}

std::string describe(const Bundle &bundle) {
  return fmt::format("{} models: {} of {} functions and {} of {} of weights are different\n",
                     bundle.models.size(), bundle.shared.module.funcs.size(),
                     bundle.functionsBefore, formatBytes(bundle.shared.weightBytes),
                     formatBytes(bundle.weightBytesBefore));
}

Result<OutputKind> kindOf(const BundleOptions &options) {
  std::optional<EmitKind> kind = emitKindFromPath(options.output);
  std::optional<OutputKind> output = kind ? outputKind(*kind) : std::nullopt;
  if (!output || *kind == EmitKind::Ll || *kind == EmitKind::Asm)
    return badInput(fmt::format("--output: expected a file with the extension .so, .a, .o or "
                                ".wasm, got '{}'",
                                options.output));
  return *output;
}

Result<void> writeBundle(const BundleOptions &options, const std::vector<CompileRequest> &requests,
                         const PassObserver &observer, const fs::path &folder) {
  EmitOptions emission;
  emission.kind = TRY(kindOf(options));
  emission.name = options.request.name;
  emission.ops = options.request.sizes.ops;
  emission.madeBy = provenanceOf(options.request);
  PassContext context = TRY(passContext(options.request));
  // An observer is one that follows the models one after the other.
  int64_t jobs = observer ? 1 : options.jobs;
  std::vector<BundleModel> models = TRY(lowerAll(requests, jobs, observer));
  Bundle bundle = mergeModels(std::move(models));
  emission.modelHash = bundleHash(bundle.models);
  TRY(emit(bundle, context.target, emission, folder / fs::path(options.output).filename()));
  tell(describe(bundle));
  return MappedFile::checkUnchanged();
}

int bundle(const BundleOptions &options) {
  Result<OutputKind> kind = kindOf(options);
  Result<std::vector<CompileRequest>> requests = requestsOf(options);
  if (!kind || !requests)
    return reportError(kind ? requests.error() : kind.error());
  fs::path folder = fs::path(options.output).parent_path();
  if (Result<void> made = makeOutputFolder(folder.empty() ? "." : folder); !made)
    return reportError(made.error());
  auto start = std::chrono::steady_clock::now();
  MakeRequest request{fmt::format("bundle '{}'", options.output),
                      targetFlags(options.request.target), folder.empty() ? "." : folder};
  request.make = [&](const PassObserver &observer, const fs::path &temporary) {
    return writeBundle(options, *requests, observer, temporary);
  };
  std::vector<fs::path> files;
  int status = makeInChild(request, files);
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (status == Fine)
    tell(fmt::format("{} in {:.2f} s\n", describeFiles(files), seconds));
  return status;
}

} // namespace

void addBundleCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<BundleOptions>();
  CLI::App *command = app.add_subcommand("bundle", "Compile many ONNX models to one library");
  command
      ->add_option("models", options->models, "Models, or quoted patterns such as 'heads/*.onnx'")
      ->required()
      ->type_name("M.onnx...");
  command
      ->add_option("-o,--output", options->output,
                   "The library; its extension says what: .so, .a, .o or .wasm")
      ->required()
      ->type_name("OUT");
  command
      ->add_option("--name", options->request.name,
                   "Name of the entry function (default: the output file's stem)")
      ->type_name("NAME");
  addNamesOption(*command, options->names);
  command->add_option("-j,--jobs", options->jobs, "How many models to work on at a time")
      ->type_name("N")
      ->check(number<int64_t>(1, 1024))
      ->capture_default_str();
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  command->footer(kBundleExamples);
  command->callback([options, &chosen] { chosen = [options] { return bundle(*options); }; });
}

} // namespace cameo
