// The `cameo` program: finds the subcommand, and turns what it returns into the exit status.
#include "tools/Command.h"

#include "runtime/include/cameo.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <fmt/format.h>
#include <new>
#include <sstream>

namespace cameo {

namespace {

constexpr const char *overview = R"(Cameo compiles ONNX models to native libraries.

Start here:
  cameo compile model.onnx              makes model.so and model.h
  cameo compare model.onnx              checks compiled code against the reference interpreter
  cameo bench model.onnx --threads 1,2  measures its latency
  cameo COMMAND --help                  options and examples of a command)";

constexpr const char *statuses = R"(Exit status: 0 fine; 1 numbers differ; 2 bad usage or bad input;
3 the model needs something Cameo does not support; 4 a bug in Cameo.)";

/// CLI11's layout with less noise: `--threads N  (default 1)` instead of `N:INT in [1 - 1024]=1`.
class HelpFormatter : public CLI::Formatter {
public:
  HelpFormatter() { column_width(28); }
  std::string make_option_opts(const CLI::Option *option) const override {
    std::string type = option->get_type_name();
    type.resize(std::min(type.find(':'), type.size())); // the rest describes its checks
    return option->get_type_size() > 0 && !type.empty() ? " " + type : "";
  }
  std::string make_option_desc(const CLI::Option *option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty())
      text += fmt::format(" (default {})", option->get_default_str());
    return text;
  }
};

/// `--help` and `--version` are errors to CLI11, which prints what they ask for.
int printHelp(const CLI::App &app, const CLI::ParseError &request) {
  std::ostringstream text, errors;
  int status = app.exit(request, text, errors);
  printOut(text.str());
  return finish(status);
}

int main(int argc, char **argv) {
  holdStandardStreams();
  installCrashHandlers();
  // A reader that went away, and a limit on the size of files, show as a failed write, not as a
  // death by signal.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app(overview, "cameo");
  app.formatter(std::make_shared<HelpFormatter>());
  app.footer(statuses);
  app.require_subcommand(1);
  app.set_version_flag("--version", fmt::format("cameo {} (library ABI version {})", CAMEO_VERSION,
                                                CAMEO_ABI_VERSION));
  Action chosen;
  addCompileCommand(app, chosen);
  addBundleCommand(app, chosen);
  addRunCommand(app, chosen);
  addCompareCommand(app, chosen);
  addBenchCommand(app, chosen);
  addExplainCommand(app, chosen);
  addInspectCommand(app, chosen);
  addVerifyCommand(app, chosen);
  addPythonCommands(app, chosen);
  addTargetsCommand(app, chosen);
  addOptCommand(app, chosen);
  addDebugCommand(app, chosen);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &problem) {
    if (problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return printHelp(app, problem);
    Error error = badInput(problem.what());
    error.notes.push_back("run 'cameo --help' or 'cameo COMMAND --help' for what is possible");
    return reportError(error);
  }
  try {
    return finish(chosen());
  } catch (const std::bad_alloc &) {
    return reportError(notEnoughMemory());
  }
}

} // namespace

} // namespace cameo

int main(int argc, char **argv) { return cameo::main(argc, argv); }
