// What all subcommands share: how they enter the program, report errors and end. Exit statuses are
// a contract (docs/cli.md).
#pragma once

#include "ir/Result.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
}

namespace cameo {

enum ExitStatus { Fine = 0, NumbersDiffer = 1, Bad = 2, NotSupported = 3, OurBug = 4 };

/// What the chosen subcommand does; its value is the exit status.
using Action = std::function<int()>;

// Each adds a subcommand with its options; parsing then sets `chosen`.
void addCompileCommand(CLI::App &app, Action &chosen);
void addBundleCommand(CLI::App &app, Action &chosen);
void addRunCommand(CLI::App &app, Action &chosen);
void addCompareCommand(CLI::App &app, Action &chosen);
void addBenchCommand(CLI::App &app, Action &chosen);
void addExplainCommand(CLI::App &app, Action &chosen);
void addOptCommand(CLI::App &app, Action &chosen);
void addInspectCommand(CLI::App &app, Action &chosen);
void addVerifyCommand(CLI::App &app, Action &chosen);
void addTargetsCommand(CLI::App &app, Action &chosen);
void addCompletionCommand(CLI::App &app, Action &chosen);
void addManCommand(CLI::App &app, Action &chosen);
void addDebugCommand(CLI::App &app, Action &chosen);
/// Those that are Python parts (PythonPart.h).
void addPythonCommands(CLI::App &app, Action &chosen);
// Of `cameo debug`.
void addBisectCommand(CLI::App &debug, Action &chosen);
void addReduceCommand(CLI::App &debug, Action &chosen);

/// How the program talks to people, by options that every command has.
struct MessageStyle {
  bool quiet = false;         // errors only
  bool verbose = false;       // also what takes how long
  std::string color = "auto"; // or "always", "never"
};
/// The one of this process.
MessageStyle &messageStyle();

/// `error: ...` and `note: ...` lines to stderr.
void printError(std::string_view message, const std::vector<std::string> &notes = {});
/// Prints the error; returns the exit status.
int reportError(const Error &error);
/// The error with the file named in front, where it does not say already.
Error inFile(const std::string &file, Error error);
/// `note: ...` to stderr, unless quiet.
void reportNote(std::string_view message);
/// Lines on what the program does and made, to stderr, unless quiet: stdout has results alone.
void tell(std::string_view lines);
/// The same when verbose.
void tellMore(std::string_view lines);
/// Shows where long work has got to, in one line of the terminal that the next message replaces;
/// "" removes it. Does nothing when stderr is no terminal, or quiet.
void showProgress(std::string_view line);
/// Ends a subcommand: reports the error if there is one.
template <class T> int exitStatus(const Result<T> &result) {
  return result ? static_cast<int>(Fine) : reportError(result.error());
}
// What is printed may hold names and strings of a model. This is the place where characters that a
// terminal acts on (support/Text.h) become `?`; what must come through as it is, JSON and IR, has
// escapes of its own for them.

/// Writes to stdout at once.
void printOut(std::string_view text);
/// Writes bytes to stdout as they are: the content of a file.
void printBytes(std::string_view bytes);
/// Fails if the file could not be written: to be asked before work that takes long. `-` is stdout.
Result<void> checkOutput(const std::string &path);
/// Writes a file; `-` is stdout.
Result<void> writeOutput(const std::string &path, std::string_view bytes);
/// The exit status of the program when its subcommand ends with `status`: what could not be written
/// to stdout is an error. Output that nobody reads any more (a closed pipe) ends quietly.
int finish(int status);
/// What to say when an allocation fails.
Error notEnoughMemory();

/// Keeps descriptors 0 to 2 from being given to files: where a standard stream is closed, reading
/// and writing it stay errors.
void holdStandardStreams();

/// From here on, a fatal signal or an uncaught exception ends the process with status 4 and a
/// message instead of a core dump's status.
void installCrashHandlers();

} // namespace cameo
