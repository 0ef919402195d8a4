// `cameo debug bisect`: the pass that changes the numbers.
#include "lowering/PassManager.h"
#include "support/File.h"
#include "support/Temporary.h"
#include "tools/Child.h"
#include "tools/Command.h"
#include "tools/Search.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *kBisectExamples = R"(Examples:
  cameo debug bisect model.onnx
      the first pass with which compiled code and the reference interpreter differ
  cameo debug bisect model.onnx --samples 1 --atol 1e-3 --cpu x86-64-v3
      takes the options of 'cameo compare')";

/// `cameo compare` with these arguments and a limit of passes.
class Comparing {
public:
  Comparing(const std::vector<std::string> &arguments, const TemporaryFolder &folder)
      : folder_(folder) {
    for (const std::string &argument : arguments)
      command_ += " " + shellWord(argument);
  }

  /// As the user would type it.
  std::string shown(int64_t limit) const {
    return fmt::format("cameo compare{} --bisect-limit {}", command_, limit);
  }

  /// Whether numbers differ, or the compiler or its code crashes; an error if there is nothing to
  /// compare.
  Result<bool> fails(int64_t limit) const {
    std::error_code failed;
    std::filesystem::path self = std::filesystem::read_symlink("/proc/self/exe", failed);
    std::string output = folder_.path() / "output";
    // Reports of bugs go to the folder, too, and away with it.
    std::string command =
        fmt::format("TMPDIR={} exec {} compare{} --bisect-limit {}",
                    shellWord(folder_.path().string()), shellWord(self.string()), command_, limit);
    ChildEnd end = TRY(runShell(command, output, [this] {
      std::error_code ignored;
      std::filesystem::remove_all(folder_.path(), ignored);
    }));
    if (end.signal == 0 && (end.status == Bad || end.status == NotSupported))
      return errorIn(output, end.status);
    bool differ = end.signal != 0 || end.status != Fine;
    printOut(fmt::format("with {} optional passes: {}\n", limit,
                         !differ                       ? "numbers agree"
                         : end.status == NumbersDiffer ? "numbers differ"
                                                       : "a crash"));
    return differ;
  }

private:
  /// What `compare` said.
  static Error errorIn(const std::string &output, int status) {
    constexpr std::string_view label = "error: ";
    Result<std::vector<std::byte>> bytes = readFile(output);
    if (!bytes)
      return bytes.error();
    std::string_view text(reinterpret_cast<const char *>(bytes->data()), bytes->size());
    size_t begin = text.find(label);
    text.remove_prefix(begin == std::string_view::npos ? 0 : begin + label.size());
    return Error{static_cast<ErrorKind>(status), std::string(text.substr(0, text.find('\n'))), {}};
  }

  const TemporaryFolder &folder_;
  std::string command_;
};

/// Prints what is found. Returns an exit status.
Result<ExitStatus> bisect(const std::vector<std::string> &arguments) {
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create());
  Comparing comparing(arguments, *folder);
  std::vector<PipelineStep> steps = optionalSteps(pipeline(), allPasses());
  int64_t count = static_cast<int64_t>(steps.size());
  auto fails = [&](int64_t limit) { return comparing.fails(limit); };
  if (!TRY(fails(count))) {
    printOut("no pass changes the numbers\n");
    return Fine;
  }
  if (TRY(fails(0))) {
    printOut(fmt::format("no optional pass is the reason: it fails without them, {}\n",
                         comparing.shown(0)));
    return NumbersDiffer;
  }
  int64_t first = TRY(firstFailing(count, fails));
  const PipelineStep &step = steps[static_cast<size_t>(first - 1)];
  printOut(fmt::format("pass {} of {}, {} (phase {}), changes the numbers:\n  {}\n", first, count,
                       step.pass, step.phase, comparing.shown(first)));
  return NumbersDiffer;
}

} // namespace

void addBisectCommand(CLI::App &debug, Action &chosen) {
  CLI::App *command = debug.add_subcommand(
      "bisect", "Find the pass that changes numbers; takes what cameo compare takes");
  command->prefix_command();
  command->footer(kBisectExamples);
  command->callback([command, &chosen] {
    std::vector<std::string> arguments = command->remaining();
    chosen = [arguments]() -> int {
      if (arguments.empty())
        return reportError(badInput("expected a model and options of 'cameo compare'"));
      Result<ExitStatus> status = bisect(arguments);
      return status ? *status : reportError(status.error());
    };
  });
}

} // namespace cameo
