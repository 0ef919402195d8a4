// See PythonPart.h.
#include "tools/PythonPart.h"

#include "support/File.h"
#include "support/Temporary.h"
#include "tools/Child.h"
#include "tools/Command.h"

#include <CLI/CLI.hpp>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sstream>
#include <unistd.h>

namespace cameo {

namespace {

namespace fs = std::filesystem;

/// What a part needs to start.
struct PythonPart {
  std::string interpreter, program;
  std::vector<std::string> command; // with the interpreter in front
};

/// Where the package's folder may be, seen from the program's: in a wheel the program is in the
/// package's folder bin/, an installed program has it under lib/, and one that is built in a folder
/// of the source tree has it in the tree.
constexpr std::array<const char *, 3> packagePlaces = {"../../cameoc", "../lib/cameo/python/cameoc",
                                                       "../../python/cameoc"};

Result<PythonPart> findPart(const std::string &name, const std::vector<std::string> &arguments) {
  std::error_code failed;
  PythonPart part;
  part.program = fs::read_symlink("/proc/self/exe", failed).string();
  const char *given = std::getenv("CAMEO_PYTHON");
  part.interpreter = given && *given ? given : "python3";
  fs::path folder = fs::path(part.program).parent_path();
  for (const char *place : packagePlaces) {
    fs::path launcher = (folder / place / "tools" / "launch.py").lexically_normal();
    if (!fs::is_regular_file(launcher, failed))
      continue;
    part.command = {part.interpreter, launcher.string(), name};
    part.command.insert(part.command.end(), arguments.begin(), arguments.end());
    return part;
  }
  Error error = badInput(fmt::format("the Python package cameoc, of which 'cameo {}' is a part, is "
                                     "not beside the program {}",
                                     name, part.program));
  error.notes.push_back("'pip install cameoc' installs both");
  return error;
}

/// Returns the number of the error that kept the process from becoming the part.
int become(const PythonPart &part) {
  ::setenv("CAMEO", part.program.c_str(), 1);
  // The program ignores these; others expect what is usual.
  std::signal(SIGPIPE, SIG_DFL);
  std::signal(SIGXFSZ, SIG_DFL);
  std::vector<char *> words;
  for (const std::string &word : part.command)
    words.push_back(const_cast<char *>(word.c_str()));
  words.push_back(nullptr);
  ::execvp(words[0], words.data());
  return errno;
}

Error cannotStart(const PythonPart &part, const std::string &name, int number) {
  Error error = badInput(fmt::format("'cameo {}' runs in Python, and '{}' cannot be started: {}",
                                     name, part.interpreter, std::strerror(number)));
  error.notes.push_back("$CAMEO_PYTHON names the interpreter; without it, it is python3");
  return error;
}

/// The rest of a child whose output goes to these files. Returns its exit status if it cannot
/// become the part.
int becomeWriting(const PythonPart &part, const std::string &name, const std::string &out,
                  const std::string &errors) {
  auto create = [](const std::string &path) {
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  };
  int outFile = create(out), errorFile = create(errors);
  if (outFile < 0 || errorFile < 0 || ::dup2(outFile, STDOUT_FILENO) < 0 ||
      ::dup2(errorFile, STDERR_FILENO) < 0)
    return reportError(cannotStart(part, name, errno));
  return reportError(cannotStart(part, name, become(part)));
}

Result<std::string> readText(const std::string &path) {
  std::vector<std::byte> bytes = TRY(readFile(path));
  return std::string(reinterpret_cast<const char *>(bytes.data()), bytes.size());
}

/// What a part that ended with `status` wrote to stderr, as an error: from its last line that says
/// `error: ` on.
Error failureOf(const std::string &name, const std::string &errors, int status) {
  Error error = badInput(fmt::format("the Python part '{}' ended with status {}", name, status));
  if (status == NotSupported)
    error.kind = ErrorKind::Unsupported;
  constexpr std::string_view errorLabel = "error: ", noteLabel = "note: ";
  std::istringstream lines(errors);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(errorLabel)) {
      error.message = line.substr(errorLabel.size());
      error.notes.clear();
    } else if (line.starts_with(noteLabel)) {
      error.notes.push_back(line.substr(noteLabel.size()));
    }
  }
  return error;
}

struct PythonCommand {
  const char *name, *description;
};
constexpr std::array<PythonCommand, 3> commands = {{
    {"export", "Export PyTorch checkpoints to ONNX and check the result"},
    {"quantize", "Make an 8-bit, 4-bit or half-precision model of a float one"},
    {"simplify", "Make a smaller model that computes the same"},
}};

} // namespace

Error becomePythonPart(const std::string &name, const std::vector<std::string> &arguments) {
  Result<PythonPart> part = findPart(name, arguments);
  return part ? cannotStart(*part, name, become(*part)) : part.error();
}

Result<std::string> outputOfPythonPart(const std::string &name,
                                       const std::vector<std::string> &arguments) {
  PythonPart part = TRY(findPart(name, arguments));
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create());
  std::string out = folder->path() / "out", errors = folder->path() / "errors";
  ChildEnd end = TRY(
      runInChild([&] { return becomeWriting(part, name, out, errors); }, [&] { folder.reset(); }));
  if (end.signal)
    return badInput(
        fmt::format("the Python part '{}' ended by signal {}", name, ::strsignal(end.signal)));
  if (end.status != Fine)
    return failureOf(name, TRY(readText(errors)), end.status);
  return readText(out);
}

void addPythonCommands(CLI::App &app, Action &chosen) {
  for (const PythonCommand &entry : commands) {
    CLI::App *command = app.add_subcommand(entry.name, entry.description);
    // The part reads its own options, --help among them.
    command->set_help_flag();
    command->prefix_command();
    command->callback([command, name = entry.name, &chosen] {
      chosen = [command, name] {
        return reportError(becomePythonPart(name, command->remaining()));
      };
    });
  }
}

} // namespace cameo
