// `cameo debug reduce`: the fewest parts of a model for which a command still fails. Each try is a
// model in a temporary folder and a run of the command.
#include "bench/Report.h"
#include "frontend/ModelParts.h"
#include "support/File.h"
#include "support/Temporary.h"
#include "tools/Child.h"
#include "tools/Command.h"
#include "tools/Options.h"
#include "tools/Search.h"

#include <algorithm>
#include <fmt/format.h>
#include <numeric>

namespace cameo {

namespace fs = std::filesystem;

namespace {

constexpr const char *kReduceExamples = R"(Examples:
  cameo debug reduce model.onnx --fails 'cameo compile {}' --status 4
      the fewest nodes with which compiling ends with an internal error
  cameo debug reduce model.onnx --fails 'cameo compare {}' --status 1 -o small.onnx
      ... with which numbers differ
  cameo debug reduce model.onnx --fails 'timeout 60 cameo compile {}' --message "'Foo'"
      ... with which the output has a text

Without --status or --message, any exit status but 0 is the failure, also that of a model that
became wrong on the way.)";

struct ReduceOptions {
  std::string model, command, message, output;
  std::optional<int> status;
  int64_t tries = 2000;
};

class Reducer {
public:
  Reducer(const ReduceOptions &options, const ModelParts &parts, const TemporaryFolder &folder)
      : options_(options), parts_(parts), folder_(folder) {}

  /// The smallest cut that was found.
  Result<ModelCut> run();
  int64_t tries() const { return tries_; }
  bool isExhausted() const { return tries_ == options_.tries; }

private:
  Result<bool> fails(const ModelCut &cut);
  Result<bool> isFailure(const ChildEnd &end, const std::string &output) const;
  Result<void> dropNodes(ModelCut &cut);
  Result<void> dropOutputs(ModelCut &cut);
  Result<void> dropWeights(ModelCut &cut);
  Result<void> shrinkSizes(ModelCut &cut);

