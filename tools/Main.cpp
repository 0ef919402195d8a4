// The `cameo` program: finds the subcommand, and turns what it returns into the exit status.
#include "support/Interruption.h"
#include "tools/Command.h"
#include "tools/Usage.h"

#include "runtime/include/cameo.h"

#include <CLI/CLI.hpp>
#include <algorithm>
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
  cameo help COMMAND                    options and examples of a command)";

constexpr const char *statuses = R"(Exit status: 0 fine; 1 numbers differ; 2 bad usage or bad input;
3 the model needs something Cameo does not support; 4 a bug in Cameo.)";

/// `--help` and `--version` are errors to CLI11, which prints what they ask for.
int printHelp(const CLI::App &app, const CLI::ParseError &request) {
  std::ostringstream text, errors;
  int status = app.exit(request, text, errors);
  printOut(text.str());
  return finish(status);
}

/// For the lists of commands: `help COMMAND` is read as `COMMAND --help`.
void addHelpCommand(CLI::App &app) {
  CLI::App *help = app.add_subcommand("help", "Show the options and examples of a command");
  help->add_option("command", "The command")->type_name("COMMAND...");
  help->footer("Examples:\n  cameo help compile\n  cameo help debug reduce");
}

int main(int argc, char **argv) {
  holdStandardStreams();
  installCrashHandlers();
  installInterruptionHandlers();
  // A reader that went away, and a limit on the size of files, show as a failed write, not as a
  // death by signal.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  CLI::App app(overview, "cameo");
  app.footer(statuses);
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", fmt::format("cameo {} (library ABI version {})",
                                                   CAMEO_VERSION, CAMEO_ABI_VERSION));
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
  addCompletionCommand(app, chosen);
  addManCommand(app, chosen);
  addHelpCommand(app);
  completeCommands(app);
  std::vector<std::string> arguments = readArguments(argc, argv);
  if (Result<void> known = checkCommand(app, arguments); !known)
    return reportError(known.error());
  try {
    std::reverse(arguments.begin(), arguments.end()); // as CLI11 takes them
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError &problem) {
    if (problem.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success))
      return printHelp(app, problem);
    return reportError(usageError(app, problem));
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
