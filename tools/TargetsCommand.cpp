// `cameo targets`: what code can be made for.
#include "bench/Report.h"
#include "codegen/Processors.h"
#include "ir/TargetList.h"
#include "tools/Command.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cameo {

namespace {

constexpr const char *kTargetsExamples = R"(Examples:
  cameo targets
      the targets, feature sets, processors and boards
  cameo targets --json
      the same as JSON, with the feature set of each processor)";

constexpr int kTargetsVersion = 1; // of the JSON, see docs/cli.md

/// Words in lines no longer than the output is wide, indented.
std::string wrapped(const std::vector<std::string> &words) {
  constexpr std::string_view indent = "   ";
  std::string text, line(indent);
  for (const std::string &word : words) {
    if (line.size() > indent.size() && line.size() + 1 + word.size() > outputWidth()) {
      text += line + "\n";
      line = indent;
    }
    line += " " + word;
  }
  return text + line + "\n";
}

std::string textOfTargets() {
  Table targets({"--target", "--cpu, the default first", "with"});
  std::string processors;
  for (const TargetEntry &entry : targetList()) {
    std::vector<std::string> cpus = {entry.defaultCpu};
    for (const std::string &cpu : entry.cpus)
      if (cpu != entry.defaultCpu)
        cpus.push_back(cpu);
    targets.add(
        {entry.triple, fmt::format("{}", fmt::join(cpus, " ")),
         entry.extensions.empty() ? "" : fmt::format("+{}", fmt::join(entry.extensions, " +"))});
    std::vector<std::string> names;
    for (const Processor &processor : processorsOf(entry.arch))
      names.push_back(processor.name);
    if (!names.empty())
      processors += fmt::format("{}:\n{}", archName(entry.arch), wrapped(names));
  }
  Table computers({"--target", "is --target", "--cpu"});
  for (const Board &board : boards())
    computers.add({std::string(board.name), std::string(board.triple), std::string(board.cpu)});
  return targets.str() + "\n" + computers.str() + "\nprocessors for --cpu:\n" + processors;
}

std::string jsonOfTargets() {
  using Json = nlohmann::ordered_json;
  Json report = {{"schema_version", kTargetsVersion}, {"targets", Json::array()}};
  for (const TargetEntry &entry : targetList()) {
    Json processors = Json::object();
    for (const Processor &processor : processorsOf(entry.arch))
      processors[processor.name] = processor.cpu;
    report["targets"].push_back({{"target", entry.triple},
                                 {"architecture", archName(entry.arch)},
                                 {"default_cpu", entry.defaultCpu},
                                 {"cpus", entry.cpus},
                                 {"extensions", entry.extensions},
                                 {"processors", std::move(processors)}});
  }
  report["boards"] = Json::array();
  for (const Board &board : boards())
    report["boards"].push_back(
        {{"board", board.name}, {"target", board.triple}, {"cpu", board.cpu}});
  return jsonText(report);
}

} // namespace

void addTargetsCommand(CLI::App &app, Action &chosen) {
  auto json = std::make_shared<bool>(false);
  CLI::App *command = app.add_subcommand("targets", "List what code can be made for");
  command->add_flag("--json", *json, "Report as JSON");
  command->footer(kTargetsExamples);
  command->callback([json, &chosen] {
    chosen = [json] {
      printOut(*json ? jsonOfTargets() : textOfTargets());
      return Fine;
    };
  });
}

} // namespace cameo
