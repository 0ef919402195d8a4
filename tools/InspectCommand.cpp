// `cameo inspect`: what a compiled library says of itself.
#include "bench/Report.h"
#include "tools/Command.h"
#include "tools/Engine.h"
#include "tools/Provenance.h"

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr const char *examples = R"(Examples:
  cameo inspect model.so
      inputs, outputs and names of sizes, memory, the compiler and its options, the model's metadata
  cameo inspect model.so --json
      the same as JSON)";

// Of the JSON, see docs/inspect.md.
constexpr int kReportVersion = 1;

struct Options {
  std::string library;
  int32_t threads = 1;
  bool json = false;
};

struct Inspection {
  std::shared_ptr<Library> library;
  std::vector<EnginePort> inputs, outputs;
  nlohmann::ordered_json metadata;
  int64_t fileBytes = 0, workspaceBytes = 0; // the latter with sizes of 1

  const cameo_model &model() const { return library->model(); }
  std::vector<std::string> symbols() const {
    return {model().dim_names, model().dim_names + model().num_symbols};
  }
};

Result<Inspection> inspectLibrary(const Options &options) {
  Inspection found;
  found.library = TRY(Library::load(options.library));
  for (const PortInfo &port : found.library->inputs())
    found.inputs.push_back(enginePort(port));
  for (const PortInfo &port : found.library->outputs())
    found.outputs.push_back(enginePort(port));
  found.metadata = metadataOf(found.model());
  std::error_code failed;
  found.fileBytes = static_cast<int64_t>(std::filesystem::file_size(options.library, failed));
  if (failed)
    return badInput(fmt::format("{}: {}", options.library, failed.message()));
  std::vector<int64_t> ones(static_cast<size_t>(found.model().num_symbols), 1);
  found.workspaceBytes = cameo_workspace_size(&found.model(), ones.data(), options.threads);
  return found;
}

std::string valueText(const nlohmann::ordered_json &value) {
  if (!value.is_array())
    return value.is_string() ? value.get<std::string>() : value.dump();
  std::string text;
  for (const nlohmann::ordered_json &item : value)
    text += (text.empty() ? "" : ", ") + valueText(item);
  return text;
}

void addRows(Table &table, const nlohmann::ordered_json &members) {
  for (const auto &[key, value] : members.items())
    if (std::string text = valueText(value); !text.empty() && key != "cameo")
      table.add({key, text});
}

std::string textOf(const Options &options, const Inspection &found) {
  Table ports({"", "name", "type"});
  for (const EnginePort &port : found.inputs)
    ports.add({"input", port.name, port.type.str()});
  for (const EnginePort &port : found.outputs)
    ports.add({"output", port.name, port.type.str()});
  Table library({"library", ""});
  library.add({"entry function", found.model().name});
  library.add({"ABI version", std::to_string(found.model().abi_version)});
  library.add({"file", formatBytes(found.fileBytes)});
  library.add({"weights", formatBytes(found.model().weights_size)});
  if (found.workspaceBytes >= 0)
    library.add({"workspace",
                 fmt::format("{}, {} thread{}{}", formatBytes(found.workspaceBytes),
                             options.threads, options.threads == 1 ? "" : "s",
                             found.symbols().empty() ? "" : ", sizes without a value count as 1")});
  Table compiler({"compiler", ""}), model({"model", ""});
  addRows(compiler, found.metadata.value("cameo", nlohmann::ordered_json::object()));
  addRows(model, found.metadata);
  return ports.str() + "\n" + library.str() + "\n" + compiler.str() + "\n" + model.str();
}

std::string jsonOf(const Options &options, const Inspection &found) {
  auto portsJson = [](const std::vector<EnginePort> &ports) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const EnginePort &port : ports)
      list.push_back({{"name", port.name}, {"type", port.type.str()}});
    return list;
  };
  nlohmann::ordered_json report = {
      {"schema_version", kReportVersion},  {"library", options.library},
      {"entry", found.model().name},       {"abi_version", found.model().abi_version},
      {"file_bytes", found.fileBytes},     {"weight_bytes", found.model().weights_size},
      {"inputs", portsJson(found.inputs)}, {"outputs", portsJson(found.outputs)},
      {"sizes", found.symbols()}};
  if (found.workspaceBytes >= 0)
    report["workspace_bytes"] = found.workspaceBytes;
  report["metadata"] = found.metadata;
  return jsonText(report);
}

Result<void> inspect(const Options &options) {
  Inspection found = TRY(inspectLibrary(options));
  printOut(options.json ? jsonOf(options, found) : textOf(options, found));
  return {};
}

} // namespace

void addInspectCommand(CLI::App &app, Action &chosen) {
  auto options = std::make_shared<Options>();
  CLI::App *command = app.add_subcommand("inspect", "Show what a compiled library says of itself");
  command->add_option("library", options->library, "The library")->required()->type_name("M.so");
  command->add_option("--threads", options->threads, "Threads that the workspace is for")
      ->type_name("N")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_flag("--json", options->json, "Report as JSON");
  command->footer(examples);
  command->callback(
      [options, &chosen] { chosen = [options] { return exitStatus(inspect(*options)); }; });
}

} // namespace cameo
