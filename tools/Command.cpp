// See Command.h.
#include "tools/Command.h"

#include <cstdio>
#include <fmt/format.h>

namespace cameo {

void printError(std::string_view message, const std::vector<std::string> &notes) {
  std::fflush(stdout);
  std::string text = fmt::format("error: {}\n", message);
  for (const std::string &note : notes)
    text += fmt::format("note: {}\n", note);
  std::fwrite(text.data(), 1, text.size(), stderr);
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

void reportWarning(std::string_view message) {
  std::fflush(stdout);
  std::string text = fmt::format("warning: {}\n", message);
  std::fwrite(text.data(), 1, text.size(), stderr);
}

void printOut(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

} // namespace cameo