  const ReduceOptions &options_;
  const ModelParts &parts_;
  const TemporaryFolder &folder_;
  int64_t tries_ = 0;
};

std::vector<int64_t> upTo(size_t count) {
  std::vector<int64_t> numbers(count);
  std::iota(numbers.begin(), numbers.end(), 0);
  return numbers;
}

template <class T>
std::vector<T> chosenOf(const std::vector<T> &all, const std::vector<int64_t> &numbers) {
  std::vector<T> chosen;
  for (int64_t number : numbers)
    chosen.push_back(all[static_cast<size_t>(number)]);
  return chosen;
}

Result<bool> Reducer::isFailure(const ChildEnd &end, const std::string &output) const {
  // As the shell has it.
  int status = end.signal != 0 ? 128 + end.signal : end.status;
  if (options_.status ? status != *options_.status : status == 0 && options_.message.empty())
    return false;
  if (options_.message.empty())
    return true;
  std::vector<std::byte> bytes = TRY(readFile(output));
  std::string_view text(reinterpret_cast<const char *>(bytes.data()), bytes.size());
  return text.find(options_.message) != std::string_view::npos;
}

/// Beyond the tries allowed nothing fails any more, which ends all searches.
Result<bool> Reducer::fails(const ModelCut &cut) {
  std::optional<std::string> bytes = TRY(parts_.write(cut));
  if (!bytes || cut.nodes.empty() || cut.outputs.empty() || isExhausted())
    return false;
  tries_++;
  // Messages may hold the name.
  std::string model = folder_.path() / fs::path(options_.model).filename();
  std::string output = folder_.path() / "output";
  TRY(writeFile(model, *bytes));
  std::string command = options_.command, word = shellWord(model);
  for (size_t at = 0; (at = command.find("{}", at)) != std::string::npos; at += word.size())
    command.replace(at, 2, word);
  ChildEnd end = TRY(runShell(command, output, [this] {
    std::error_code ignored;
    fs::remove_all(folder_.path(), ignored);
  }));
  return isFailure(end, output);
}

Result<void> Reducer::dropNodes(ModelCut &cut) {
  cut.nodes = TRY(reduceParts(cut.nodes, [&](const std::vector<int64_t> &nodes) {
    return fails({nodes, parts_.outputsOf(nodes), {}, {}});
  }));
  cut.outputs = parts_.outputsOf(cut.nodes);
  return {};
}

Result<void> Reducer::dropOutputs(ModelCut &cut) {
  std::vector<std::string> all = cut.outputs;
  auto with = [&](const std::vector<int64_t> &kept) {
    ModelCut smaller = cut;
    smaller.outputs = chosenOf(all, kept);
    return smaller;
  };
  cut = with(TRY(reduceParts(upTo(all.size()),
                             [&](const std::vector<int64_t> &kept) { return fails(with(kept)); })));
  return {};
}

/// Makes zeros of the initialisers whose elements do not matter.
Result<void> Reducer::dropWeights(ModelCut &cut) {
  std::vector<std::string> all = parts_.initializersOf(cut);
  auto with = [&](const std::vector<int64_t> &kept) {
    ModelCut smaller = cut;
    smaller.zeros = {all.begin(), all.end()};
    for (const std::string &name : chosenOf(all, kept))
      smaller.zeros.erase(name);
    return smaller;
  };
  cut = with(TRY(reduceParts(upTo(all.size()),
                             [&](const std::vector<int64_t> &kept) { return fails(with(kept)); })));
  return {};
}

/// Each size of an input becomes the smallest of a few for which it still fails. Most do not fit
/// the weights.
Result<void> Reducer::shrinkSizes(ModelCut &cut) {
  for (int64_t size : parts_.sizesOf(cut))
    for (int64_t smaller : {int64_t{1}, int64_t{2}, int64_t{3}, size / 4, size / 2}) {
      ModelCut tried = cut;
      tried.sizes[size] = smaller;
      if (smaller < 1 || smaller >= size || !TRY(fails(tried)))
        continue;
      cut = tried;
      break;
    }
  return {};
}

Result<ModelCut> Reducer::run() {
  ModelCut cut;
  cut.nodes = upTo(static_cast<size_t>(parts_.numNodes()));
  cut.outputs = parts_.outputsOf(cut.nodes);
  if (!TRY(fails(cut)))
    return badInput(fmt::format("'{}' does not fail on the model as asked for", options_.command));
  TRY(dropNodes(cut));
  TRY(dropOutputs(cut));
  TRY(dropWeights(cut));
  TRY(shrinkSizes(cut));
  return cut;
}

Result<void> reduce(const ReduceOptions &options) {
  if (options.command.find("{}") == std::string::npos)
    return badInput("--fails: expected a command with {} where the model's file goes");
  std::string output = options.output;
  if (output.empty())
    output = fs::path(options.model).stem().string() + ".reduced.onnx";
  std::error_code ignored;
  if (fs::equivalent(output, options.model, ignored))
    return badInput(fmt::format("the output '{}' would replace the model", output));
  std::unique_ptr<ModelParts> parts = TRY(ModelParts::open(options.model));
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create());
  Reducer reducer(options, *parts, *folder);
  ModelCut cut = TRY(reducer.run());
  std::optional<std::string> bytes = TRY(parts->write(cut));
  ICE_UNLESS(bytes, "a cut that failed cannot be written");
  TRY(writeFile(output, *bytes));
  printOut(fmt::format("{}: {} of {}, after {}{}\n", output, cut.nodes.size(),
                       plural(parts->numNodes(), "node"), plural(reducer.tries(), "try"),
                       reducer.isExhausted() ? ", the most that --tries allows" : ""));
  return {};
}

} // namespace

void addReduceCommand(CLI::App &debug, Action &chosen) {
  auto options = std::make_shared<ReduceOptions>();
  CLI::App *command =
      debug.add_subcommand("reduce", "Find the fewest nodes for which a command fails");
  command->add_option("model", options->model, "The model")->required()->type_name("M.onnx");
  command
      ->add_option("--fails", options->command,
                   "Command for the shell that fails on the model; {} is the model's file")
      ->required()
      ->type_name("COMMAND");
  command
      ->add_option("--status", options->status, "Exit status that is the failure (default: not 0)")
      ->type_name("N")
      ->check(number(0, 255));
  command->add_option("--message", options->message, "Text that the output of a failure has")
      ->type_name("TEXT");
  command->add_option("-o,--output", options->output, "Where to write it (default M.reduced.onnx)")
      ->type_name("OUT.onnx");
  command->add_option("--tries", options->tries, "Most runs of the command")
      ->type_name("N")
      ->capture_default_str()
      ->check(number<int64_t>(1, 1000000));
  command->footer(kReduceExamples);
  command->callback([options, &chosen] {
    chosen = [options] {
      Result<void> done = reduce(*options);
      return done ? Fine : reportError(inFile(options->model, done.error()));
    };
  });
}

} // namespace cameo
