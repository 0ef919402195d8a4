// level_cases LEVEL FOLDER [NAME...]: runs the ONNX project's test cases below a folder, or those
// whose path contains a NAME, through the interpreter of a level, `kernel` or `loop`, and compares
// with the graph interpreter: kernels behind each pass that leaves them, loops at the end. Cases
// that the interpreter or the compiler does not support, or that take too many ops, are counted and
// passed over. Exit status 1 if any other fails.
#include "bench/Deviation.h"
#include "bench/TestData.h"
#include "frontend/Importer.h"
#include "ir/eval/AnyLevel.h"
#include "ir/eval/graph/Interpreter.h"
#include "ir/eval/kernel/KernelInterpreter.h"
#include "ir/eval/loop/LoopInterpreter.h"
#include "lowering/PassManager.h"
#include "lowering/program/ToLoops.h"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fmt/format.h>

using namespace cameo;
namespace fs = std::filesystem;

namespace {

constexpr int64_t kMostOps = 20'000'000;

enum class Outcome { Agrees, Unsupported, TooLong, Fails };

struct CaseResult {
  Outcome outcome = Outcome::Agrees;
  std::string note;
};

CaseResult resultOf(const Error &error) {
  bool isLong = error.message.find("the run took more than") != std::string::npos;
  Outcome otherwise = isLong ? Outcome::TooLong : Outcome::Fails;
  return {error.kind == ErrorKind::Unsupported ? Outcome::Unsupported : otherwise, error.message};
}

Result<std::vector<RuntimeValue>> inputsOf(const fs::path &folder, const Module &module) {
  std::vector<DataKind> kinds;
  for (const std::unique_ptr<Value> &arg : module.main().body.args())
    kinds.push_back(dataKindOf(arg->type));
  std::vector<RuntimeValue> inputs;
  for (std::optional<RuntimeValue> &value :
       TRY(readTestData(folder / "test_data_set_0", "input", kinds)))
    inputs.push_back(value ? std::move(*value) : RuntimeValue());
  return inputs;
}

CaseResult compare(const std::vector<RuntimeValue> &want, const std::vector<RuntimeValue> &got) {
  for (size_t i = 0; i < got.size(); i++) {
    Judgement judgement;
    judgement.quantized = true;
    Deviation deviation = measure(want[i].tensor(), got[i].tensor(), judgement);
    if (!deviation.comparable())
      return {Outcome::Fails, fmt::format("output {}: {}", i, deviation.reason)};
    if (deviation.verdict != Verdict::Pass)
      return {Outcome::Fails,
              fmt::format("output {}: element {} is {}, expected {}", i, deviation.worst,
                          deviation.gotWorst, deviation.wantWorst)};
  }
  return {};
}

/// What an interpreter gave, against what was wanted of it.
CaseResult judge(const Result<std::vector<RuntimeValue>> &want,
                 const Result<std::vector<RuntimeValue>> &got) {
  if (!got)
    return resultOf(got.error());
  return want ? compare(*want, *got) : resultOf(want.error());
}

/// Behind each pass that leaves kernels.
CaseResult runKernels(Module &module, PassContext &context, const std::vector<RuntimeValue> &inputs,
                      const Result<std::vector<RuntimeValue>> &want) {
  CaseResult result{Outcome::Unsupported, "no pass leaves kernels"};
  for (const PipelineStep &step : pipeline()) {
    Result<PassReport> report = runPasses(module, context, {&step, 1}, allPasses());
    if (!report)
      return resultOf(report.error());
    if (!report->records.front().changed || !isKernelLevel(module))
      continue;
    KernelOptions options;
    options.workLimit = kMostOps;
    result = judge(want, interpretKernels(module.main(), context.target, inputs, options));
    if (result.outcome != Outcome::Agrees)
      return {result.outcome, fmt::format("behind {}: {}", step.pass, result.note)};
  }
  return result;
}

CaseResult runLoops(Module &module, PassContext &context, const std::vector<RuntimeValue> &inputs,
                    const Result<std::vector<RuntimeValue>> &want) {
  Result<PassReport> report = runPasses(module, context, pipeline(), allPasses());
  if (!report)
    return resultOf(report.error());
  Result<Program> program = toLoops(module, context);
  if (!program)
    return resultOf(program.error());
  LoopOptions options;
  options.workLimit = kMostOps;
  return judge(want, interpret(*program, context.target, inputs, options));
}

CaseResult runCase(const fs::path &folder, const Target &target, bool atLoops) {
  Result<std::unique_ptr<Module>> module = importModel(folder / "model.onnx");
  if (!module)
    return resultOf(module.error());
  Result<std::vector<RuntimeValue>> inputs = inputsOf(folder, **module);
  if (!inputs)
    return resultOf(inputs.error());
  Result<std::vector<RuntimeValue>> want = interpret((*module)->main(), *inputs);
  PassContext context;
  context.target = target;
  return atLoops ? runLoops(**module, context, *inputs, want)
                 : runKernels(**module, context, *inputs, want);
}

std::vector<fs::path> casesIn(const fs::path &root, int count, char **names) {
  std::vector<fs::path> cases;
  for (const fs::directory_entry &entry : fs::recursive_directory_iterator(root)) {
    std::string folder = entry.path().parent_path();
    bool isNamed = count == 0 || std::any_of(names, names + count, [&](const char *name) {
                     return folder.find(name) != std::string::npos;
                   });
    if (entry.path().filename() == "model.onnx" && isNamed)
      cases.push_back(entry.path().parent_path());
  }
  std::sort(cases.begin(), cases.end());
  return cases;
}

} // namespace

int main(int argc, char **argv) {
  std::string_view level = argc < 3 ? "" : argv[1];
  if (level != "kernel" && level != "loop") {
    std::fputs("usage: level_cases kernel|loop FOLDER [NAME...]\n", stderr);
    return 2;
  }
  int64_t counts[4] = {};
  Target target = *namedTarget("x86_64-linux-gnu", "x86-64-v4");
  for (const fs::path &folder : casesIn(argv[2], argc - 3, argv + 3)) {
    CaseResult result = runCase(folder, target, level == "loop");
    counts[static_cast<int>(result.outcome)]++;
    if (result.outcome == Outcome::Fails)
      std::printf("%s: %s\n", folder.filename().c_str(), result.note.c_str());
  }
  std::printf("%lld agree, %lld are unsupported, %lld take too long, %lld fail\n",
              static_cast<long long>(counts[0]), static_cast<long long>(counts[1]),
              static_cast<long long>(counts[2]), static_cast<long long>(counts[3]));
  return counts[3] ? 1 : 0;
}
