// See Usage.h.
#include "tools/Usage.h"

#include "support/Nearest.h"
#include "tools/Command.h"
#include "tools/Options.h"

#include <algorithm>

namespace cameo {
namespace {

/// CLI11's layout with less noise: `--threads N  (default 1)` instead of `N:INT in [1 - 1024]=1`.
class HelpFormatter : public CLI::Formatter {
public:
  HelpFormatter() { column_width(28); }
  std::string make_option_opts(const CLI::Option *option) const override {
    std::string type = option->get_type_name();
    return option->get_type_size() > 0 && !type.empty() ? " " + type : "";
  }
  std::string make_option_desc(const CLI::Option *option) const override {
    std::string text = option->get_description();
    if (!option->get_default_str().empty())
      text += fmt::format(" (default {})", option->get_default_str());
    return text;
  }
};

void addCommonOptions(CLI::App &command) {
  constexpr const char *group = "Messages";
  MessageStyle &style = messageStyle();
  CLI::Option *quiet = command.add_flag("-q,--quiet", style.quiet, "Errors only")->group(group);
  command.add_flag("-v,--verbose", style.verbose, "Also what takes how long")
      ->group(group)
      ->excludes(quiet);
  command.add_option("--color", style.color, "Colours in messages")
      ->group(group)
      ->type_name("auto|always|never")
      ->check(oneOf({"auto", "always", "never"}))
      ->capture_default_str();
}

/// What holds for every option: flags take no value, values are not empty, and of several the last
/// counts where there is room for one.
void completeOption(CLI::Option &option) {
  if (option.get_items_expected_max() == 0) {
    option.disable_flag_override();
    return;
  }
  if (option.get_items_expected_max() == 1)
    option.take_last();
  option.check(CLI::Validator(
      [&option](std::string &text) {
        return text.empty() ? fmt::format("expected {}, got nothing", option.get_type_name()) : "";
      },
      ""));
}

/// What is wrong with the number of values that an option was given. CLI11 names a flag that has
/// one without its dashes.
std::string wrongCount(const std::string &what) {
  if (size_t end = what.find(" was given a disallowed"); end != std::string::npos)
    return fmt::format("--{} takes no value", what.substr(0, end));
  return what.substr(0, what.find(':')) + ": the value is missing";
}

/// The command that was parsed, as deep as it goes.
const CLI::App &parsedCommand(const CLI::App &app) {
  std::vector<CLI::App *> parsed = app.get_subcommands();
  return parsed.empty() ? app : parsedCommand(*parsed.front());
}

std::vector<std::string> namesOf(const std::vector<const CLI::App *> &commands) {
  std::vector<std::string> names;
  for (const CLI::App *command : commands)
    names.push_back(command->get_name());
  return names;
}

Error unknownOption(const CLI::App &command, const std::string &argument) {
  std::vector<std::string> known;
  for (const CLI::Option *option : command.get_options())
    for (const std::string &name : option->get_lnames())
      known.push_back("--" + name);
  std::string name = argument.substr(0, argument.find('='));
  return badInput(fmt::format("'{}' has no option '{}'{}", fullName(command), name,
                              name.starts_with("--") ? didYouMean(name, known) : ""));
}

/// The first positional argument that is required and was not given; nullptr if there is none.
const CLI::Option *missingArgument(const CLI::App &command) {
  for (const CLI::Option *option : command.get_options())
    if (option->get_required() && option->get_positional() && option->count() == 0)
      return option;
  return nullptr;
}

} // namespace

std::vector<std::string> readArguments(int argc, char **argv) {
  std::vector<std::string> arguments(argv + std::min(argc, 1), argv + argc);
  if (!arguments.empty() && arguments.front() == "help") {
    arguments.erase(arguments.begin());
    arguments.emplace_back("--help");
  }
  return arguments;
}

void completeCommands(CLI::App &app) {
  app.formatter(std::make_shared<HelpFormatter>());
  if (app.get_prefix_command() && !app.get_help_ptr())
    return; // another program reads its options
  addCommonOptions(app);
  for (CLI::Option *option : app.get_options())
    completeOption(*option);
  for (CLI::App *command : app.get_subcommands(nullptr))
    completeCommands(*command);
}

Result<void> checkCommand(const CLI::App &app, const std::vector<std::string> &arguments) {
  const CLI::App *at = &app;
  for (const std::string &argument : arguments) {
    std::vector<const CLI::App *> commands = commandsOf(*at);
    if (commands.empty() || argument.starts_with("-"))
      break;
    auto found = std::find_if(commands.begin(), commands.end(),
                              [&](const CLI::App *c) { return c->get_name() == argument; });
    if (found == commands.end()) {
      Error error = badInput(fmt::format("'{}' has no command '{}'{}", fullName(*at), argument,
                                         didYouMean(argument, namesOf(commands))));
      error.notes.push_back(fmt::format("'{} --help' lists the commands", fullName(*at)));
      return error;
    }
    at = *found;
  }
  return {};
}

Error usageError(const CLI::App &app, const CLI::ParseError &problem) {
  const CLI::App &command = parsedCommand(app);
  Error error = badInput(problem.get_name() == "ArgumentMismatch" ? wrongCount(problem.what())
                                                                  : std::string(problem.what()));
  // What it could not place explains what it missed.
  std::vector<std::string> extras = command.remaining();
  auto option = std::find_if(extras.begin(), extras.end(), [](const std::string &text) {
    return text.size() > 1 && text[0] == '-';
  });
  if (option != extras.end())
    error = unknownOption(command, *option);
  else if (!extras.empty() && !command.get_prefix_command())
    error = badInput(fmt::format("'{}' takes no argument '{}'", fullName(command), extras.front()));
  else if (!commandsOf(command).empty())
    error = badInput(fmt::format("expected a command of '{}'", fullName(command)));
  else if (const CLI::Option *missing = missingArgument(command))
    error = badInput(fmt::format("'{}' needs {}: {}", fullName(command), missing->get_type_name(),
                                 missing->get_description()));
  error.notes.push_back(fmt::format("'{} --help' shows what is possible", fullName(command)));
  return error;
}

std::string fullName(const CLI::App &command) {
  const CLI::App *parent = command.get_parent();
  return parent ? fullName(*parent) + " " + command.get_name() : command.get_name();
}

std::vector<const CLI::App *> commandsOf(const CLI::App &app) {
  return app.get_subcommands([](const CLI::App *command) { return !command->get_group().empty(); });
}

} // namespace cameo
