// `cameo compare`: does compiled code compute what the reference interpreter computes?
#include "bench/Report.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/Inputs.h"
#include "tools/Provenance.h"
#include "tools/Taps.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo compare model.onnx
      compiles to a temporary library and compares on 10 random inputs
  cameo compare model.onnx model.so --samples 1 --json
      compares an existing library, result as JSON
  cameo compare model.onnx --data test_data_set_0
      on the inputs of an ONNX test, whose output_0.pb, ... are compared as well
  cameo compare model.onnx --layers
      also compares every intermediate value and names the first node that differs

An output is excellent or good by its largest difference (1e-5, 1e-4) and mean squared error (1e-10,
1e-8), both relative to the output's scale max(1, max |ref|), and by cosine similarity (0.9999,
0.999); its class is the worst of the three. PASS: excellent or good, or within --atol. WARN: not,
but cosine above 0.999. FAIL: else. Half types are judged by their epsilon, quantized outputs in
steps; NaN and Inf must match. Exit status 0 for PASS and WARN, 1 for FAIL.)";

struct Options {
  std::string model, library, data;
  int64_t samples = 10;
  double atol = 1e-4;
  RunOptions run;
  bool layers = false, json = false;
  CompileRequest request;
};

/// The worst deviation of an output over all samples.
struct OutputResult {
  EnginePort port;
  Tap tap;
  Judgement judgement;
  std::optional<Deviation> worst;
};

class Comparison {
public:
  Comparison(const Options &options, std::shared_ptr<Module> module)
      : options_(options), module_(std::move(module)) {}

  /// `taps` are the nodes of the outputs behind the model's own.
  Result<void> prepare(std::unique_ptr<Engine> compiled, const std::vector<Tap> &taps);
  Result<void> run();
  Verdict verdict() const;
  std::string text() const;
  std::string json() const;

private:
  Result<std::vector<RuntimeValue>> inputsOf(int64_t sample);
  Result<void> runSample(int64_t sample);
  Result<void> readExpected();
  void record(OutputResult &result, const RuntimeValue &want, const RuntimeValue &got);
  std::string layersText() const;

  const Options &options_;
  std::shared_ptr<Module> module_;
  std::unique_ptr<Engine> reference_, compiled_;
  std::vector<OutputResult> results_;
  /// What --data says of the model's own outputs, where it does, and how compiled code differs.
  std::vector<std::optional<RuntimeValue>> expected_;
  std::vector<OutputResult> given_;
  std::map<std::string, int64_t> sizes_;
  size_t own_ = 0; // outputs of the model itself; taps follow
  int64_t samples_ = 0;
  std::string failure_; // why a compiled run failed
};

Result<void> Comparison::prepare(std::unique_ptr<Engine> compiled, const std::vector<Tap> &taps) {
  sizes_ = TRY(importOptions(options_.request.sizes)).dims;
  reference_ = makeReferenceEngine(module_, options_.run);
  compiled_ = std::move(compiled);
  if (compiled_->inputs().size() != reference_->inputs().size() ||
      compiled_->outputs().size() != reference_->outputs().size())
    return badInput(fmt::format("{} is not made from {}: expected {} inputs and {} outputs, got {} "
                                "and {}",
                                options_.library, options_.model, reference_->inputs().size(),
                                reference_->outputs().size(), compiled_->inputs().size(),
                                compiled_->outputs().size()));
  own_ = reference_->outputs().size() - taps.size();
  const Op *terminator = module_->main().body.terminator();
  for (size_t i = 0; i < reference_->outputs().size(); ++i) {
    OutputResult result{reference_->outputs()[i], i < own_ ? Tap() : taps[i - own_], {}, {}};
    result.judgement = judgementOf(*terminator->operand(static_cast<int64_t>(i)), options_.atol);
    if (precisionOf(options_.request.target) != DType::F32)
      result.judgement.precision = precisionOf(options_.request.target);
    results_.push_back(std::move(result));
  }
  return readExpected();
}

