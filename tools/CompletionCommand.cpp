// `cameo completion`: what shells complete command lines by, made of the tables of options.
#include "tools/Child.h"
#include "tools/Command.h"
#include "tools/CommandTable.h"
#include "tools/Options.h"

#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *kCompletionExamples = R"(Examples:
  source <(cameo completion bash)
      for this shell; in ~/.bashrc for all
  cameo completion zsh > ~/.zfunc/_cameo
      in a folder that $fpath has
  cameo completion fish > ~/.config/fish/completions/cameo.fish)";

using Kind = Completion::Kind;

std::vector<std::string> namesOf(const CommandInfo &command) {
  std::vector<std::string> names = command.commands;
  for (const OptionInfo &option : command.options)
    names.insert(names.end(), option.names.begin(), option.names.end());
  return names;
}

/// What bash does for a value.
std::string bashAction(const Completion &completion) {
  switch (completion.kind) {
  case Kind::Nothing:
    return "COMPREPLY=()";
  case Kind::Folder:
    return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$word\")";
  case Kind::File:
    return "compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$word\")";
  case Kind::Words:
    return fmt::format("mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")",
                       fmt::join(completion.words, " "));
  }
  ICE("a completion of no kind");
}

std::string bashScript(const std::vector<CommandInfo> &commands) {
  std::string nested, values, words;
  for (const CommandInfo &command : commands) {
    std::string name = command.name();
    if (command.words.size() > 1)
      nested += fmt::format("{}'{}'", nested.empty() ? "" : " | ", name);
    for (const OptionInfo &option : command.options)
      for (const std::string &flag : option.names)
        if (!option.value.empty())
          values += fmt::format("  '{} {}') {}; return ;;\n", name, flag,
                                bashAction(completionOf(option.value, commands)));
    words += fmt::format("  '{}')\n    mapfile -t COMPREPLY < <(compgen -W '{}' -- \"$word\")\n",
                         name, fmt::join(namesOf(command), " "));
    if (!command.arguments.empty())
      words += fmt::format("    [[ $word == -* ]] || {{ {}; }}\n",
                           bashAction(completionOf(command.arguments.front().value, commands)));
    words += "    ;;\n";
  }
  return fmt::format(R"(# Completion of cameo for bash, made by 'cameo completion bash'.
_cameo() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} previous=${{COMP_WORDS[COMP_CWORD - 1]}} command=cameo i
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "$command ${{COMP_WORDS[i]}}" in
    {}) command="$command ${{COMP_WORDS[i]}}" ;;
    esac
  done
  case "$command $previous" in
{}  esac
  case "$command" in
{}  esac
}}
complete -F _cameo cameo
)",
                     nested, values, words);
}

/// A description in the brackets of zsh's _arguments.
std::string zshText(const std::string &text) {
  std::string escaped;
  for (char c : text)
    escaped += std::string(c == '[' || c == ']' || c == ':' || c == '\\' ? "\\" : "") + c;
  return escaped;
}

/// `:VALUE:ACTION` of _arguments.
std::string zshValue(const std::string &value, const std::vector<CommandInfo> &commands) {
  Completion completion = completionOf(value, commands);
  std::string action = completion.kind == Kind::File     ? "_files"
                       : completion.kind == Kind::Folder ? "_files -/"
                       : completion.kind == Kind::Words
                           ? fmt::format("({})", fmt::join(completion.words, " "))
                           : "";
  return fmt::format(":{}:{}", zshText(value), action);
}

std::string zshCommand(const CommandInfo &command, const std::vector<CommandInfo> &commands) {
  std::string text = fmt::format("  '{}')\n    _arguments", command.name());
  for (const OptionInfo &option : command.options)
    for (const std::string &flag : option.names)
      text += fmt::format(
          " \\\n      {}",
          shellWord(fmt::format("*{}[{}]{}", flag, zshText(option.help),
                                option.value.empty() ? "" : zshValue(option.value, commands))));
  if (!command.commands.empty())
    text += fmt::format(" \\\n      ':command:({})'", fmt::join(command.commands, " "));
  for (const OptionInfo &argument : command.arguments)
    text += " \\\n      " + shellWord("*" + zshValue(argument.value, commands));
  return text + "\n    ;;\n";
}

