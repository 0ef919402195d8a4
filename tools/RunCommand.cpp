// `cameo run`: one inference on given inputs, by compiled code or by the reference interpreter.
#include "bench/HostTensor.h"
#include "bench/Npy.h"
#include "support/Temporary.h"
#include "support/Text.h"
#include "tools/Command.h"
#include "tools/Inputs.h"
#include "tools/ModelOptions.h"

#include "ir/Half.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo run model.so --input x=image.npy --output-dir out
      runs compiled code; writes out/output_0_NAME.npy, ...
  cameo run model.onnx --input image.npy
      runs the reference interpreter (slow, exact); a single input needs no name; prints the outputs
  cameo run model.so --data test_data_set_0 --output-dir out
      reads input_0.pb, ... as ONNX's own tests have them; writes out/output_0.pb, ...

bfloat16 is stored in .npy files as uint16 with the same bits. An .npz gives inputs by name.)";

struct Options {
  std::string program;
  std::vector<std::string> inputs;
  std::string data, outputDir;
  RunOptions run;
  ModelOptions model;
};

Result<std::unique_ptr<Engine>> makeEngine(const Options &options) {
  if (isLibraryPath(options.program))
    return makeLibraryEngine(TRY(Library::load(options.program)), options.run);
  Result<std::unique_ptr<Module>> module = readModel(options.program, options.model);
  if (!module)
    return inFile(options.program, module.error());
  return makeReferenceEngine(std::move(*module), options.run);
}

/// Letters, digits, `-`, `.` and `_`, no leading dot, of a length every file system takes.
std::string fileSafe(const std::string &name) {
  std::string safe;
  for (char c : name.substr(0, 100)) {
    bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                 c == '-' || c == '.' || c == '_';
    safe += plain ? c : '_';
  }
  return safe;
}

Result<void> writeArrays(const std::string &stem, const RuntimeValue &value) {
  if (value.isTensor())
    return writeNpy(stem + ".npy", value.tensor());
  std::vector<std::pair<std::string, Tensor>> items;
  if (value.isSequence())
    for (const RuntimeValue &item : value.sequence().items) {
      if (!item.isTensor())
        return unsupported(fmt::format("{}: nested sequences are written with --data only", stem));
      items.emplace_back(std::to_string(items.size()), item.tensor());
    }
  return writeNpz(stem + ".npz", items);
}

Result<void> writeOutput(const Options &options, const std::string &stem, const EnginePort &port,
                         const RuntimeValue &output) {
  if (!options.data.empty())
    return writeFile(stem + ".pb", formatTestData(output, dataKindOf(port.type)));
  return writeArrays(stem + "_" + fileSafe(port.name), output);
}

Result<void> writeOutputs(const Options &options, const std::vector<EnginePort> &ports,
                          const std::vector<RuntimeValue> &outputs) {
  std::error_code failed;
  std::filesystem::create_directories(options.outputDir, failed);
  if (failed)
    return badInput(
        fmt::format("{}: cannot create the folder: {}", options.outputDir, failed.message()));
  // All are written before the first gets its name.
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create(options.outputDir));
  for (size_t i = 0; i < outputs.size(); ++i) {
    std::string stem = folder->path() / fmt::format("output_{}", i);
    if (Result<void> done = writeOutput(options, stem, ports[i], outputs[i]); !done)
      return inFinalFolder(done.error(), folder->path(), options.outputDir);
  }
  TRY(folder->moveFiles(options.outputDir));
  return {};
}

/// The first elements of a tensor: ` 0.5 1 2 ...`.
std::string preview(const Tensor &tensor) {
  constexpr int64_t shown = 8;
  std::string text;
  for (int64_t i = 0; i < std::min(shown, tensor.size()); ++i)
    text += tensor.dtype == DType::String
                ? fmt::format(" '{}'", oneLine((*tensor.strings)[static_cast<size_t>(i)]))
                : fmt::format(" {:.6g}", loadDouble(tensor.dtype,
                                                    tensor.data() + i * dtypeBytes(tensor.dtype)));
  return text + (tensor.size() > shown ? " ..." : "");
}

void printOutputs(const std::vector<EnginePort> &ports, const std::vector<RuntimeValue> &outputs) {
  for (size_t i = 0; i < outputs.size(); ++i)
    printOut(fmt::format("{}: {}{}{}\n", oneLine(ports[i].name), describe(outputs[i]),
                         outputs[i].isTensor() ? " =" : "",
                         outputs[i].isTensor() ? preview(outputs[i].tensor()) : ""));
}

Result<void> run(const Options &options) {
  std::unique_ptr<Engine> engine = TRY(makeEngine(options));
  std::vector<RuntimeValue> inputs =
      TRY(options.data.empty() ? readInputFiles(options.inputs, engine->inputs())
                               : readInputFolder(options.data, engine->inputs()));
  std::vector<RuntimeValue> outputs = TRY(engine->run(inputs));
  if (!options.outputDir.empty())
    return writeOutputs(options, engine->outputs(), outputs);
  printOutputs(engine->outputs(), outputs);
  return {};
}

} // namespace

void addRunCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("run", "Run a compiled library, or a model by the reference interpreter");
  command->add_option("program", options->program, "A library (.so) or a model (.onnx)")
      ->required()
      ->type_name("M.so|M.onnx");
  CLI::Option *input =
      command->add_option("-i,--input", options->inputs, "Value of an input; once for each input")
          ->type_name("NAME=FILE.npy")
          ->allow_extra_args(false);
  command->add_option("--data", options->data, "Folder of ONNX test data: input_0.pb, ...")
      ->type_name("DIR")
      ->excludes(input);
  command
      ->add_option("-o,--output-dir", options->outputDir,
                   "Where outputs are written; without, they are printed")
      ->type_name("DIR");
  command->add_option("--threads", options->run.threads, "Threads of compiled code")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--seed", options->run.seed, "Seed of random operators")->type_name("N");
  addTimeoutOption(*command, options->run.seconds);
  addModelOptions(*command, options->model);
  command->footer(examples);
  command->callback(
      [options, &chosen] { chosen = [options] { return exitStatus(run(*options)); }; });
}

} // namespace cameo
