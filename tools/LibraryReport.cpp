// See LibraryReport.h.
#include "tools/LibraryReport.h"

#include "bench/Library.h"
#include "bench/Report.h"
#include "bench/Verify.h"
#include "codegen/Description.h"
#include "support/Nearest.h"

#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

// Of the JSON, see docs/inspect.md.
constexpr int kReportVersion = 1;

struct Inspection {
  std::string name;                              // as the command line has it
  int32_t threads = 1;                           // that the workspace is for
  nlohmann::ordered_json library;                // Description.h
  const nlohmann::ordered_json *model = nullptr; // the one of these that is asked for; null: all
  int64_t fileBytes = 0, workspaceBytes = -1;    // the latter with sizes of 1, if it is known

  /// What all models say of how they were made.
  nlohmann::ordered_json madeBy() const {
    const nlohmann::ordered_json &first = model ? *model : library["models"].front();
    return first["metadata"].value("cameo", nlohmann::ordered_json::object());
  }
};

Result<const nlohmann::ordered_json *> modelOf(const nlohmann::ordered_json &library,
                                               const LibraryName &name) {
  const nlohmann::ordered_json &models = library["models"];
  if (name.model.empty())
    return models.size() == 1 ? &models.front() : nullptr;
  std::vector<std::string> names;
  for (const nlohmann::ordered_json &model : models) {
    names.push_back(model["name"]);
    if (names.back() == name.model)
      return &model;
  }
  return badInput(fmt::format("{}: the library has no model '{}'{}", name.file, name.model,
                              didYouMean(name.model, names)));
}

/// The memory of a context, with sizes of 1. Only code can tell.
Result<int64_t> workspaceOf(const std::string &name, int32_t threads) {
  std::shared_ptr<Library> library = TRY(Library::load(name));
  const cameo_model &model = library->model();
  std::vector<int64_t> ones(static_cast<size_t>(model.num_symbols), 1);
  return cameo_workspace_size(&model, ones.data(), threads);
}

Result<Inspection> inspectLibrary(const std::string &text, int32_t threads) {
  LibraryName name = LibraryName::of(text);
  Inspection found;
  found.name = text;
  found.threads = threads;
  TRY(verifyFile(name.file));
  found.library = TRY(readDescription(name.file));
  found.model = TRY(modelOf(found.library, name));
  std::error_code failed;
  found.fileBytes = static_cast<int64_t>(std::filesystem::file_size(name.file, failed));
  if (failed)
    return badInput(fmt::format("{}: {}", name.file, failed.message()));
  if (found.model && foreignCode(name.file).empty())
    found.workspaceBytes = TRY(workspaceOf(text, threads));
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

std::string portsText(const nlohmann::ordered_json &ports) {
  std::string text;
  for (const nlohmann::ordered_json &port : ports)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", port["name"].get<std::string>(),
                        port["type"].get<std::string>());
  return text;
}

/// The ports of the model, or a row for each of several.
Table interfaceTable(const Inspection &found) {
  if (!found.model) {
    Table models({"model", "inputs", "outputs"});
    for (const nlohmann::ordered_json &model : found.library["models"])
      models.add({model["name"], portsText(model["inputs"]), portsText(model["outputs"])});
    return models;
  }
  Table ports({"", "name", "type"});
  for (const char *role : {"input", "output"})
    for (const nlohmann::ordered_json &port : (*found.model)[role + std::string("s")])
      ports.add({role, port["name"], port["type"]});
  return ports;
}

Table libraryTable(const Inspection &found) {
  Table library({"library", ""});
  library.add({"entry function", found.library["entry"]});
  library.add({"compiled for", found.library["cpu"]});
  library.add({"ABI version", found.library["abi_version"].dump()});
  library.add({"file", formatBytes(found.fileBytes)});
  library.add({"weights", formatBytes(found.library["weight_bytes"].get<int64_t>())});
  if (found.workspaceBytes >= 0)
    library.add(
        {"workspace",
         fmt::format("{}, {}{}", formatBytes(found.workspaceBytes), plural(found.threads, "thread"),
                     (*found.model)["open_sizes"].empty() ? ""
                                                          : ", sizes without a value count as 1")});
  return library;
}

std::string textOf(const Inspection &found) {
  Table compiler({"compiler", ""});
  addRows(compiler, found.madeBy());
  std::string text =
      interfaceTable(found).str() + "\n" + libraryTable(found).str() + "\n" + compiler.str();
  if (!found.model)
    return text;
  Table model({"model", ""});
  addRows(model, (*found.model)["metadata"]);
  return text + "\n" + model.str();
}

std::string jsonOf(const Inspection &found) {
  nlohmann::ordered_json report = {{"schema_version", kReportVersion},
                                   {"library", found.name},
                                   {"entry", found.library["entry"]},
                                   {"cpu", found.library["cpu"]},
                                   {"abi_version", found.library["abi_version"]},
                                   {"file_bytes", found.fileBytes},
                                   {"weight_bytes", found.library["weight_bytes"]}};
  if (found.workspaceBytes >= 0)
    report["workspace_bytes"] = found.workspaceBytes;
  if (found.model)
    report.update(*found.model);
  else
    report["models"] = found.library["models"];
  return jsonText(report);
}

} // namespace

Result<std::string> libraryReport(const std::string &name, int32_t threads, bool json) {
  Inspection found = TRY(inspectLibrary(name, threads));
  return json ? jsonOf(found) : textOf(found);
}

} // namespace cameo
