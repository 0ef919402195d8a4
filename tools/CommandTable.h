// The commands and options of the program as tables, for what is made of them: completion and pages
// of the manual. They are read out of CLI11, so that there is one place for each option.
#pragma once

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace cameo {

struct OptionInfo {
  std::vector<std::string>
      names;         // `-o`, `--output`; none for an argument that is known by its place
  std::string value; // `OUT`, as --help calls it; "" for a flag
  std::string help;
  std::string group; // `Options`
};

struct CommandInfo {
  std::vector<std::string> words; // `cameo`, `debug`, `reduce`
  std::string help, footer;
  std::vector<OptionInfo> options, arguments;
  std::vector<std::string> commands; // of this one

  /// The words with something between them: `cameo-debug-reduce`.
  std::string name(const std::string &between = " ") const;
};

/// All commands, each before its own.
std::vector<CommandInfo> commandTable(const CLI::App &app);

/// What a value may be, as far as a shell can tell.
struct Completion {
  enum class Kind { Nothing, File, Folder, Words } kind;
  std::vector<std::string> words;
};

/// Of a value that --help calls so: `auto|off`, `DIR`, `TARGET`, `M.onnx`.
Completion completionOf(const std::string &value, const std::vector<CommandInfo> &commands);

} // namespace cameo
