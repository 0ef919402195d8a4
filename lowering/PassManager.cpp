// The loop over passes; see PassManager.h.
#include "lowering/PassManager.h"

#include "ir/Printer.h"
#include "ir/Verifier.h"
#include "lowering/plan/VerifyPlans.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {
namespace {

const PassInfo *findPass(std::span<const PassInfo> passes, std::string_view name) {
  auto found = std::find_if(passes.begin(), passes.end(),
                            [&](const PassInfo &pass) { return pass.name == name; });
  return found == passes.end() ? nullptr : &*found;
}

Error unknownPass(std::string_view name, std::span<const PassInfo> passes) {
  Error error = badInput("unknown pass '" + std::string(name) + "'");
  std::string all;
  for (const PassInfo &pass : passes)
    all += (all.empty() ? "passes: " : ", ") + std::string(pass.name);
  error.notes.push_back(std::move(all));
  return error;
}

bool contains(const std::vector<std::string> &names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// Skipping what is required would give wrong code or none.
Result<void> checkSkipped(const std::vector<std::string> &names, std::span<const PassInfo> passes) {
  std::vector<std::string> required;
  for (const std::string &name : names) {
    const PassInfo *pass = findPass(passes, name);
    if (!pass)
      return unknownPass(name, passes);
    if (pass->need == PassNeed::Required)
      required.push_back(fmt::format("'{}'", name));
  }
  if (required.empty())
    return {};
  return badInput(
      fmt::format("--skip-passes: no code can be made without {}", fmt::join(required, " and ")));
}

Result<void> checkOptions(std::span<const PipelineStep> steps, std::span<const PassInfo> passes,
                          const PassManagerOptions &options) {
  for (const std::string &name : options.printAfter)
    if (!findPass(passes, name))
      return unknownPass(name, passes);
  TRY(checkSkipped(options.skipPasses, passes));
  bool reachable = std::any_of(steps.begin(), steps.end(), [&](const PipelineStep &step) {
    return step.pass == options.stopAfter || step.phase == options.stopAfter;
  });
  if (!options.stopAfter.empty() && !reachable)
    return badInput("no pass or phase of the pipeline is named '" + options.stopAfter + "'");
  return {};
}

/// How many of the steps come before the point to stop at.
size_t stepsToRun(std::span<const PipelineStep> steps, const std::string &stopAfter) {
  if (stopAfter.empty())
    return steps.size();
  for (size_t i = steps.size(); i > 0; i--)
    if (steps[i - 1].phase == stopAfter)
      return i;
  auto pass = std::find_if(steps.begin(), steps.end(),
                           [&](const PipelineStep &step) { return step.pass == stopAfter; });
  return pass - steps.begin() + 1;
}

void write(const PassManagerOptions &options, std::string_view text) {
  if (options.output)
    options.output(text);
  else
    std::fwrite(text.data(), 1, text.size(), stderr);
}

/// Whether the options want an optional pass as step `number` of the optional ones.
bool isWanted(const PassInfo &pass, int64_t number, const PassManagerOptions &options) {
  bool wanted = !contains(options.skipPasses, pass.name);
  if (options.bisectLimit >= 0) {
    wanted &= number <= options.bisectLimit;
    write(options, fmt::format("bisect: {} {} {}\n", wanted ? "pass" : "not", number, pass.name));
  }
  return wanted;
}

void expectValid(Module &module, std::string_view pass) {
  if (Result<void> valid = verify(module); !valid)
    ICE(fmt::format("pass '{}' left a malformed module: {}", pass, valid.error().message));
}

Result<PassRecord> runPass(Module &module, PassContext &context, const PipelineStep &step,
                           const PassInfo &pass, const PassManagerOptions &options) {
  if (options.beforePass)
    options.beforePass(module, pass.name);
  PassRecord record{step, false, 0, countOps(module), 0};
  auto start = std::chrono::steady_clock::now();
  record.changed = TRY(pass.run(module, context));
  record.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  record.opsAfter = countOps(module);
  if (options.printAfterAll || contains(options.printAfter, pass.name))
    write(options, fmt::format("// after {}{}\n{}", pass.name, record.changed ? "" : " (no change)",
                               print(module)));
  if (record.changed)
    expectValid(module, pass.name);
  return record;
}

} // namespace

std::vector<PipelineStep> optionalSteps(std::span<const PipelineStep> steps,
                                        std::span<const PassInfo> passes) {
  std::vector<PipelineStep> optional;
  for (const PipelineStep &step : steps)
    if (const PassInfo *pass = findPass(passes, step.pass);
        pass && pass->need == PassNeed::Optional)
      optional.push_back(step);
  return optional;
}

int64_t countOps(const Module &module) {
  int64_t count = 0;
  for (const std::unique_ptr<Func> &func : module.funcs)
    count += func->body.countOps();
  return count;
}

Result<PassReport> runPasses(Module &module, PassContext &context,
                             std::span<const PipelineStep> steps, std::span<const PassInfo> passes,
                             const PassManagerOptions &options) {
  TRY(checkOptions(steps, passes, options));
  TRY(verify(module));
  TRY(verifyPlans(module));
  PassReport report;
  size_t wanted = stepsToRun(steps, options.stopAfter);
  report.stopped = !options.stopAfter.empty();
  int64_t number = 0;
  for (const PipelineStep &step : steps.first(wanted)) {
    const PassInfo *pass = findPass(passes, step.pass);
    ICE_UNLESS(pass, "the pipeline names an unknown pass '" + std::string(step.pass) + "'");
    if (pass->need == PassNeed::Optional && !isWanted(*pass, ++number, options))
      continue;
    report.records.push_back(TRY(runPass(module, context, step, *pass, options)));
  }
  // A pass that says that it changed nothing is believed, but not the last one.
  if (!report.records.empty() && !report.records.back().changed)
    expectValid(module, report.records.back().step.pass);
  if (options.timePasses)
    write(options, reportText(report));
  return report;
}

Result<std::vector<PipelineStep>> stepsFromText(std::string_view names,
                                                std::span<const PassInfo> passes) {
  std::vector<PipelineStep> steps;
  while (!names.empty()) {
    size_t comma = std::min(names.find(','), names.size());
    const PassInfo *pass = findPass(passes, names.substr(0, comma));
    if (!pass)
      return unknownPass(names.substr(0, comma), passes);
    steps.push_back({"", pass->name});
    names.remove_prefix(std::min(comma + 1, names.size()));
  }
  return steps;
}

std::string reportText(const PassReport &report) {
  std::string text = fmt::format("{:>9}  {:>7}  {:>7}  {}\n", "ms", "ops", "change", "pass");
  double total = 0;
  for (const PassRecord &record : report.records) {
    total += record.seconds;
    std::string change =
        record.changed ? fmt::format("{:+}", record.opsAfter - record.opsBefore) : "-";
    text += fmt::format("{:9.3f}  {:7}  {:>7}  {}\n", record.seconds * 1e3, record.opsAfter, change,
                        record.step.pass);
  }
  return text + fmt::format("{:9.3f}  {:>7}  {:>7}  {}\n", total * 1e3, "", "", "in all");
}

} // namespace cameo