std::string zshScript(const std::vector<CommandInfo> &commands) {
  std::string nested, words;
  for (const CommandInfo &command : commands) {
    if (command.words.size() > 1)
      nested += fmt::format("{}'{}'", nested.empty() ? "" : " | ", command.name());
    words += zshCommand(command, commands);
  }
  return fmt::format(R"(#compdef cameo
# Completion of cameo for zsh, made by 'cameo completion zsh'.
_cameo() {{
  local command=cameo i depth=1
  for ((i = 2; i < CURRENT; ++i)); do
    case "$command $words[i]" in
    ({})
      command="$command $words[i]"
      depth=$i
      ;;
    esac
  done
  # What follows the command, with one word before it.
  words=($command "${{(@)words[depth + 1, -1]}}")
  (( CURRENT -= depth - 1 ))
  case "$command" in
{}  esac
}}
if [[ "$funcstack[1]" == _cameo ]]; then
  _cameo "$@"
else
  compdef _cameo cameo
fi
)",
                     nested, words);
}

/// When fish completes words of a command.
std::string fishCondition(const CommandInfo &command) {
  std::string condition;
  for (size_t i = 1; i < command.words.size(); ++i)
    condition +=
        fmt::format("{}__fish_seen_subcommand_from {}", i > 1 ? "; and " : "", command.words[i]);
  std::string none = command.commands.empty() ? ""
                                              : fmt::format("not __fish_seen_subcommand_from {}",
                                                            fmt::join(command.commands, " "));
  return condition + (condition.empty() || none.empty() ? "" : "; and ") + none;
}

/// The options of fish's `complete` for a value.
std::string fishValue(const std::string &value, const std::vector<CommandInfo> &commands) {
  Completion completion = completionOf(value, commands);
  switch (completion.kind) {
  case Kind::Nothing:
    return " -x";
  case Kind::File:
    return " -r -F";
  case Kind::Folder:
    return " -x -a '(__fish_complete_directories)'";
  case Kind::Words:
    return fmt::format(" -x -a '{}'", fmt::join(completion.words, " "));
  }
  ICE("a completion of no kind");
}

std::string fishScript(const std::vector<CommandInfo> &commands) {
  std::string text = "# Completion of cameo for fish, made by 'cameo completion fish'.\n"
                     "complete -c cameo -f\n";
  for (const CommandInfo &command : commands) {
    std::string start = fmt::format("complete -c cameo -n {}", shellWord(fishCondition(command)));
    for (const CommandInfo &other : commands)
      if (other.words.size() == command.words.size() + 1 &&
          std::equal(command.words.begin(), command.words.end(), other.words.begin()))
        text += fmt::format("{} -a {} -d {}\n", start, other.words.back(), shellWord(other.help));
    for (const OptionInfo &option : command.options) {
      text += start;
      for (const std::string &name : option.names)
        text += name.starts_with("--") ? " -l " + name.substr(2) : " -s " + name.substr(1);
      text += (option.value.empty() ? "" : fishValue(option.value, commands)) + " -d " +
              shellWord(option.help) + "\n";
    }
    for (const OptionInfo &argument : command.arguments)
      if (completionOf(argument.value, commands).kind != Kind::Nothing)
        text += start + fishValue(argument.value, commands) + "\n";
  }
  return text;
}

} // namespace

void addCompletionCommand(CLI::App &app, Action &chosen) {
  auto shell = std::make_shared<std::string>();
  CLI::App *command =
      app.add_subcommand("completion", "Print what a shell needs to complete command lines");
  command->add_option("shell", *shell, "The shell")
      ->required()
      ->type_name("bash|zsh|fish")
      ->check(oneOf({"bash", "zsh", "fish"}));
  command->footer(kCompletionExamples);
  command->callback([&app, shell, &chosen] {
    chosen = [&app, shell] {
      std::vector<CommandInfo> commands = commandTable(app);
      printOut(*shell == "bash"  ? bashScript(commands)
               : *shell == "zsh" ? zshScript(commands)
                                 : fishScript(commands));
      return Fine;
    };
  });
}

} // namespace cameo
