// `cameo compare`: does compiled code compute what the reference interpreter, or another reference,
// computes?
#include "tools/Command.h"
#include "tools/Comparison.h"
#include "tools/Compiler.h"
#include "tools/Inputs.h"
#include "tools/Options.h"
#include "tools/Provenance.h"

#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *kCompareExamples = R"(Examples:
  cameo compare model.onnx
      compiles to a temporary library and compares on 10 random inputs
  cameo compare model.onnx model.so --samples 1 --json
      compares an existing library, result as JSON
  cameo compare model.onnx --data test_data_set_0
      on the inputs of an ONNX test, whose output_0.pb, ... are compared as well
  cameo compare model.onnx --against onnxruntime
      the same inputs to ONNX Runtime, a package of Python
  cameo compare model.onnx -i x=image.npy --against expected.npz --thresholds export --strict
      on an input of one's own, with outputs that another program computed
  cameo compare model.onnx --layers
      also compares every intermediate value and names the first node that differs

An output is excellent or good by its largest difference (1e-5, 1e-4) and mean squared error (1e-10,
1e-8), both relative to the output's scale max(1, max |ref|), and by cosine similarity (0.9999,
0.999); its class is the worst of the three. PASS: excellent or good, or within --atol. WARN: not,
but cosine above 0.999. FAIL: else. With --thresholds export, excellent is PASS, good is WARN and
poor is FAIL. Half types are judged by their epsilon, quantized outputs in steps; NaN and Inf must
match. Exit status 0 for PASS and, without --strict, WARN; 1 for FAIL.)";

struct CompareOptions {
  std::string model, library, data, against = "interpreter", thresholds = "standard", save;
  std::vector<std::string> inputs;
  int64_t samples = 10;
  double atol = 1e-4;
  RunOptions run;
  bool layers = false, json = false, strict = false;
  CompileRequest request;

  bool isAgainstFile() const { return against != "interpreter" && against != "onnxruntime"; }
};

/// The library, which a temporary one is made for if none is given. What that was made with is
/// then what it is compared with.
int loadLibrary(CompareOptions &options, std::shared_ptr<Library> &library) {
  std::unique_ptr<TemporaryFolder> folder; // a library is mapped; an interrupted run leaves nothing
  bool given = !options.library.empty();
  if (!given) {
    Result<std::unique_ptr<TemporaryFolder>> made = TemporaryFolder::create();
    if (!made)
      return reportError(made.error());
    folder = std::move(*made);
    options.request.model = options.model;
    options.request.taps = options.layers;
    if (int status = compileTemporary(options.request, *folder, options.library); status != Fine)
      return status;
  }
  Result<std::shared_ptr<Library>> loaded = Library::load(options.library);
  if (!loaded)
    return reportError(loaded.error());
  library = std::move(*loaded);
  if (given)
    adoptProvenance(library->model(), options.request);
  return Fine;
}

Result<void> checkSamePorts(const CompareOptions &options, const Engine &compiled,
                            const Engine &interpreter) {
  if (compiled.inputs().size() == interpreter.inputs().size() &&
      compiled.outputs().size() == interpreter.outputs().size())
    return {};
  return badInput(fmt::format(
      "{} is not made from {}: expected {} inputs and {} outputs, got {} and "
      "{}",
      options.library, options.model, interpreter.inputs().size(), interpreter.outputs().size(),
      compiled.inputs().size(), compiled.outputs().size()));
}

std::vector<OutputResult> emptyResults(const CompareOptions &options, const Func &main,
                                       const ComparedPorts &compared,
                                       const std::vector<Tap> &taps) {
  std::vector<OutputResult> results;
  for (size_t i = 0; i < compared.ports.size(); ++i) {
    OutputResult result{
        compared.ports[i], i < compared.own ? Tap() : taps[i - compared.own], {}, {}};
    result.judgement =
        judgementOf(*main.body.terminator()->operand(static_cast<int64_t>(i)), options.atol);
    if (precisionOf(options.request.target) != DType::F32)
      result.judgement.precision = precisionOf(options.request.target);
    if (options.thresholds == "export")
      result.judgement.thresholds = Thresholds::Export;
    results.push_back(std::move(result));
  }
  return results;
}

Result<std::unique_ptr<Reference>> makeReference(const CompareOptions &options,
                                                 const ComparedPorts &compared,
                                                 std::unique_ptr<Engine> interpreter) {
  if (options.against == "interpreter")
    return makeInterpreterReference(std::move(interpreter));
  if (options.against == "onnxruntime")
    return makeOnnxRuntimeReference(options.model, options.run.threads, compared);
  return makeFileReference(options.against, compared);
}

/// The inputs that files give, if any do.
Result<std::optional<Inputs>> givenInputs(const CompareOptions &options,
                                          const std::vector<EnginePort> &ports) {
  if (!options.inputs.empty())
    return std::optional(TRY(readInputFiles(options.inputs, ports)));
  if (!options.data.empty())
    return std::optional(TRY(readInputFolder(options.data, ports)));
  if (!options.isAgainstFile())
    return std::optional<Inputs>();
  std::error_code ignored;
  if (std::filesystem::is_directory(options.against, ignored))
    return std::optional(TRY(readInputFolder(options.against, ports)));
  if (!std::filesystem::exists(options.against, ignored))
    return badInput(fmt::format("--against: expected interpreter, onnxruntime, or a file or folder "
                                "of outputs, got '{}'",
                                options.against));
  return badInput(fmt::format("--against {}: expected the inputs that its outputs belong to, by "
                              "--input or --data",
                              options.against));
}

