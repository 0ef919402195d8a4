// The limits of machines as JSON, and the file that keeps them. See Machine.h.
#include "bench/Machine.h"

#include "bench/Report.h"
#include "support/File.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fmt/format.h>

namespace cameo {

namespace {

constexpr int kVersion = 2;

/// The entries of the file: none if it does not exist.
Result<std::vector<MachineLimits>> readMachines(const std::string &path) {
  std::vector<MachineLimits> machines;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored))
    return machines;
  std::vector<std::byte> bytes = TRY(readFile(path));
  auto json = nlohmann::ordered_json::parse(
      std::string_view(reinterpret_cast<const char *>(bytes.data()), bytes.size()), nullptr, false);
  if (!json.is_object() || json.value("schema_version", 0) != kVersion ||
      !json.contains("machines") || !json["machines"].is_array())
    return badInput(fmt::format("'{}' is not of this version of Cameo", path));
  for (const nlohmann::ordered_json &entry : json["machines"])
    machines.push_back(TRY(limitsFromJson(entry)));
  return machines;
}

Result<void> writeMachines(const std::string &path, const std::vector<MachineLimits> &machines) {
  nlohmann::ordered_json json = {{"schema_version", kVersion},
                                 {"machines", nlohmann::ordered_json::array()}};
  for (const MachineLimits &limits : machines)
    json["machines"].push_back(toJson(limits));
  std::error_code failed;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), failed);
  if (failed)
    return badInput(fmt::format("cannot create the folder of '{}': {}", path, failed.message()));
  return writeFile(path, jsonText(json));
}

} // namespace

std::string machineFile() {
  constexpr const char *kName = "cameo/machine.json";
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache == '/') // others must be ignored, says the convention
    return std::filesystem::path(cache) / kName;
  return home && *home ? std::filesystem::path(home) / ".cache" / kName : "";
}

MachineLimits machineLimits(int32_t threads, bool again, std::vector<std::string> &notes,
                            MachineLimits (*measure)(int32_t threads)) {
  std::string path = machineFile(), cpu = cpuName();
  std::vector<MachineLimits> machines;
  if (!path.empty()) {
    Result<std::vector<MachineLimits>> read = readMachines(path);
    if (read)
      machines = std::move(*read);
    else
      notes.push_back(fmt::format("limits of machines are not read: {}", read.error().message));
  }
  auto isThis = [&](const MachineLimits &limits) {
    return limits.cpu == cpu && limits.threads == threads;
  };
  auto known = std::find_if(machines.begin(), machines.end(), isThis);
  if (known != machines.end() && !again)
    return *known;
  MachineLimits measured = measure(threads);
  std::erase_if(machines, isThis);
  machines.push_back(measured);
  Result<void> written = path.empty() ? Result<void>() : writeMachines(path, machines);
  if (!written)
    notes.push_back(fmt::format("limits of machines are not kept: {}", written.error().message));
  return measured;
}

nlohmann::ordered_json toJson(const MachineLimits &limits) {
  nlohmann::ordered_json json = {{"cpu", limits.cpu},
                                 {"threads", limits.threads},
                                 {"f32", limits.f32},
                                 {"bf16", limits.bf16},
                                 {"int8", limits.int8},
                                 {"barrier_seconds", limits.barrier},
                                 {"levels", nlohmann::ordered_json::array()}};
  for (const MemoryLevel &level : limits.levels)
    json["levels"].push_back({{"name", level.name},
                              {"capacity", level.capacity},
                              {"read", level.read},
                              {"write", level.write},
                              {"copy", level.copy}});
  return json;
}

Result<MachineLimits> limitsFromJson(const nlohmann::ordered_json &json) {
  MachineLimits limits;
  std::string missing;
  auto number = [&](const nlohmann::ordered_json &from, const char *name, auto &to) {
    if (!from.is_object() || !from.contains(name) || !from[name].is_number() || from[name] < 0)
      missing = name;
    else
      to = from[name].get<std::remove_reference_t<decltype(to)>>();
  };
  auto text = [&](const nlohmann::ordered_json &from, const char *name, std::string &to) {
    if (!from.is_object() || !from.contains(name) || !from[name].is_string())
      missing = name;
    else
      to = from[name].get<std::string>();
  };
  text(json, "cpu", limits.cpu);
  number(json, "threads", limits.threads);
  number(json, "f32", limits.f32);
  number(json, "bf16", limits.bf16);
  number(json, "int8", limits.int8);
  number(json, "barrier_seconds", limits.barrier);
  if (!json.is_object() || !json.contains("levels") || !json["levels"].is_array())
    return badInput("the limits of a machine lack 'levels'");
  for (const nlohmann::ordered_json &from : json["levels"]) {
    MemoryLevel &level = limits.levels.emplace_back();
    text(from, "name", level.name);
    number(from, "capacity", level.capacity);
    number(from, "read", level.read);
    number(from, "write", level.write);
    number(from, "copy", level.copy);
  }
  if (!missing.empty())
    return badInput(fmt::format("the limits of a machine lack '{}'", missing));
  return limits;
}

} // namespace cameo
