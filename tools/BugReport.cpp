// See BugReport.h.
#include "tools/BugReport.h"

#include "ir/Printer.h"
#include "support/File.h"
#include "tools/Child.h"
#include "tools/Command.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <new>
#include <unistd.h>

namespace cameo {

namespace fs = std::filesystem;

namespace {

constexpr const char *kIr = "before.cir", *kMessage = "message.txt", *kCommand = "repeat.sh";

int runCatching(const CompilerWork &work, const PassObserver &observer) {
  try {
    return work.run(observer);
  } catch (const std::bad_alloc &) {
    return reportError(notEnoughMemory());
  }
}

/// Systems that run out of memory or of the time allowed kill.
bool isLimit(int signal) { return signal == SIGKILL || signal == SIGXCPU; }

/// A death by signal is our bug, unless a limit was met.
int statusOf(const ChildEnd &end) {
  if (end.signal == 0)
    return end.status;
  return isLimit(end.signal) ? Bad : OurBug;
}

/// Says what a child could not say itself.
void reportSignal(const std::string &model, int signal) {
  if (isLimit(signal))
    printError(fmt::format(
        "{}: compiling was ended by the system ({}), which may be short of memory or time", model,
        ::strsignal(signal)));
  else
    printError(fmt::format("{}: internal error: compiling was ended by signal {} ({})", model,
                           signal, ::strsignal(signal)));
}

/// The command that repeats a step on the IR before it.
std::string stepCommand(const CompilerWork &work, std::string_view pass) {
  std::string what = pass.empty() ? fmt::format("compile {} --zero-weights", kIr)
                                  : fmt::format("opt {} --passes {}", kIr, pass);
  return fmt::format("cameo {} {}", what, work.targetFlags);
}

std::string commandText(const fs::path &folder, const std::string &step) {
  std::error_code ignored;
  std::string text = fmt::format("#!/bin/sh\n# The command that failed:\ncd {} && {}\n",
                                 shellWord(fs::current_path(ignored).string()), ownCommandLine());
  if (!step.empty())
    text += fmt::format("# The step that failed, alone. Large constants are zeros in {}:\n"
                        "# cd {} && {}\n",
                        kIr, shellWord(folder.string()), step);
  return text;
}

/// The work once more, in a child that leaves in the folder what it is about to do.
int repeat(const CompilerWork &work, const fs::path &folder) {
  int message = ::open((folder / kMessage).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
  int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (message < 0 || ::dup2(message, STDERR_FILENO) < 0 || ::dup2(nowhere, STDOUT_FILENO) < 0)
    return Bad;
  return runCatching(work, [&](const Module &module, std::string_view pass) {
    std::string step = pass.empty() ? "code generation" : fmt::format("pass '{}'", pass);
    // A report that cannot be written must not hide the bug.
    (void)writeFile(folder / kIr, fmt::format("// before {}\n{}", step, print(module)));
    (void)writeFile(folder / kCommand, commandText(folder, stepCommand(work, pass)));
  });
}

Result<fs::path> makeFolder() {
  std::error_code failed;
  std::string path = fs::temp_directory_path(failed) / "cameo-bug-XXXXXX";
  if (failed || !::mkdtemp(path.data()))
    return badInput(fmt::format("cannot create '{}': {}", path,
                                failed ? failed.message() : std::strerror(errno)));
  return fs::path(path);
}

void writeReport(const CompilerWork &work) {
  Result<fs::path> folder = makeFolder();
  if (!folder)
    return reportNote("there is no report: " + folder.error().message);
  std::error_code ignored;
  auto remove = [&] { fs::remove_all(*folder, ignored); };
  (void)writeFile(*folder / kCommand, commandText(*folder, ""));
  Result<ChildEnd> end = runInChild([&] { return repeat(work, *folder); }, remove);
  if (!end || statusOf(*end) != OurBug) {
    remove();
    return reportNote("there is no report: it did not happen a second time");
  }
  const char *ir = fs::exists(*folder / kIr, ignored) ? "the IR before the step that failed, " : "";
  reportNote(fmt::format("'{}' has {}the message and the command: please report them",
                         folder->string(), ir));
}

} // namespace

int runCompiler(const CompilerWork &work) {
  Result<ChildEnd> end = runInChild([&] { return runCatching(work, {}); });
  if (!end)
    return reportError(end.error());
  if (end->signal != 0)
    reportSignal(work.model, end->signal);
  int status = statusOf(*end);
  if (status == OurBug)
    writeReport(work);
  return status;
}

} // namespace cameo
