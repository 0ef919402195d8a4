// `cameo bench`: how fast compiled code is, beside the reference interpreter or ONNX Runtime.
#include "bench/MemoryPeak.h"
#include "bench/Report.h"
#include "tools/Bench.h"
#include "tools/Command.h"
#include "tools/Inputs.h"
#include "tools/ModelCost.h"
#include "tools/OnnxRuntime.h"
#include "tools/Options.h"
#include "tools/Provenance.h"
#include "tools/Stopwatch.h"
#include "tools/Tuner.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace cameo {

namespace {

constexpr const char *kBenchExamples = R"(Examples:
  cameo bench model.onnx --threads 1,2
      compiles to a temporary library; latency with one and with two threads, and of the reference
  cameo bench model.onnx model.qdq.onnx --against onnxruntime
      a model and its variants in one table, each compiled and in ONNX Runtime, a package of Python
  cameo bench model.onnx model.so --no-reference --seconds 2 --json
      an existing library alone, for longer, result as JSON; heads.so:NAME is a model of a bundle
  cameo bench model.onnx --streams 1,2 --no-reference
      also how many runs a second one and two contexts of one thread each make
  cameo bench model.onnx --profile --no-reference
      also how long each kernel takes, and how much faster this machine could do its work
  cameo bench model.onnx model.qdq.onnx --report report.html
      a page with plots: latencies, rooflines, deviation by layer, noise of the variant

The candidates take turns in short slices, so that a machine that gets slower or busier is the same
for all. Inputs are random as in 'cameo compare'. 'speedup' is against the reference.)";

struct BenchOptions {
  std::vector<std::string> files;
  std::string against = "interpreter";
  std::vector<int32_t> threads = {1}, streams;
  TimingOptions timing;
  uint64_t seed = 0;
  double timeout = 0;
  bool noReference = false, json = false, profile = false, remeasure = false;
  std::string report, trace; // files to write, or ""
  TuneOptions tuning;
  CompileRequest request;
};

/// Models with the libraries that follow them.
Result<std::vector<Subject>> subjectsOf(const BenchOptions &options) {
  std::vector<Subject> subjects;
  for (const std::string &file : options.files) {
    if (!isLibraryPath(file)) {
      Subject &subject = subjects.emplace_back();
      subject.model = file;
      subject.request = options.request;
      subject.request.model = file;
    } else if (subjects.empty() || !subjects.back().library.empty()) {
      return badInput(fmt::format("{}: expected the model in front that it is made from", file));
    } else {
      subjects.back().library = file;
    }
  }
  return subjects;
}

Result<int64_t> fileBytes(const std::string &path) {
  std::error_code failed;
  auto bytes = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  if (failed)
    return badInput(fmt::format("{}: {}", path, failed.message()));
  return bytes;
}

/// Reads the model, and what its inputs are; the library exists.
Result<void> readSubject(const BenchOptions &options, Subject &subject, bool isGiven) {
  if (isGiven)
    adoptProvenance(TRY(Library::load(subject.library))->model(), subject.request);
  subject.module = TRY(readModel(subject.model, subject.request.sizes));
  std::map<std::string, int64_t> sizes = TRY(importOptions(subject.request.sizes)).dims;
  subject.inputs = TRY(randomInputs(subject.module->main(), sizes, options.seed));
  subject.modelBytes = TRY(fileBytes(subject.model));
  subject.libraryBytes = TRY(fileBytes(LibraryName::of(subject.library).file));
  subject.flops = TRY(costOf(subject.model, subject.request.sizes)).total.flops;
  return {};
}

