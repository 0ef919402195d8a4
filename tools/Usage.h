// What the command line says of itself: help, and errors in how it is used. Beside CLI11, which
// parses it, and from CLI11's own tables of commands and options.
#pragma once

#include "ir/Result.h"

#include <CLI/CLI.hpp>

namespace cameo {

/// The arguments of the program, with `help COMMAND` as `COMMAND --help`.
std::vector<std::string> readArguments(int argc, char **argv);

/// Gives all commands, which the program then has, the options that every one takes, and the layout
/// of --help.
void completeCommands(CLI::App &app);

/// A command that the first arguments name and that there is not.
Result<void> checkCommand(const CLI::App &app, const std::vector<std::string> &arguments);

/// What CLI11 found wrong, in the program's words.
Error usageError(const CLI::App &app, const CLI::ParseError &problem);

/// The command and its parents as they are typed: `cameo debug reduce`.
std::string fullName(const CLI::App &command);

/// The commands that are shown, in the order in which they were added.
std::vector<const CLI::App *> commandsOf(const CLI::App &app);

} // namespace cameo
