// `cameo bench`: how fast compiled code is, beside the reference interpreter.
#include "bench/MemoryPeak.h"
#include "bench/Report.h"
#include "tools/Command.h"
#include "tools/Compiler.h"
#include "tools/Inputs.h"
#include "tools/ModelCost.h"
#include "tools/Options.h"
#include "tools/Profile.h"
#include "tools/Tuner.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo bench model.onnx --threads 1,2
      compiles to a temporary library; latency with one and with two threads, and of the reference
  cameo bench model.onnx model.so --no-reference --seconds 2 --json
      an existing library alone, for longer, result as JSON
  cameo bench model.onnx --streams 1,2 --no-reference
      also how many runs a second one and two contexts of one thread each make
  cameo bench model.onnx --profile --no-reference
      also how long each kernel takes, and how much faster this machine could do its work
  cameo bench model.onnx --profile --no-reference --report profile.html --trace trace.json
      the same as a page with plots, and for ui.perfetto.dev

The candidates take turns in short slices, so that a machine that gets slower or busier is the same
for all. Inputs are random as in 'cameo compare'. 'speedup' is against the reference.)";

// Of the JSON, see docs/bench.md.
constexpr int kReportVersion = 2;

struct Options {
  std::string model, library;
  std::vector<int32_t> threads = {1}, streams;
  TimingOptions timing;
  uint64_t seed = 0;
  double timeout = 0;
  bool noReference = false, json = false, profile = false, remeasure = false;
  std::string report, trace; // files to write, or ""
  TuneOptions tuning;
  CompileRequest request;
};

/// What it takes until an engine has run once.
struct Start {
  double load = 0, firstRun = 0; // seconds
  int64_t memory = -1;           // bytes at most, -1: unknown
};

struct Prepared {
  std::vector<std::unique_ptr<Engine>> engines;
  std::vector<Candidate> candidates;
  std::vector<Start> starts;
  std::vector<Candidate> streams; // contexts of one thread, as many as --streams asks for at most
};

Result<Prepared> prepare(const Options &options, const std::shared_ptr<Module> &module) {
  std::map<std::string, int64_t> sizes = TRY(importOptions(options.request.sizes)).dims;
  std::vector<RuntimeValue> inputs = TRY(randomInputs(module->main(), sizes, options.seed));
  Prepared prepared;
  auto add = [&](std::string name,
                 const std::function<Result<std::unique_ptr<Engine>>()> &make) -> Result<void> {
    MemoryPeak memory;
    Start start;
    double begin = now();
    std::unique_ptr<Engine> engine = TRY(make());
    start.load = now() - begin;
    TRY(engine->run(inputs));
    start.firstRun = now() - begin - start.load;
    start.memory = memory.bytes();
    prepared.starts.push_back(start);
    Engine *address = engine.get();
    prepared.engines.push_back(std::move(engine));
    prepared.candidates.push_back({std::move(name), [address] { return address->rerun(); }});
    return {};
  };
  for (int32_t threads : options.threads)
    TRY(add("compiled, " + plural(threads, "thread"), [&]() -> Result<std::unique_ptr<Engine>> {
      return makeLibraryEngine(TRY(Library::load(options.library)),
                               {threads, options.seed, options.timeout});
    }));
  if (!options.noReference)
    TRY(add("reference", [&]() -> Result<std::unique_ptr<Engine>> {
      return makeReferenceEngine(module, {1, options.seed, options.timeout});
    }));
  int32_t most = options.streams.empty() ? 0 : std::ranges::max(options.streams);
  for (int32_t i = 0; i < most; ++i) {
    prepared.engines.push_back(TRY(makeLibraryEngine(TRY(Library::load(options.library)),
                                                     {1, options.seed, options.timeout})));
    Engine *engine = prepared.engines.back().get();
    TRY(engine->run(inputs));
    prepared.streams.push_back({fmt::format("stream {}", i), [engine] { return engine->rerun(); }});
  }
  return prepared;
}

