// See CommandTable.h.
#include "tools/CommandTable.h"

#include "codegen/Processors.h"
#include "ir/TargetList.h"
#include "lowering/PassManager.h"
#include "tools/Compiler.h"
#include "tools/Usage.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {
namespace {

OptionInfo infoOf(const CLI::Option &option) {
  OptionInfo info;
  for (const std::string &name : option.get_snames())
    info.names.push_back("-" + name);
  for (const std::string &name : option.get_lnames())
    info.names.push_back("--" + name);
  info.value = option.get_items_expected_max() > 0 ? option.get_type_name() : "";
  info.help = option.get_description();
  if (!option.get_default_str().empty())
    info.help += fmt::format(" (default {})", option.get_default_str());
  info.group = option.get_group();
  return info;
}

void addCommands(const CLI::App &app, const std::vector<std::string> &parents,
                 std::vector<CommandInfo> &table) {
  CommandInfo info = {parents, app.get_description(), app.get_footer(), {}, {}, {}};
  info.words.push_back(app.get_name());
  for (const CLI::Option *option : app.get_options())
    (option->get_positional() ? info.arguments : info.options).push_back(infoOf(*option));
  std::vector<const CLI::App *> commands = commandsOf(app);
  for (const CLI::App *command : commands)
    info.commands.push_back(command->get_name());
  table.push_back(info);
  for (const CLI::App *command : commands)
    addCommands(*command, info.words, table);
}

std::vector<std::string> split(const std::string &text, char separator) {
  return CLI::detail::split(text, separator);
}

/// `auto|off`, and not `M.so|M.onnx` or `PASS|PHASE`.
bool isChoice(const std::string &value) {
  return value.find('|') != std::string::npos &&
         std::all_of(value.begin(), value.end(), [](char c) {
           return c == '|' || std::islower(static_cast<unsigned char>(c)) ||
                  std::isdigit(static_cast<unsigned char>(c));
         });
}

std::vector<std::string> targetWords() {
  std::vector<std::string> words = {"host"};
  for (const TargetEntry &entry : targetList())
    words.push_back(entry.triple);
  for (const Board &board : boards())
    words.emplace_back(board.name);
  return words;
}

std::vector<std::string> cpuWords() {
  std::vector<std::string> words = {"native"};
  for (const TargetEntry &entry : targetList()) {
    words.insert(words.end(), entry.cpus.begin(), entry.cpus.end());
    for (const Processor &processor : processorsOf(entry.arch))
      words.push_back(processor.name);
  }
  return words;
}

std::vector<std::string> passWords() {
  std::vector<std::string> words;
  for (const PassInfo &pass : allPasses())
    words.emplace_back(pass.name);
  return words;
}

} // namespace

std::string CommandInfo::name(const std::string &between) const {
  return fmt::format("{}", fmt::join(words, between));
}

std::vector<CommandInfo> commandTable(const CLI::App &app) {
  std::vector<CommandInfo> table;
  addCommands(app, {}, table);
  return table;
}

Completion completionOf(const std::string &value, const std::vector<CommandInfo> &commands) {
  using Kind = Completion::Kind;
  if (isChoice(value))
    return {Kind::Words, split(value, '|')};
  if (value == "TARGET")
    return {Kind::Words, targetWords()};
  if (value == "CPU")
    return {Kind::Words, cpuWords()};
  if (value == "KINDS")
    return {Kind::Words, emitKindNames()};
  if (value.starts_with("PASS"))
    return {Kind::Words, passWords()};
  if (value == "COMMAND...")
    return {Kind::Words, commands.front().commands};
  if (value == "DIR")
    return {Kind::Folder, {}};
  // Files are called by an extension, or FILE and OUT.
  bool isFile = value.find('.') != std::string::npos || value == "FILE" || value == "OUT";
  return {isFile && value != "N,..." ? Kind::File : Kind::Nothing, {}};
}

} // namespace cameo