/// Compiles where there is no library yet, into the folder; reports errors itself.
int prepareSubject(const BenchOptions &options, Subject &subject, const TemporaryFolder &folder,
                   size_t position) {
  bool isGiven = !subject.library.empty();
  if (!isGiven) {
    // Errors of the model itself are clearer than those of compiling.
    if (Result<std::unique_ptr<Module>> module = readModel(subject.model, subject.request.sizes);
        !module)
      return reportError(inFile(subject.model, module.error()));
    int status = tuneRequest(options.tuning, subject.request);
    if (status == Fine)
      status = compileTemporary(subject.request, folder, subject.library,
                                fmt::format("model_{}", position));
    if (status != Fine)
      return status;
  }
  Stopwatch watch;
  Result<void> read = readSubject(options, subject, isGiven);
  tellMore(fmt::format("{}: read in {:.2f} s\n", subject.model, watch.lap()));
  return read ? Fine : reportError(inFile(subject.model, read.error()));
}

/// Makes the engines, runs each once, and then all in turns.
class Measurement {
public:
  Measurement(const BenchOptions &options, BenchReport &report)
      : options_(options), report_(report) {}

  Result<void> run() {
    for (size_t i = 0; i < report_.subjects.size(); ++i)
      TRY(addSubject(i));
    showProgress(fmt::format(
        "measuring {} for about {:.0f} s", plural(std::ssize(candidates_), "candidate"),
        static_cast<double>(candidates_.size()) * options_.timing.rounds * options_.timing.slice));
    Stopwatch watch;
    std::vector<Timing> timings = TRY(measureInterleaved(candidates_, options_.timing));
    tellMore(fmt::format("measured in {:.2f} s\n", watch.lap()));
    for (size_t i = 0; i < timings.size(); ++i)
      report_.runners[i].timing = std::move(timings[i]);
    for (Subject &subject : report_.subjects)
      TRY(measureStreams(subject));
    return {};
  }

private:
  static std::string withThreads(const std::string &name, int32_t threads) {
    return name + ", " + plural(threads, "thread");
  }

  Result<std::unique_ptr<Engine>> makeCompiled(const Subject &subject, int32_t threads) const {
    return makeLibraryEngine(TRY(Library::load(subject.library)),
                             {threads, options_.seed, options_.timeout});
  }

  Result<void> addSubject(size_t position) {
    const Subject &subject = report_.subjects[position];
    size_t first = report_.runners.size(), compiled = options_.threads.size();
    for (int32_t threads : options_.threads)
      TRY(addEngine(position, withThreads("compiled", threads), subject.libraryBytes,
                    [&] { return makeCompiled(subject, threads); }));
    if (options_.noReference)
      return {};
    if (options_.against == "onnxruntime") {
      for (int32_t threads : options_.threads)
        TRY(addOnnxRuntime(position, threads));
    } else {
      TRY(addEngine(
          position, "reference", subject.modelBytes, [&]() -> Result<std::unique_ptr<Engine>> {
            return makeReferenceEngine(subject.module, {1, options_.seed, options_.timeout});
          }));
    }
    // Each against the reference of as many threads, if that has several.
    for (size_t i = first; i < report_.runners.size(); ++i)
      report_.runners[i].reference =
          std::min(first + compiled + (i - first) % compiled, report_.runners.size() - 1);
    return {};
  }

  Result<void> addEngine(size_t position, std::string name, int64_t bytes,
                         const std::function<Result<std::unique_ptr<Engine>>()> &make) {
    Runner runner = {.subject = position, .name = std::move(name), .bytes = bytes};
    MemoryPeak memory;
    double begin = now();
    std::unique_ptr<Engine> engine = TRY(make());
    runner.load = now() - begin;
    TRY(engine->run(report_.subjects[position].inputs));
    runner.firstRun = now() - begin - runner.load;
    runner.memory = memory.bytes();
    Engine *address = engine.get();
    engines_.push_back(std::move(engine));
    candidates_.push_back({runner.name, [address] { return address->rerun(); }});
    tellRunner(runner);
    report_.runners.push_back(std::move(runner));
    return {};
  }

  void tellRunner(const Runner &runner) const {
    tellMore(fmt::format("{}, {}: loaded in {:.3g} s, first run in {:.3g} s\n",
                         report_.subjects[runner.subject].model, runner.name, runner.load,
                         runner.firstRun));
  }