/// The library that measures its kernels is another one: measuring costs a little.
Result<Profile> profile(const Options &options, const std::string &library) {
  std::unique_ptr<Module> module = TRY(readModel(options.model, options.request.sizes));
  std::map<std::string, int64_t> sizes = TRY(importOptions(options.request.sizes)).dims;
  std::vector<RuntimeValue> inputs = TRY(randomInputs(module->main(), sizes, options.seed));
  PassContext context = TRY(passContext(options.request));
  Profile profile = {options.model, TRY(planKernels(*module, std::move(context), sizes)), {}};
  for (int32_t threads : options.threads) {
    std::vector<std::string> notes;
    MachineLimits limits = machineLimits(threads, options.remeasure, notes);
    for (const std::string &note : notes)
      reportNote(note);
    addRun(profile,
           TRY(measureKernels(library, {threads, options.seed, options.timeout}, inputs,
                              profile.plan, options.timing.rounds * options.timing.slice)),
           std::move(limits));
    if (double beyond = efficiencyOf(profile.runs.back()).beyond; beyond > 0.1)
      reportNote(fmt::format("kernels with {:.0f} % of the time are faster than was measured to be "
                             "possible; --remeasure measures this machine again",
                             100 * beyond));
  }
  return profile;
}

Result<void> writeProfile(const Options &options, const Profile &profile) {
  if (!options.trace.empty())
    TRY(writeOutput(options.trace, profileTrace(profile)));
  if (!options.report.empty())
    TRY(writeOutput(options.report, profilePage(profile)));
  return {};
}

/// Compiles and measures the kernels if that is asked for; reports errors itself.
int addProfile(const Options &options, std::optional<Profile> &found) {
  if (!options.profile)
    return Fine;
  CompileRequest request = options.request;
  request.profile = true;
  Result<std::unique_ptr<TemporaryFolder>> folder = TemporaryFolder::create();
  if (!folder)
    return reportError(folder.error());
  std::string library;
  if (int status = compileTemporary(request, **folder, library); status != Fine)
    return status;
  Result<Profile> measured = profile(options, library);
  if (!measured)
    return reportError(measured.error());
  found = std::move(*measured);
  return exitStatus(writeProfile(options, *found));
}

/// One entry for each number in --streams.
Result<std::vector<Throughput>> measureStreams(const Options &options, const Prepared &prepared) {
  std::vector<Throughput> throughputs;
  for (int32_t count : options.streams)
    throughputs.push_back(TRY(measureTogether(
        {prepared.streams.begin(), prepared.streams.begin() + count}, options.timing)));
  return throughputs;
}

std::string streamsText(const Options &options, const std::vector<Throughput> &throughputs) {
  if (throughputs.empty())
    return "";
  Table table({"streams", "runs/s", "runs"});
  for (size_t i = 0; i < throughputs.size(); ++i)
    table.add({std::to_string(options.streams[i]), fmt::format("{:.1f}", throughputs[i].rate()),
               std::to_string(throughputs[i].runs)});
  return "\n" + table.str();
}

nlohmann::ordered_json streamsJson(const Options &options,
                                   const std::vector<Throughput> &throughputs) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  for (size_t i = 0; i < throughputs.size(); ++i)
    json.push_back({{"streams", options.streams[i]},
                    {"runs_per_s", throughputs[i].rate()},
                    {"runs", throughputs[i].runs}});
  return json;
}

std::string tableOf(const Options &options, const std::vector<Timing> &timings, double flops) {
  Table table({"engine", "p50", "p90", "p99", "min", "runs", "GFLOP/s", "speedup"});
  for (const Timing &timing : timings) {
    const Summary &s = timing.summary;
    table.add({timing.name, formatSeconds(s.p50), formatSeconds(s.p90), formatSeconds(s.p99),
               formatSeconds(s.min), std::to_string(s.runs),
               fmt::format("{:.1f}", flops / s.p50 / 1e9),
               options.noReference ? "-" : fmt::format("{:.1f}", speedup(timings.back(), timing))});
  }
  return table.str();
}

std::string jsonOf(const Options &options, const std::vector<Timing> &timings,
                   const std::vector<Start> &starts, double flops,
                   const std::vector<Throughput> &streams, const std::optional<Profile> &profile) {
  nlohmann::ordered_json report = {
      {"schema_version", kReportVersion}, {"model", options.model}, {"flops", flops}};
  report["engines"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < timings.size(); ++i) {
    nlohmann::ordered_json &engine = report["engines"].emplace_back(toJson(timings[i]));
    engine["load_ms"] = starts[i].load * 1e3;
    engine["first_run_ms"] = starts[i].firstRun * 1e3;
    if (starts[i].memory >= 0)
      engine["memory_bytes"] = starts[i].memory;
    if (!options.noReference)
      engine["speedup"] = speedup(timings.back(), timings[i]);
  }
  if (!streams.empty())
    report["streams"] = streamsJson(options, streams);
  if (profile)
    for (const ThreadsProfile &run : profile->runs)
      report["profiles"].push_back(profileJson(*profile, run));
  return jsonText(report);
}