Result<void> Comparison::readExpected() {
  if (options_.data.empty())
    return {};
  std::vector<EnginePort> ports(reference_->outputs().begin(),
                                reference_->outputs().begin() + own_);
  expected_ = TRY(readTestData(options_.data, "output", dataKinds(ports)));
  for (size_t i = 0; i < own_; ++i) {
    given_.push_back(results_[i]);
    given_.back().port.name += fmt::format(" (output_{}.pb)", i);
  }
  return {};
}

Result<std::vector<RuntimeValue>> Comparison::inputsOf(int64_t sample) {
  if (!options_.data.empty())
    return readInputFolder(options_.data, reference_->inputs());
  // The seeds of different commands' samples do not meet.
  return randomInputs(module_->main(), sizes_,
                      options_.run.seed * 1000003 + static_cast<uint64_t>(sample));
}

void Comparison::record(OutputResult &result, const RuntimeValue &want, const RuntimeValue &got) {
  Deviation deviation = measureValues(want, got, result.judgement);
  result.worst = result.worst ? worse(*result.worst, deviation) : deviation;
}

Result<void> Comparison::runSample(int64_t sample) {
  std::vector<RuntimeValue> inputs = TRY(inputsOf(sample));
  std::vector<RuntimeValue> want = TRY(reference_->run(inputs));
  Result<std::vector<RuntimeValue>> got = compiled_->run(inputs);
  ++samples_;
  if (!got) {
    failure_ = fmt::format("sample {}: compiled code failed where the reference did not: {}",
                           sample, got.error().message);
    return {};
  }
  for (size_t i = 0; i < results_.size(); ++i)
    record(results_[i], want[i], (*got)[i]);
  for (size_t i = 0; i < expected_.size(); ++i)
    if (expected_[i])
      record(given_[i], *expected_[i], (*got)[i]);
  return {};
}

Result<void> Comparison::run() {
  int64_t samples = options_.data.empty() ? options_.samples : 1;
  for (int64_t sample = 0; sample < samples && failure_.empty(); ++sample)
    TRY(runSample(sample));
  return {};
}

Verdict Comparison::verdict() const {
  Verdict worst = failure_.empty() ? Verdict::Pass : Verdict::Fail;
  for (size_t i = 0; i < own_; ++i)
    if (results_[i].worst)
      worst = std::max(worst, results_[i].worst->verdict);
  for (const OutputResult &result : given_)
    if (result.worst)
      worst = std::max(worst, result.worst->verdict);
  return worst;
}

std::vector<std::string> tableRow(const OutputResult &result) {
  const Deviation &d = *result.worst;
  if (!d.comparable())
    return {result.port.name, result.port.type.str(), "-", "-", "-", "-", "-", "FAIL: " + d.reason};
  std::string verdict(verdictName(d.verdict));
  if (d.mismatches > 0)
    verdict += fmt::format(": {} elements where only one is NaN, Inf or equal", d.mismatches);
  else if (d.verdict == Verdict::Fail && d.worst >= 0)
    verdict +=
        fmt::format(": element {}: expected {:.6g}, got {:.6g}", d.worst, d.wantWorst, d.gotWorst);
  bool steps = result.judgement.step > 0 || result.judgement.quantized;
  return {result.port.name,
          result.port.type.str(),
          fmt::format("{:.2e}", d.maxAbs),
          fmt::format("{:.2e}", d.relative),
          fmt::format("{:.2e}", d.mse),
          fmt::format("{:.6f}", d.cosine),
          steps ? fmt::format("{} ({:.0f} steps)", gradeName(d.grade), d.steps)
                : std::string(gradeName(d.grade)),
          verdict};
}

std::string Comparison::layersText() const {
  for (size_t i = own_; i < results_.size(); ++i) {
    const OutputResult &result = results_[i];
    if (!result.worst || result.worst->verdict == Verdict::Pass)
      continue;
    Table table({"value", "type", "max abs", "relative", "mse", "cosine", "class", "verdict"});
    table.add(tableRow(result));
    return fmt::format("first value that differs: '{}' of node {} ({})\n{}", result.port.name,
                       result.tap.node, result.tap.op, table.str());
  }
  size_t count = results_.size() - own_;
  return fmt::format("no difference in {} intermediate value{}\n", count, count == 1 ? "" : "s");
}

