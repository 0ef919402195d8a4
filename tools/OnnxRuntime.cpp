// See OnnxRuntime.h.
#include "tools/OnnxRuntime.h"

#include "bench/HostTensor.h"
#include "bench/Npy.h"
#include "bench/Report.h"
#include "support/File.h"
#include "support/Temporary.h"
#include "tools/PythonPart.h"

#include <fmt/format.h>
#include <map>

namespace cameo {

namespace {

namespace fs = std::filesystem;

/// The arrays are called by position.
Result<void> writeInputs(const fs::path &file, const std::vector<RuntimeValue> &inputs) {
  std::vector<std::pair<std::string, Tensor>> arrays;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (inputs[i].isSequence())
      return unsupported(fmt::format("input {} is {}: ONNX Runtime is given tensors only", i,
                                     describe(inputs[i])));
    if (inputs[i].isTensor())
      arrays.emplace_back(std::to_string(i), inputs[i].tensor());
  }
  return writeNpz(file, arrays);
}

Result<nlohmann::ordered_json> runJob(const fs::path &folder, const nlohmann::ordered_json &job) {
  std::string path = folder / "job.json";
  TRY(writeFile(path, jsonText(job)));
  std::string output = TRY(outputOfPythonPart("reference", {path}));
  auto report = nlohmann::ordered_json::parse(output, nullptr, /*allow_exceptions=*/false);
  if (!report.is_object() || !report.contains("version"))
    return badInput("the Python part 'reference' did not give a report");
  return report;
}

} // namespace

Result<std::vector<std::vector<std::optional<RuntimeValue>>>>
OnnxRuntime::run(const std::vector<std::vector<RuntimeValue>> &samples, size_t numOutputs,
                 const std::vector<std::string> &values) {
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create());
  auto file = [&](const char *what, size_t i) {
    return (folder->path() / fmt::format("{}_{}.npz", what, i)).string();
  };
  nlohmann::ordered_json job = {{"model", model_}, {"threads", threads_}, {"values", values}};
  job["samples"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < samples.size(); ++i) {
    TRY(writeInputs(file("inputs", i), samples[i]));
    job["samples"].push_back({{"inputs", file("inputs", i)}, {"outputs", file("outputs", i)}});
  }
  version_ = TRY(runJob(folder->path(), job))["version"];
  std::vector<std::vector<std::optional<RuntimeValue>>> results;
  for (size_t i = 0; i < samples.size(); ++i) {
    std::vector<std::optional<RuntimeValue>> &result = results.emplace_back();
    std::map<std::string, Tensor> arrays;
    for (auto &[name, array] : TRY(readNpz(file("outputs", i))))
      arrays.emplace(name, std::move(array));
    auto take = [&](const std::string &name) {
      auto found = arrays.find(name);
      result.push_back(found == arrays.end() ? std::nullopt
                                             : std::optional(RuntimeValue(found->second)));
    };
    for (size_t k = 0; k < numOutputs; ++k)
      take(std::to_string(k));
    for (const std::string &value : values)
      take("value:" + value);
  }
  return results;
}

Result<OnnxRuntime::Measured> OnnxRuntime::measure(const std::vector<RuntimeValue> &inputs,
                                                   double seconds) {
  std::unique_ptr<TemporaryFolder> folder = TRY(TemporaryFolder::create());
  std::string file = folder->path() / "inputs.npz";
  TRY(writeInputs(file, inputs));
  nlohmann::ordered_json job = {{"model", model_}, {"threads", threads_}, {"seconds", seconds}};
  job["samples"].push_back({{"inputs", file}});
  nlohmann::ordered_json report = TRY(runJob(folder->path(), job));
  version_ = report["version"];
  return Measured{report.value("load_seconds", 0.0), report.value("first_run_seconds", 0.0),
                  report.value("memory_bytes", int64_t{-1}),
                  report.value("latencies", std::vector<double>())};
}

} // namespace cameo
