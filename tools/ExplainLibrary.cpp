// See ExplainLibrary.h.
#include "tools/ExplainLibrary.h"

#include "bench/Library.h"
#include "bench/Report.h"
#include "tools/Engine.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>

namespace cameo {
namespace {

using Json = nlohmann::ordered_json;

/// Bytes of workspace of a run on one thread; with sizes left open, those count as 1.
int64_t workspaceOf(const Library &library) {
  std::vector<int64_t> symbols(static_cast<size_t>(library.model().num_symbols), 1);
  return std::max<int64_t>(0, cameo_workspace_size(&library.model(), symbols.data(), 1));
}

std::vector<std::string> openSizes(const cameo_model &model) {
  std::vector<std::string> names;
  for (int32_t i = 0; i < model.num_symbols; ++i)
    names.emplace_back(model.dim_names[i]);
  return names;
}

Json reportOf(const std::string &path, const Library &library, const Engine &engine) {
  std::error_code failed;
  const cameo_model &model = library.model();
  Json report = {{"library", path}, {"name", model.name}, {"cpu", model.cpu}};
  report["abi_version"] = model.abi_version;
  report["inputs"] = Json::array();
  report["outputs"] = Json::array();
  for (const EnginePort &port : engine.inputs())
    report["inputs"].push_back({{"name", port.name}, {"type", port.type.str()}});
  for (const EnginePort &port : engine.outputs())
    report["outputs"].push_back({{"name", port.name}, {"type", port.type.str()}});
  report["open_sizes"] = openSizes(model);
  report["file_bytes"] = static_cast<int64_t>(std::filesystem::file_size(path, failed));
  report["weight_bytes"] = model.weights_size;
  report["workspace_bytes"] = workspaceOf(library);
  report["metadata"] = Json::parse(model.metadata, nullptr, false);
  return report;
}

std::string textOf(const Json &report) {
  Table ports({"", "name", "type"});
  for (const char *role : {"input", "output"})
    for (const Json &port : report[std::string(role) + "s"])
      ports.add({role, port["name"], port["type"]});
  Table facts({"", ""});
  auto bytes = [&](const char *key) { return formatBytes(report[key].get<int64_t>()); };
  facts.add({"function", report["name"]});
  facts.add({"compiled for", report["cpu"]});
  facts.add({"ABI version", std::to_string(report["abi_version"].get<int>())});
  facts.add({"file", bytes("file_bytes")});
  facts.add({"weights", bytes("weight_bytes")});
  facts.add({report["open_sizes"].empty() ? "workspace" : "workspace, open sizes being 1",
             bytes("workspace_bytes")});
  std::string text = ports.str() + facts.str();
  if (!report["metadata"].is_object() || report["metadata"].empty())
    return text;
  Table metadata({"metadata", ""});
  for (const auto &[key, value] : report["metadata"].items())
    metadata.add({key, value.is_string() ? value.get<std::string>() : value.dump()});
  return text + "\n" + metadata.str();
}

} // namespace

Result<std::string> explainLibrary(const std::string &path, bool json) {
  std::shared_ptr<Library> library = TRY(Library::load(path));
  std::unique_ptr<Engine> engine = TRY(makeLibraryEngine(TRY(Library::load(path)), {}));
  Json report = reportOf(path, *library, *engine);
  return json ? jsonText(report) : textOf(report);
}

} // namespace cameo
