// See Command.h.
#include "tools/Command.h"

#include "support/File.h"
#include "support/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <unistd.h>

namespace cameo {
namespace {

/// Why writing to stdout failed first.
int outputError = 0;

/// Whether a line of progress stands on the terminal.
bool isProgressShown = false;

/// The program knows no more than what all terminals do that are not called dumb.
bool isTerminal(int fd) {
  const char *kind = std::getenv("TERM");
  return ::isatty(fd) == 1 && kind && std::string_view(kind) != "dumb";
}

bool hasColor() {
  const std::string &wanted = messageStyle().color;
  const char *none = std::getenv("NO_COLOR"); // https://no-color.org
  return wanted == "always" || (wanted == "auto" && !(none && *none) && isTerminal(STDERR_FILENO));
}

void writeErr(std::string_view text) {
  if (isProgressShown)
    std::fputs("\r\x1b[K", stderr);
  isProgressShown = false;
  std::fwrite(text.data(), 1, text.size(), stderr);
}

/// A line to stderr. `color` is a number of a terminal's colours.
void report(std::string_view label, int color, std::string_view message) {
  std::string text =
      hasColor() ? fmt::format("\x1b[1;{}m{}:\x1b[0m ", color, label) : fmt::format("{}: ", label);
  writeErr(text + oneLine(message) + "\n");
}

constexpr int kRed = 31, kCyan = 36;

} // namespace

MessageStyle &messageStyle() {
  static MessageStyle style;
  return style;
}

void printError(std::string_view message, const std::vector<std::string> &notes) {
  report("error", kRed, message);
  for (const std::string &note : notes)
    report("note", kCyan, note);
}

int reportError(const Error &error) {
  printError(error.message, error.notes);
  return static_cast<int>(error.kind);
}

Error inFile(const std::string &file, Error error) {
  if (error.message.find(file) == std::string::npos)
    error.message = file + ": " + error.message;
  return error;
}

void reportNote(std::string_view message) {
  if (!messageStyle().quiet)
    report("note", kCyan, message);
}

void tell(std::string_view text) {
  if (!messageStyle().quiet)
    writeErr(lines(text));
}

void tellMore(std::string_view text) {
  if (messageStyle().verbose)
    tell(text);
}

void showProgress(std::string_view line) {
  if (messageStyle().quiet || !isTerminal(STDERR_FILENO))
    return;
  writeErr("");
  // A line that is broken could not be removed.
  std::string text = oneLine(line).substr(0, 79);
  std::fputs(text.c_str(), stderr);
  isProgressShown = !text.empty();
}

void printOut(std::string_view text) { printBytes(lines(text)); }

void printBytes(std::string_view bytes) {
  if (isProgressShown)
    writeErr("");
  while (!bytes.empty() && outputError == 0) {
    ssize_t written = ::write(STDOUT_FILENO, bytes.data(), bytes.size());
    if (written >= 0)
      bytes.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      outputError = errno;
  }
}

Result<void> checkOutput(const std::string &path) {
  if (path == "-")
    return {};
  TRY(checkReplaceable(path));
  std::filesystem::path folder = std::filesystem::path(path).parent_path();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK | X_OK) != 0)
    return badInput(fmt::format("cannot write '{}': {}", path, std::strerror(errno)));
  return {};
}

Result<void> writeOutput(const std::string &path, std::string_view bytes) {
  if (path != "-")
    return writeFile(path, bytes);
  printBytes(bytes);
  return {};
}

int finish(int status) {
  if (outputError == 0 || outputError == EPIPE)
    return status;
  Error error =
      badInput(fmt::format("cannot write to standard output: {}", std::strerror(outputError)));
  return std::max(status, reportError(error));
}

Error notEnoughMemory() { return badInput("there is not enough memory"); }

void holdStandardStreams() {
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0)
      ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY); // gets the lowest number: fd
}

} // namespace cameo