  /// It starts anew for each of its turns: other programs are still meanwhile.
  Result<void> addOnnxRuntime(size_t position, int32_t threads) {
    const Subject &subject = report_.subjects[position];
    auto runtime = std::make_shared<OnnxRuntime>(subject.model, threads);
    OnnxRuntime::Measured measured = TRY(runtime->measure(subject.inputs, 0));
    Runner runner = {.subject = position,
                     .name = withThreads("ONNX Runtime " + runtime->version(), threads),
                     .bytes = subject.modelBytes,
                     .load = measured.load,
                     .firstRun = measured.firstRun,
                     .memory = measured.memory};
    auto slice = [runtime, &subject](double seconds) -> Result<std::vector<double>> {
      return TRY(runtime->measure(subject.inputs, seconds)).latencies;
    };
    candidates_.push_back({runner.name, {}, slice});
    tellRunner(runner);
    report_.runners.push_back(std::move(runner));
    return {};
  }

  Result<void> measureStreams(Subject &subject) const {
    if (options_.streams.empty())
      return {};
    std::vector<std::unique_ptr<Engine>> engines;
    std::vector<Candidate> candidates;
    for (int32_t i = 0; i < std::ranges::max(options_.streams); ++i) {
      Engine *engine = engines.emplace_back(TRY(makeCompiled(subject, 1))).get();
      TRY(engine->run(subject.inputs));
      candidates.push_back({fmt::format("stream {}", i), [engine] { return engine->rerun(); }});
    }
    for (int32_t count : options_.streams)
      subject.streams.push_back(
          TRY(measureTogether({candidates.begin(), candidates.begin() + count}, options_.timing)));
    return {};
  }

  const BenchOptions &options_;
  BenchReport &report_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::vector<Candidate> candidates_;
};

/// The library that measures its kernels is another one: measuring costs a little.
Result<Profile> profile(const BenchOptions &options, const Subject &subject,
                        const std::string &library) {
  std::unique_ptr<Module> module = TRY(readModel(subject.model, subject.request.sizes));
  std::map<std::string, int64_t> sizes = TRY(importOptions(subject.request.sizes)).dims;
  PassContext context = TRY(passContext(subject.request));
  Profile profile = {subject.model, TRY(planKernels(*module, std::move(context), sizes)), {}};
  for (int32_t threads : options.threads) {
    std::vector<std::string> notes;
    MachineLimits limits = machineLimits(threads, options.remeasure, notes);
    for (const std::string &note : notes)
      reportNote(note);
    addRun(profile,
           TRY(measureKernels(library, {threads, options.seed, options.timeout}, subject.inputs,
                              profile.plan, options.timing.rounds * options.timing.slice)),
           std::move(limits));
    if (double beyond = efficiencyOf(profile.runs.back()).beyond; beyond > 0.1)
      reportNote(fmt::format("kernels with {:.0f} % of the time are faster than was measured to be "
                             "possible; --remeasure measures this machine again",
                             100 * beyond));
  }
  return profile;
}

/// Compiles and measures the kernels; reports errors itself.
int addProfile(const BenchOptions &options, Subject &subject) {
  CompileRequest request = subject.request;
  request.profile = true;
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create();
  if (!folder)
    return reportError(folder.error());
  std::string library;
  if (int status = compileTemporary(request, **folder, library, "profile"); status != Fine)
    return status;
  Result<Profile> measured = profile(options, subject, library);
  if (!measured)
    return reportError(inFile(subject.model, measured.error()));
  subject.profile = std::move(*measured);
  return Fine;
}

Result<void> writeFiles(const BenchOptions &options, const BenchReport &report) {
  if (!options.trace.empty())
    TRY(writeOutput(options.trace, profileTrace(*report.subjects.front().profile)));
  if (!options.report.empty())
    TRY(writeOutput(options.report, benchPage(report)));
  return {};
}

