// `cameo man`: pages of the manual, made of the tables of options.
#include "support/File.h"
#include "tools/Command.h"
#include "tools/CommandTable.h"
#include "tools/Options.h"
#include "tools/Usage.h"

#include <filesystem>
#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *kManExamples = R"(Examples:
  cameo man compile | man -l -
      shows the page of a command
  cameo man -o /usr/local/share/man/man1
      writes the pages of all commands, for 'man cameo-compile')";

struct ManOptions {
  std::vector<std::string> words;
  std::string folder;
};

/// Text for roff: nothing in it is an instruction.
std::string roff(const std::string &text) {
  std::string escaped;
  for (char c : text) {
    bool begins = escaped.empty() || escaped.back() == '\n';
    if (begins && (c == '.' || c == '\''))
      escaped += "\\&";
    escaped += c == '\\' ? "\\e" : c == '-' ? "\\-" : std::string(1, c);
  }
  return escaped;
}

std::string synopsis(const CommandInfo &command) {
  std::string text = fmt::format(".B {}\n", roff(command.name()));
  if (!command.commands.empty())
    text += ".I COMMAND\n";
  text += ".RI [ OPTIONS ]\n";
  for (const OptionInfo &argument : command.arguments)
    text += fmt::format(".I {}\n", roff(argument.value));
  return text;
}

std::string entry(const std::string &what, const std::string &value, const std::string &help) {
  return fmt::format(".TP\n.B {}{}\n{}\n", roff(what),
                     value.empty() ? "" : fmt::format(" \\fI{}\\fR", roff(value)), roff(help));
}

/// ManOptions in the groups of --help, in the order in which the groups come.
std::string optionsText(const CommandInfo &command) {
  std::vector<std::string> groups;
  for (const OptionInfo &option : command.options)
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end())
      groups.push_back(option.group);
  std::string text;
  for (const std::string &group : groups) {
    text += group == "ManOptions" ? ".SH OPTIONS\n" : fmt::format(".SS {}\n", roff(group));
    for (const OptionInfo &option : command.options)
      if (option.group == group)
        text += entry(fmt::format("{}", fmt::join(option.names, ", ")), option.value, option.help);
  }
  return text;
}

std::string page(const CommandInfo &command, const std::vector<CommandInfo> &commands) {
  std::string help = command.help, summary = help.substr(0, help.find('\n'));
  std::string text = fmt::format(".TH {} 1 \"\" \"cameo {}\" \"Cameo\"\n.SH NAME\n{} \\- {}\n"
                                 ".SH SYNOPSIS\n{}",
                                 roff(command.name("-")), CAMEO_VERSION, roff(command.name("-")),
                                 roff(summary), synopsis(command));
  if (help != summary)
    text += fmt::format(".SH DESCRIPTION\n.nf\n{}\n.fi\n", roff(help.substr(summary.size() + 1)));
  if (!command.commands.empty())
    text += ".SH COMMANDS\n";
  for (const CommandInfo &other : commands)
    if (other.words.size() == command.words.size() + 1 &&
        other.words[command.words.size() - 1] == command.words.back())
      text += entry(other.name("-") + "(1)", "", other.help);
  if (!command.arguments.empty())
    text += ".SH ARGUMENTS\n";
  for (const OptionInfo &argument : command.arguments)
    text += entry(argument.value, "", argument.help);
  text += optionsText(command);
  if (!command.footer.empty())
    text +=
        fmt::format(".SH {}\n.nf\n{}\n.fi\n",
                    command.words.size() == 1 ? "EXIT STATUS" : "EXAMPLES", roff(command.footer));
  return text + (command.words.size() > 1 ? ".SH SEE ALSO\n.BR cameo (1)\n" : "");
}

Result<void> writePages(const std::vector<CommandInfo> &commands, const std::string &folder) {
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed)
    return badInput(fmt::format("{}: cannot create the folder: {}", folder, failed.message()));
  for (const CommandInfo &command : commands)
    TRY(writeFile(std::filesystem::path(folder) / (command.name("-") + ".1"),
                  page(command, commands)));
  return {};
}

Result<void> man(const CLI::App &app, const ManOptions &options) {
  std::vector<CommandInfo> commands = commandTable(app);
  if (!options.folder.empty())
    return writePages(commands, options.folder);
  TRY(checkCommand(app, options.words));
  std::vector<std::string> words = {app.get_name()};
  words.insert(words.end(), options.words.begin(), options.words.end());
  for (const CommandInfo &command : commands)
    if (command.words == words) {
      printOut(page(command, commands));
      return {};
    }
  return badInput(fmt::format("there is no command '{}'", fmt::join(words, " ")));
}

} // namespace

void addManCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<ManOptions>();
  CLI::App *command = app.add_subcommand("man", "Print pages of the manual");
  command->add_option("command", options->words, "The command that the page is of")
      ->type_name("COMMAND...");
  command->add_option("-o,--output", options->folder, "Write all pages into a folder")
      ->type_name("DIR");
  command->footer(kManExamples);
  command->callback([&app, options, &chosen] {
    chosen = [&app, options] { return exitStatus(man(app, *options)); };
  });
}

} // namespace cameo