std::string Comparison::text() const {
  Table table({"output", "type", "max abs", "relative", "mse", "cosine", "class", "verdict"});
  for (size_t i = 0; i < own_; ++i)
    if (results_[i].worst)
      table.add(tableRow(results_[i]));
  for (const OutputResult &result : given_)
    if (result.worst)
      table.add(tableRow(result));
  std::string text = table.str();
  if (options_.layers) {
    text += layersText();
    text += "note: looking at intermediate values keeps them from being fused away, so the code "
            "compared here is not the code of the model alone\n";
  }
  if (!failure_.empty())
    text += failure_ + "\n";
  return text + fmt::format("{} on {} sample{}\n", verdictName(verdict()), samples_,
                            samples_ == 1 ? "" : "s");
}

nlohmann::ordered_json jsonEntry(const OutputResult &result) {
  nlohmann::ordered_json entry = {{"name", result.port.name}, {"type", result.port.type.str()}};
  entry.update(toJson(*result.worst));
  return entry;
}

std::string Comparison::json() const {
  nlohmann::ordered_json report;
  report["model"] = options_.model;
  report["verdict"] = verdictName(verdict());
  report["samples"] = samples_;
  report["seed"] = options_.run.seed;
  report["threads"] = options_.run.threads;
  if (!failure_.empty())
    report["failure"] = failure_;
  report["outputs"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < results_.size(); ++i) {
    const OutputResult &result = results_[i];
    if (!result.worst)
      continue;
    nlohmann::ordered_json entry = jsonEntry(result);
    if (i >= own_) {
      entry["node"] = result.tap.node;
      entry["op"] = result.tap.op;
    }
    report[i < own_ ? "outputs" : "layers"].push_back(std::move(entry));
  }
  for (const OutputResult &result : given_)
    if (result.worst)
      report["data"].push_back(jsonEntry(result));
  return jsonText(report);
}

/// The library, which a temporary one is made for if none is given. What that was made with is
/// then what it is compared with.
int loadLibrary(Options &options, std::shared_ptr<Library> &library) {
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

int compare(Options options) {
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
  std::vector<Tap> taps;
  if (options.layers)
    taps = addTaps((*module)->main());
  Result<std::unique_ptr<Engine>> compiled = makeLibraryEngine(library, options.run);
  if (!compiled)
    return reportError(compiled.error());
  Comparison comparison(options, std::move(*module));
  Result<void> done = comparison.prepare(std::move(*compiled), taps);
  if (done)
    done = comparison.run();
  if (!done)
    return reportError(done.error());
  printOut(options.json ? comparison.json() : comparison.text());
  return comparison.verdict() == Verdict::Fail ? NumbersDiffer : Fine;
}

} // namespace

void addCompareCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("compare", "Compare compiled code with the reference interpreter");
  command->add_option("model", options->model, "The model")->required()->type_name("M.onnx");
  CLI::Option *library =
      command->add_option("library", options->library, "Compiled before; else compiled now")
          ->type_name("M.so");
  command->add_option("--samples", options->samples, "Random inputs to try")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, int64_t{1000000}));
  command->add_option("--seed", options->run.seed, "Seed of the random inputs")
      ->type_name("N")
      ->capture_default_str();
  command->add_option("--data", options->data, "Take inputs from ONNX test data: input_0.pb, ...")
      ->type_name("DIR");
  command->add_option("--atol", options->atol, "Tolerance, relative to the output's scale")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--threads", options->run.threads, "Threads of compiled code")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  addTimeoutOption(*command, options->run.seconds);
  command->add_flag("--layers", options->layers, "Compare intermediate values too")
      ->excludes(library);
  command->add_flag("--json", options->json, "Report as JSON");
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  addPassOptions(*command, options->request.passes);
  command->footer(examples);
  command->callback([options, &chosen] { chosen = [options] { return compare(*options); }; });
}

} // namespace cameo