int bench(BenchOptions options) {
  options.profile |= !options.report.empty();
  BenchReport report;
  report.streams = options.streams;
  Result<std::vector<Subject>> subjects = subjectsOf(options);
  if (!subjects)
    return reportError(subjects.error());
  report.subjects = std::move(*subjects);
  if (!options.trace.empty() && report.subjects.size() > 1)
    return reportError(badInput("--trace: possible with one model only"));
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create();
  if (!folder)
    return reportError(folder.error());
  for (size_t i = 0; i < report.subjects.size(); ++i)
    if (int status = prepareSubject(options, report.subjects[i], **folder, i); status != Fine)
      return status;
  if (Result<void> done = Measurement(options, report).run(); !done)
    return reportError(done.error());
  folder->reset();
  for (Subject &subject : report.subjects)
    if (int status = options.profile ? addProfile(options, subject) : Fine; status != Fine)
      return status;
  LayerStudy study(options.against, {1, options.seed, options.timeout});
  for (Subject &subject : report.subjects)
    if (!options.report.empty() && !options.noReference)
      if (int status = study.add(subject.request, subject.inputs, subject.layers); status != Fine)
        return status;
  if (Result<void> written = writeFiles(options, report); !written)
    return reportError(written.error());
  printOut(options.json ? benchJson(report) : benchText(report, outputWidth()));
  return Fine;
}

void addTimingOptions(CLI::App &command, BenchOptions &options) {
  addCounts(command, "--threads", options.threads, kMostThreads,
            "Numbers of threads to measure, e.g. 1,2");
  addCounts(command, "--streams", options.streams, kMostThreads,
            "Also the throughput of so many contexts at once, of one thread each");
  command.add_option("--rounds", options.timing.rounds, "Turns each engine gets")
      ->type_name("N")
      ->capture_default_str()
      ->check(number(1, 10000));
  command.add_option("--seconds", options.timing.slice, "Length of a turn")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(number(0.0, 3600.0));
}

} // namespace

void addBenchCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App *command =
      app.add_subcommand("bench", "Measure the latency of compiled code and of a reference");
  command
      ->add_option("files", options->files,
                   "Models; behind one its library, which else is compiled now")
      ->required()
      ->type_name("M.onnx [M.so] ...");
  CLI::Option *against =
      command->add_option("--against", options->against, "What compiled code is measured beside")
          ->type_name("interpreter|onnxruntime")
          ->check(oneOf({"interpreter", "onnxruntime"}))
          ->capture_default_str();
  addTimingOptions(*command, *options);
  addSeedOption(*command, options->seed, "the random inputs");
  addTimeoutOption(*command, options->timeout);
  command->add_flag("--no-reference", options->noReference, "Leave the reference out")
      ->excludes(against);
  CLI::Option *profile =
      command->add_flag("--profile", options->profile,
                        "Also each kernel's time, and how near that is to the machine's limits");
  command
      ->add_option("--report", options->report,
                   "Also write a page with plots, of profiles and layers too")
      ->type_name("OUT.html");
  command
      ->add_option("--trace", options->trace,
                   "Also write some runs of the profile as a trace that Perfetto opens")
      ->type_name("OUT.json")
      ->needs(profile);
  command
      ->add_flag("--remeasure", options->remeasure,
                 "Measure the limits of this machine again, which are kept")
      ->needs(profile);
  command->add_flag("--json", options->json, "Report as JSON");
  addTuneOptions(*command, options->tuning);
  addTargetOptions(*command, options->request.target);
  addModelOptions(*command, options->request.sizes);
  addPassOptions(*command, options->request.passes);
  command->footer(kBenchExamples);
  command->callback([command, options, &chosen] {
    chosen = [command, options] {
      for (const std::string &path : {options->report, options->trace})
        if (Result<void> output = path.empty() ? Result<void>() : checkOutput(path); !output)
          return reportError(output.error());
      auto library = std::ranges::find_if(options->files, isLibraryPath);
      std::string given = library == options->files.end() ? "" : *library;
      if (Result<void> used = checkUnusedTarget(*command, given); !used)
        return reportError(used.error());
      return bench(*options);
    };
  });
}

} // namespace cameo