int bench(Options options) {
  Result<std::unique_ptr<Module>> read = readModel(options.model, options.request.sizes);
  if (!read)
    return reportError(inFile(options.model, read.error()));
  std::shared_ptr<Module> module = std::move(*read);
  options.request.model = options.model;
  if (int status = tuneRequest(options.tuning, options.request); status != Fine)
    return status;
  std::unique_ptr<TemporaryFolder> folder;
  if (options.library.empty()) {
    Result<std::unique_ptr<TemporaryFolder>> made = TemporaryFolder::create();
    if (!made)
      return reportError(made.error());
    folder = std::move(*made);
    int status = compileTemporary(options.request, *folder, options.library);
    if (status != Fine)
      return status;
  }
  Result<Prepared> prepared = prepare(options, module);
  if (!prepared)
    return reportError(prepared.error());
  folder.reset(); // the library is mapped; an interrupted run leaves nothing behind
  showProgress(fmt::format("measuring {} for about {:.0f} s",
                           plural(std::ssize(prepared->candidates), "candidate"),
                           static_cast<double>(prepared->candidates.size()) *
                               options.timing.rounds * options.timing.slice));
  Result<std::vector<Timing>> timings = measureInterleaved(prepared->candidates, options.timing);
  if (!timings)
    return reportError(timings.error());
  Result<std::vector<Throughput>> streams = measureStreams(options, *prepared);
  if (!streams)
    return reportError(streams.error());
  Result<ModelCost> cost = costOf(options.model, options.request.sizes);
  if (!cost)
    return reportError(inFile(options.model, cost.error()));
  double flops = cost->total.flops;
  std::optional<Profile> profile;
  if (int status = addProfile(options, profile); status != Fine)
    return status;
  if (options.json)
    printOut(jsonOf(options, *timings, prepared->starts, flops, *streams, profile));
  else
    printOut(tableOf(options, *timings, flops) + streamsText(options, *streams));
  if (profile && !options.json)
    for (const ThreadsProfile &run : profile->runs)
      printOut("\n" + profileText(*profile, run, outputWidth()));
  return Fine;
}

} // namespace

void addBenchCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  CLI::App *command =
      app.add_subcommand("bench", "Measure the latency of compiled code and of the reference");
  command->add_option("model", options->model, "The model")->required()->type_name("M.onnx");
  command->add_option("library", options->library, "Compiled before; else compiled now")
      ->type_name("M.so");
  addCounts(*command, "--threads", options->threads, kMostThreads,
            "Numbers of threads to measure, e.g. 1,2");
  addCounts(*command, "--streams", options->streams, kMostThreads,
            "Also the throughput of so many contexts at once, of one thread each");
  command->add_option("--rounds", options->timing.rounds, "Turns each engine gets")
      ->type_name("N")
      ->capture_default_str()
      ->check(number(1, 10000));
  command->add_option("--seconds", options->timing.slice, "Length of a turn")
      ->type_name("SECONDS")
      ->capture_default_str()
      ->check(number(0.0, 3600.0));
  addSeedOption(*command, options->seed, "the random inputs");
  addTimeoutOption(*command, options->timeout);
  command->add_flag("--no-reference", options->noReference, "Leave the reference out");
  CLI::Option *profile =
      command->add_flag("--profile", options->profile,
                        "Also each kernel's time, and how near that is to the machine's limits");
  command->add_option("--report", options->report, "Also write the profile as a page with plots")
      ->type_name("OUT.html")
      ->needs(profile);
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
  command->footer(examples);
  command->callback([command, options, &chosen] {
    chosen = [command, options] {
      for (const std::string &path : {options->report, options->trace})
        if (Result<void> output = path.empty() ? Result<void>() : checkOutput(path); !output)
          return reportError(output.error());
      if (Result<void> used = checkUnusedTarget(*command, options->library); !used)
        return reportError(used.error());
      return bench(*options);
    };
  });
}

} // namespace cameo