Result<Verdict> runComparison(const CompareOptions &options, const std::shared_ptr<Module> &module,
                              const std::shared_ptr<Library> &library) {
  std::map<std::string, int64_t> sizes = TRY(importOptions(options.request.sizes)).dims;
  std::vector<Tap> taps;
  if (options.layers)
    taps = addTaps(module->main());
  std::unique_ptr<Engine> interpreter = makeReferenceEngine(module, options.run);
  std::unique_ptr<Engine> compiled = TRY(makeLibraryEngine(library, options.run));
  TRY(checkSamePorts(options, *compiled, *interpreter));
  ComparedPorts compared{interpreter->outputs(), interpreter->outputs().size() - taps.size()};
  std::vector<EnginePort> inputPorts = interpreter->inputs();
  std::optional<Inputs> given = TRY(givenInputs(options, inputPorts));
  std::unique_ptr<Reference> reference =
      TRY(makeReference(options, compared, std::move(interpreter)));
  ComparisonInfo info{options.model, options.run.seed, options.run.threads, options.layers,
                      options.thresholds == "export" ? Thresholds::Export : Thresholds::Standard};
  Comparison comparison(info, std::move(compiled), std::move(reference),
                        emptyResults(options, module->main(), compared, taps), compared.own);
  if (!options.data.empty()) {
    compared.ports.resize(compared.own);
    comparison.addTestData(TRY(readTestData(options.data, "output", dataKinds(compared.ports))));
  }
  comparison.saveTo(options.save);
  TRY(comparison.run(given ? 1 : options.samples, [&](int64_t sample) -> Result<Inputs> {
    if (given)
      return *given;
    // The seeds of different commands' samples do not meet.
    return randomInputs(module->main(), sizes,
                        options.run.seed * 1000003 + static_cast<uint64_t>(sample));
  }));
  printOut(options.json ? comparison.json() : comparison.text());
  return comparison.verdict();
}

int compare(CompareOptions options) {
  std::shared_ptr<Library> library;
  if (!options.library.empty()) // else the model is read first, whose errors are clearer
    if (int status = loadLibrary(options, library); status != Fine)
      return status;
  Result<std::unique_ptr<Module>> module = readModel(options.model, options.request.sizes);
  if (!module)
    return reportError(inFile(options.model, module.error()));
  if (!library)
    if (int status = loadLibrary(options, library); status != Fine)
      return status;
  Result<Verdict> verdict = runComparison(options, std::move(*module), library);
  if (!verdict)
    return reportError(verdict.error());
  return *verdict > (options.strict ? Verdict::Pass : Verdict::Warn) ? NumbersDiffer : Fine;
}

} // namespace

void addCompareCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App *command = app.add_subcommand("compare", "Compare compiled code with a reference");
  command->add_option("model", options->model, "The model")->required()->type_name("M.onnx");
  CLI::Option *library =
      command->add_option("library", options->library, "Compiled before; else compiled now")
          ->type_name("M.so");
  command
      ->add_option("--against", options->against, "interpreter, onnxruntime, an .npz or a folder")
      ->type_name("WHAT")
      ->capture_default_str();
  CLI::Option *input =
      command->add_option("-i,--input", options->inputs, "Value of an input; once for each input")
          ->type_name("NAME=FILE")
          ->allow_extra_args(false);
  command->add_option("--samples", options->samples, "Random inputs to try")
      ->type_name("N")
      ->capture_default_str()
      ->check(number<int64_t>(1, 1000000));
  addSeedOption(*command, options->run.seed, "the random inputs");
  command->add_option("--data", options->data, "Take inputs from ONNX test data: input_0.pb, ...")
      ->type_name("DIR")
      ->excludes(input);
  command->add_option("--save", options->save, "Write inputs, expected and computed outputs there")
      ->type_name("DIR");
  CLI::Option *thresholds = command
                                ->add_option("--thresholds", options->thresholds,
                                             "What classes mean: for export, good is WARN")
                                ->type_name("standard|export")
                                ->check(oneOf({"standard", "export"}))
                                ->capture_default_str();
  command->add_flag("--strict", options->strict, "Exit status 1 for WARN, too");
  command->add_option("--atol", options->atol, "Tolerance, relative to the output's scale")
      ->capture_default_str()
      ->check(number<double>())
      ->excludes(thresholds);
  addThreadsOption(*command, options->run.threads);
  addTimeoutOption(*command, options->run.seconds);
  command->add_flag("--layers", options->layers, "Compare intermediate values too")
      ->excludes(library);
  command->add_flag("--json", options->json, "Report as JSON");
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  addPassOptions(*command, options->request.passes);
  command->footer(kCompareExamples);
  command->callback([command, options, &chosen] {
    chosen = [command, options] {
      if (Result<void> used = checkUnusedTarget(*command, options->library); !used)
        return reportError(used.error());
      return compare(*options);
    };
  });
}

} // namespace cameo
