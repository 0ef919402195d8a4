// `cameo run`: one inference on given inputs, by compiled code or by the reference interpreter.
#include "bench/HostTensor.h"
#include "support/Temporary.h"
#include "support/Text.h"
#include "tools/Command.h"
#include "tools/Inputs.h"
#include "tools/ModelOptions.h"
#include "tools/Options.h"
#include "tools/Outputs.h"
#include "tools/Stopwatch.h"
#include "tools/Taps.h"

#include "ir/Half.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <functional>

namespace cameo {

namespace {

constexpr const char *kRunExamples = R"(Examples:
  cameo run model.so --input x=image.npy --output-dir out
      runs compiled code; writes out/output_0_NAME.npy, ...
  cameo run model.onnx --input image.npy
      runs the reference interpreter (slow, exact); a single input needs no name; prints the outputs
  cameo run model.so --data test_data_set_0 --output-dir out
      reads input_0.pb, ... as ONNX's own tests have them; writes out/output_0.pb, ...
  cameo run model.onnx --input image.npy --dump all values
      also writes what every node computes: values/0_NAME.npy, ... in order of execution

bfloat16 is stored in .npy files as uint16 with the same bits. An .npz gives inputs by name. A model
of a bundle is heads.so:NAME.)";

struct RunCommandOptions {
  std::string program;
  std::vector<std::string> inputs, dump; // of --dump: `all` or a node, and a folder
  std::string data, outputDir;
  RunOptions run;
  ModelOptions model;
};

/// An output of the engine that --dump may write, and the node that computes it.
struct Inner {
  size_t output;
  std::string node;
  bool isOwn; // an output of the model itself
};

/// Makes inner values outputs, behind the model's own. The last of what there is to write are the
/// model's own outputs.
std::vector<Inner> exposeValues(Func &main) {
  std::vector<Inner> own, inner;
  const Op *terminator = main.body.terminator();
  for (int64_t i = 0; i < terminator->numOperands(); ++i)
    if (const Op *op = terminator->operand(i)->definingOp())
      own.push_back({static_cast<size_t>(i), op->loc.str(), true});
  size_t next = main.resultNames.size();
  for (const Tap &tap : addTaps(main))
    inner.push_back({next++, tap.node, false});
  inner.insert(inner.end(), own.begin(), own.end());
  return inner;
}

Result<std::unique_ptr<Engine>> makeEngine(const RunCommandOptions &options,
                                           std::vector<Inner> &inner) {
  if (isLibraryPath(options.program) && !options.dump.empty())
    return badInput("--dump: a library computes no values but its outputs; expected a model");
  if (isLibraryPath(options.program))
    return makeLibraryEngine(TRY(Library::load(options.program)), options.run);
  Result<std::unique_ptr<Module>> module = readModel(options.program, options.model);
  if (!module)
    return inFile(options.program, module.error());
  if (!options.dump.empty())
    inner = exposeValues((*module)->main());
  return makeReferenceEngine(std::move(*module), options.run);
}

Result<void> writeOutput(const RunCommandOptions &options, const std::string &stem,
                         const EnginePort &port, const RuntimeValue &output) {
  if (!options.data.empty())
    return writeFile(stem + ".pb", formatTestData(output, dataKindOf(port.type)));
  return writeArrays(stem + "_" + fileSafe(port.name), output);
}

/// Writes to files by `write(stem, i)`, for each of `count`, in the folder, which is created. All
/// are written before the first gets its name.
Result<void> writeAll(const std::string &target, size_t count,
                      const std::function<Result<void>(const std::string &, size_t)> &write) {
  std::error_code failed;
  std::filesystem::create_directories(target, failed);
  if (failed)
    return badInput(fmt::format("{}: cannot create the folder: {}", target, failed.message()));
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create(target));
  for (size_t i = 0; i < count; ++i)
    if (Result<void> done = write(folder->path(), i); !done)
      return inFinalFolder(done.error(), folder->path(), target);
  TRY(folder->moveFiles(target));
  return {};
}

Result<void> writeOutputs(const RunCommandOptions &options, const std::vector<EnginePort> &ports,
                          const std::vector<RuntimeValue> &outputs) {
  return writeAll(options.outputDir, outputs.size(), [&](const std::string &folder, size_t i) {
    return writeOutput(options, fmt::format("{}/output_{}", folder, i), ports[i], outputs[i]);
  });
}

/// Writes the values that --dump asks for; the position among all is part of a file's name.
Result<void> dump(const RunCommandOptions &options, const std::vector<Inner> &inner,
                  const std::vector<EnginePort> &ports, const std::vector<RuntimeValue> &outputs) {
  const std::string &asked = options.dump[0];
  std::vector<size_t> chosen;
  for (size_t i = 0; i < inner.size(); ++i)
    if (asked == "all" || asked == inner[i].node)
      chosen.push_back(i);
  if (chosen.empty())
    return badInput(fmt::format("--dump: no node of the model's main graph that computes a tensor "
                                "is called '{}'",
                                asked));
  return writeAll(options.dump[1], chosen.size(), [&](const std::string &folder, size_t i) {
    size_t output = inner[chosen[i]].output;
    return writeArrays(fmt::format("{}/{}_{}", folder, chosen[i], fileSafe(ports[output].name)),
                       outputs[output]);
  });
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

Result<void> run(const RunCommandOptions &options) {
  std::vector<Inner> inner;
  Stopwatch watch;
  std::unique_ptr<Engine> engine = TRY(makeEngine(options, inner));
  tellMore(fmt::format("{}: loaded in {:.2f} s\n", options.program, watch.lap()));
  std::vector<RuntimeValue> inputs =
      TRY(options.data.empty() ? readInputFiles(options.inputs, engine->inputs())
                               : readInputFolder(options.data, engine->inputs()));
  tellMore(fmt::format("{}: inputs read in {:.2f} s\n", options.program, watch.lap()));
  std::vector<RuntimeValue> outputs = TRY(engine->run(inputs));
  tellMore(fmt::format("{}: run in {:.3g} s\n", options.program, watch.lap()));
  if (!options.dump.empty())
    TRY(dump(options, inner, engine->outputs(), outputs));
  outputs.resize(outputs.size() - std::ranges::count(inner, false, &Inner::isOwn));
  if (!options.outputDir.empty())
    return writeOutputs(options, engine->outputs(), outputs);
  printOutputs(engine->outputs(), outputs);
  return {};
}

} // namespace

void addRunCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<RunCommandOptions>();
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
  command
      ->add_option("--dump", options->dump,
                   "Also write inner values of a model, of all nodes or one")
      ->type_name("all|NODE DIR")
      ->type_size(2)
      ->expected(1);
  addThreadsOption(*command, options->run.threads);
  addSeedOption(*command, options->run.seed, "random operators");
  addTimeoutOption(*command, options->run.seconds);
  addModelOptions(*command, options->model);
  command->footer(kRunExamples);
  command->callback([command, options, &chosen] {
    chosen = [command, options]() -> int {
      if (isLibraryPath(options->program))
        if (Result<void> used =
                checkUnused(*command, {"--shape", "--dim", "--ops"}, options->program);
            !used)
          return reportError(used.error());
      return exitStatus(run(*options));
    };
  });
}

} // namespace cameo
