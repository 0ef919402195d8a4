// See Command.h.
#include "tools/Command.h"

#include "support/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

namespace cameo {
namespace {

/// Why writing to stdout failed first.
int outputError = 0;

/// A line to stderr.
void report(std::string_view label, std::string_view message) {
  std::string text = fmt::format("{}: {}\n", label, oneLine(message));
  std::fwrite(text.data(), 1, text.size(), stderr);
}

} // namespace

void printError(std::string_view message, const std::vector<std::string> &notes) {
  report("error", message);
  for (const std::string &note : notes)
    report("note", note);
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

void reportNote(std::string_view message) { report("note", message); }

void printOut(std::string_view shown) {
  std::string clean = lines(shown);
  std::string_view text = clean;
  while (!text.empty() && outputError == 0) {
    ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written >= 0)
      text.remove_prefix(static_cast<size_t>(written));
    else if (errno != EINTR)
      outputError = errno;
  }
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
