// `cameo inspect`: what a compiled library says of itself.
#include "tools/Command.h"
#include "tools/LibraryReport.h"
#include "tools/Options.h"

namespace cameo {

namespace {

constexpr const char *kInspectExamples = R"(Examples:
  cameo inspect model.so
      inputs, outputs and names of sizes, memory, the compiler and its options, the model's metadata
  cameo inspect heads.so:tomato
      the same of a model of a bundle; without the name, what models there are
  cameo inspect model.wasm --json
      a library for another machine, as JSON)";

struct InspectOptions {
  std::string library;
  int32_t threads = 1;
  bool json = false;
};

Result<void> inspect(const InspectOptions &options) {
  printOut(TRY(libraryReport(options.library, options.threads, options.json)));
  return {};
}

} // namespace

void addInspectCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<InspectOptions>();
  CLI::App *command = app.add_subcommand("inspect", "Show what a compiled library says of itself");
  command->add_option("library", options->library, "The library")->required()->type_name("M.so");
  command->add_option("--threads", options->threads, "Threads that the workspace is for")
      ->type_name("N")
      ->capture_default_str()
      ->check(number(1, kMostThreads));
  command->add_flag("--json", options->json, "Report as JSON");
  command->footer(kInspectExamples);
  command->callback(
      [options, &chosen] { chosen = [options] { return exitStatus(inspect(*options)); }; });
}

} // namespace cameo
