// Splits a file into cases and runs each in this process; see Filetest.h. A case's text is padded
// with empty lines in front, so that messages have the file's line numbers.
#include "tools/Filetest.h"

#include "ir/Parser.h"
#include "ir/Printer.h"
#include "ir/Target.h"
#include "ir/Verifier.h"
#include "lowering/PassManager.h"
#include "tools/Diff.h"
#include "tools/RunCase.h"

#include <fmt/format.h>
#include <optional>

namespace cameo {
namespace {

constexpr std::string_view kHeader = "// test: ";
constexpr std::string_view kCpu = "// cpu: ";
constexpr std::string_view kPairs = "// precision: bf16";
constexpr std::string_view kSeparator = "// -----";
constexpr std::string_view kArrow = "// ==>";
constexpr std::string_view kError = "// error: ";
constexpr std::string_view kRun = "// run:";
constexpr std::string_view kOptimize = "// optimize: ";

struct Case {
  size_t firstLine = 0; // lines before it in the file
  std::string input;
  std::optional<std::string> expected;
};

/// What to do with a file's cases.
struct Action {
  bool runsPasses = false;
  bool verifies = false;
  bool lowers = false; // to loops
  std::vector<PipelineStep> steps;
  PassContext context;
  /// What `// run:` lines are run for; the first is that of `context`.
  std::vector<Target> targets;
};

struct ExpectedError {
  size_t line;
  std::string_view text;
};

std::vector<Case> splitCases(std::string_view text) {
  std::vector<Case> cases(1);
  size_t number = 0;
  for (std::string_view line : splitLines(text)) {
    number++;
    if (line == kSeparator) {
      cases.emplace_back().firstLine = number;
      continue;
    }
    Case &current = cases.back();
    if (line == kArrow && !current.expected) {
      current.expected.emplace();
      continue;
    }
    std::string &part = current.expected ? *current.expected : current.input;
    part += std::string(line) + "\n";
  }
  return cases;
}

std::string joinCases(const std::vector<Case> &cases) {
  std::string text;
  for (size_t i = 0; i < cases.size(); i++) {
    text += i ? std::string(kSeparator) + "\n" : "";
    text += cases[i].input;
    if (cases[i].expected)
      text += std::string(kArrow) + "\n" + *cases[i].expected;
  }
  return text;
}

/// CPUs of x86-64 and aarch64, or triples of others, separated by spaces.
Result<std::vector<Target>> readTargets(std::string_view names) {
  std::vector<Target> targets;
  while (!names.empty()) {
    std::string name(names.substr(0, names.find(' ')));
    names.remove_prefix(std::min(name.size() + 1, names.size()));
    bool isX86 = name.starts_with("x86-64"), isArm = name.starts_with("armv8");
    std::string triple = isX86 ? "x86_64-linux-gnu" : isArm ? "aarch64-linux-gnu" : name;
    targets.push_back(TRY(namedTarget(triple, isX86 || isArm ? name : "")));
  }
  return targets;
}

Result<Action> readAction(const std::string &fileName, std::string_view text) {
  std::vector<std::string_view> lines = splitLines(text);
  if (lines.empty() || !lines[0].starts_with(kHeader))
    return badInput(fileName + ": expected '// test: ' in the first line");
  std::string_view what = lines[0].substr(kHeader.size());
  Action action;
  std::string_view cpus = "x86-64-v3";
  if (lines.size() > 1 && lines[1].starts_with(kCpu))
    cpus = lines[1].substr(kCpu.size());
  action.targets = TRY(readTargets(cpus));
  action.context.target = action.targets.front();
  if (lines.size() > 2 && lines[2] == kPairs)
    action.context.precision = DType::BF16;
  action.verifies = what == "verify" || what == "run";
  if (what == "roundtrip" || action.verifies)
    return action;
  action.runsPasses = true;
  action.lowers = what == "loops";
  if (action.lowers)
    return action;
  size_t equals = what.find('=');
  std::string_view verb = what.substr(0, equals),
                   names = equals == std::string_view::npos ? "" : what.substr(equals + 1);
  if (verb == "pass" || verb == "passes")
    action.steps = TRY(stepsFromText(names, allPasses()));
  // The pipeline up to the last step of the phase.
  for (size_t i = 0; verb == "phase" && i < pipeline().size(); i++)
    if (pipeline()[i].phase == names)
      action.steps.assign(pipeline().begin(), pipeline().begin() + i + 1);
  if (action.steps.empty())
    return badInput(fmt::format("{}: nothing to do in '{}'", fileName, lines[0]));
  return action;
}

/// What the passes of a case may ask about.
Result<PassContext> contextOf(const Action &action, std::string_view text) {
  PassContext context = action.context;
  for (std::string_view line : splitLines(text)) {
    if (!line.starts_with(kOptimize))
      continue;
    std::optional<Optimize> optimize = fromWord<Optimize>(line.substr(kOptimize.size()));
    if (!optimize)
      return badInput("'// optimize:': expected " + wordList(EnumWords<Optimize>::words));
    context.optimize = *optimize;
  }
  return context;
}

/// Lowers a module, and leaves the functions of its kernels.
Result<void> leaveLoops(Module &module, PassContext &context) {
  module = TRY(lowerToLoops(module, context)).module;
  std::erase_if(module.funcs, [](const std::unique_ptr<Func> &func) {
    std::string kind = func->attrs.getString("kind");
    return kind != "kernel" && kind != "micro";
  });
  return {};
}

/// The printed module that comes out.
Result<std::string> perform(const Action &action, const std::string &text,
                            const std::string &fileName) {
  Module module = TRY(parseModule(text, fileName));
  PassContext context = TRY(contextOf(action, text));
  if (action.verifies)
    TRY(verify(module));
  if (action.runsPasses)
    TRY(runPasses(module, context, action.steps, allPasses()));
  if (action.lowers)
    TRY(leaveLoops(module, context));
  std::string printed = print(module);
  Module again = TRY(parseModule(printed, "the printed module"));
  if (std::string twice = print(again); twice != printed)
    return badInput("the printed module reads back differently:\n" + unifiedDiff(printed, twice));
  return printed;
}

/// Runs the case as one of its `// run:` lines says.
Result<void> runOn(const Target &target, const Action &action, const std::string &text,
                   const std::string &fileName, std::string_view lineText) {
  RunLine line = TRY(parseRunLine(lineText));
  Module reference = TRY(parseModule(text, fileName)), module = TRY(parseModule(text, fileName));
  fillConstants(reference);
  fillConstants(module);
  PassContext context = TRY(contextOf(action, text));
  context.target = target;
  TRY(runPasses(module, context, action.steps, allPasses()));
  return runDown(module, context, reference, line);
}

/// What is wrong with the runs of a case; "" if nothing.
std::string runLines(const Action &action, const Case &test, const std::string &fileName) {
  std::string wrong;
  size_t number = test.firstLine;
  for (std::string_view line : splitLines(test.input)) {
    number++;
    if (!line.starts_with(kRun))
      continue;
    for (const Target &target : action.targets)
      if (Result<void> ran = runOn(target, action, test.input, fileName, line.substr(kRun.size()));
          !ran)
        wrong += fmt::format("line {}, on {}: {}\n", number, target.cpu, ran.error().message);
  }
  return wrong;
}

std::vector<ExpectedError> expectedErrors(const Case &test) {
  std::vector<ExpectedError> errors;
  size_t number = test.firstLine;
  for (std::string_view line : splitLines(test.input)) {
    number++;
    if (line.starts_with(kRun))
      continue;
    if (size_t at = line.find(kError); at != std::string_view::npos)
      errors.push_back({number, line.substr(at + kError.size())});
  }
  return errors;
}

/// Why a message is not what was expected; "" if it is. A message with a place must have it in the
/// line of the expectation, unless that stands in a line of its own.
std::string compareError(const Case &test, const ExpectedError &expected,
                         const std::string &message, const std::string &fileName) {
  if (message.find(expected.text) == std::string::npos)
    return fmt::format("expected the error '{}', got: {}", expected.text, message);
  std::string_view line = splitLines(test.input)[expected.line - test.firstLine - 1];
  bool ownLine = line.starts_with(kError);
  std::string place = fmt::format("{}:{}:", fileName, expected.line);
  if (message.starts_with(fileName + ":") && !ownLine && !message.starts_with(place))
    return fmt::format("expected the error in line {}, got: {}", expected.line, message);
  return "";
}

/// The message without its place, which is not stable.
std::string_view withoutPlace(std::string_view message, std::string_view fileName) {
  if (!message.starts_with(fileName))
    return message;
  message.remove_prefix(fileName.size());
  return message.substr(message.find(' ') + 1);
}

/// Performs a case; says what is wrong ("" if nothing) and makes `test` say what is.
std::string runCase(Action &action, Case &test, const std::string &fileName) {
  std::vector<ExpectedError> errors = expectedErrors(test);
  Result<std::string> printed =
      perform(action, std::string(test.firstLine, '\n') + test.input, fileName);
  if (!printed) {
    const std::string &message = printed.error().message;
    std::string wrong = errors.empty() ? "unexpected error: " + message
                                       : compareError(test, errors.front(), message, fileName);
    if (errors.empty())
      test.input += fmt::format("{}{}\n", kError, withoutPlace(message, fileName));
    return wrong;
  }
  if (!errors.empty())
    return fmt::format("expected the error '{}', got none", errors.front().text);
  // Without expectation, verify asks for no more than success, and roundtrip for the input itself.
  bool fromInput = !test.expected && !action.runsPasses;
  if (fromInput && action.verifies)
    return "";
  std::string expected = test.expected.value_or("");
  if (fromInput)
    for (std::string_view line : splitLines(test.input))
      expected += line.starts_with("//") ? "" : std::string(line) + "\n";
  std::string diff = unifiedDiff(expected, *printed);
  if (!diff.empty() || !fromInput)
    test.expected = *printed;
  return diff;
}

} // namespace

Result<FiletestResult> runFiletest(const std::string &fileName, std::string_view text) {
  Action action = TRY(readAction(fileName, text));
  std::vector<Case> cases = splitCases(text);
  FiletestResult result;
  for (Case &test : cases) {
    result.cases++;
    std::string wrong = runCase(action, test, fileName);
    if (wrong.empty())
      wrong = runLines(action, test, fileName);
    if (wrong.empty())
      continue;
    result.failed++;
    result.report += fmt::format("{}:{}: case {}:\n{}{}", fileName, test.firstLine + 1,
                                 result.cases, wrong, wrong.ends_with('\n') ? "" : "\n");
  }
  result.blessed = joinCases(cases);
  return result;
}

} // namespace cameo
