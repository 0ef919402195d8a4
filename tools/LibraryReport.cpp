// See LibraryReport.h.
#include "tools/LibraryReport.h"

#include "bench/Library.h"
#include "bench/Report.h"
#include "tools/Engine.h"
#include "tools/Provenance.h"

#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

// Of the JSON, see docs/inspect.md.
constexpr int kReportVersion = 1;

struct Inspection {
  std::string path;
  int32_t threads = 1; // that the workspace is for
  std::shared_ptr<Library> library;
  std::vector<EnginePort> inputs, outputs;
  nlohmann::ordered_json metadata;
  int64_t fileBytes = 0, workspaceBytes = 0; // the latter with sizes of 1

  const cameo_model &model() const { return library->model(); }
  std::vector<std::string> openSizes() const {
    return {model().dim_names, model().dim_names + model().num_symbols};
  }
};

Result<Inspection> inspectLibrary(const std::string &path, int32_t threads) {
  Inspection found;
  found.path = path;
  found.threads = threads;
  found.library = TRY(Library::load(path));
  for (const PortInfo &port : found.library->inputs())
    found.inputs.push_back(enginePort(port));
  for (const PortInfo &port : found.library->outputs())
    found.outputs.push_back(enginePort(port));
  found.metadata = metadataOf(found.model());
  std::error_code failed;
  found.fileBytes = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  if (failed)
    return badInput(fmt::format("{}: {}", path, failed.message()));
  std::vector<int64_t> ones(static_cast<size_t>(found.model().num_symbols), 1);
  found.workspaceBytes = cameo_workspace_size(&found.model(), ones.data(), threads);
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

std::string textOf(const Inspection &found) {
  Table ports({"", "name", "type"});
  for (const EnginePort &port : found.inputs)
    ports.add({"input", port.name, port.type.str()});
  for (const EnginePort &port : found.outputs)
    ports.add({"output", port.name, port.type.str()});
  Table library({"library", ""});
  library.add({"entry function", found.model().name});
  library.add({"compiled for", found.model().cpu});
  library.add({"ABI version", std::to_string(found.model().abi_version)});
  library.add({"file", formatBytes(found.fileBytes)});
  library.add({"weights", formatBytes(found.model().weights_size)});
  if (found.workspaceBytes >= 0)
    library.add(
        {"workspace",
         fmt::format("{}, {}{}", formatBytes(found.workspaceBytes), plural(found.threads, "thread"),
                     found.openSizes().empty() ? "" : ", sizes without a value count as 1")});
  Table compiler({"compiler", ""}), model({"model", ""});
  addRows(compiler, found.metadata.value("cameo", nlohmann::ordered_json::object()));
  addRows(model, found.metadata);
  return ports.str() + "\n" + library.str() + "\n" + compiler.str() + "\n" + model.str();
}

std::string jsonOf(const Inspection &found) {
  auto portsJson = [](const std::vector<EnginePort> &ports) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const EnginePort &port : ports)
      list.push_back({{"name", port.name}, {"type", port.type.str()}});
    return list;
  };
  nlohmann::ordered_json report = {{"schema_version", kReportVersion},
                                   {"library", found.path},
                                   {"entry", found.model().name},
                                   {"cpu", found.model().cpu},
                                   {"abi_version", found.model().abi_version},
                                   {"file_bytes", found.fileBytes},
                                   {"weight_bytes", found.model().weights_size},
                                   {"inputs", portsJson(found.inputs)},
                                   {"outputs", portsJson(found.outputs)},
                                   {"open_sizes", found.openSizes()}};
  if (found.workspaceBytes >= 0)
    report["workspace_bytes"] = found.workspaceBytes;
  report["metadata"] = found.metadata;
  return jsonText(report);
}

} // namespace

Result<std::string> libraryReport(const std::string &path, int32_t threads, bool json) {
  Inspection found = TRY(inspectLibrary(path, threads));
  return json ? jsonOf(found) : textOf(found);
}

} // namespace cameo
