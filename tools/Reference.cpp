// See Reference.h.
#include "tools/Reference.h"

#include "bench/Npy.h"
#include "tools/Inputs.h"
#include "tools/OnnxRuntime.h"
#include "tools/Outputs.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <regex>

namespace cameo {

namespace {

namespace fs = std::filesystem;

class InterpreterReference : public Reference {
public:
  explicit InterpreterReference(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
  std::string name() const override { return "the reference interpreter"; }
  Result<void> take(const std::vector<Inputs> &samples) override {
    samples_ = samples;
    return {};
  }
  Result<Expected> expected(size_t sample) override {
    Inputs outputs = TRY(engine_->run(samples_.at(sample)));
    return Expected(outputs.begin(), outputs.end());
  }

private:
  std::unique_ptr<Engine> engine_;
  std::vector<Inputs> samples_;
};

class OnnxRuntimeReference : public Reference {
public:
  OnnxRuntimeReference(const std::string &model, int32_t threads, const ComparedPorts &compared)
      : runtime_(model, threads), own_(compared.own) {
    for (size_t i = own_; i < compared.ports.size(); ++i)
      values_.push_back(compared.ports[i].name);
  }
  std::string name() const override { return "ONNX Runtime " + runtime_.version(); }
  Result<void> take(const std::vector<Inputs> &samples) override {
    expected_ = TRY(runtime_.run(samples, own_, values_));
    return {};
  }
  Result<Expected> expected(size_t sample) override { return std::move(expected_.at(sample)); }

private:
  OnnxRuntime runtime_;
  size_t own_;
  std::vector<std::string> values_;
  std::vector<Expected> expected_;
};

class FileReference : public Reference {
public:
  FileReference(std::string path, Expected expected)
      : path_(std::move(path)), expected_(std::move(expected)) {}
  std::string name() const override { return path_; }
  Result<void> take(const std::vector<Inputs> &) override { return {}; }
  Result<Expected> expected(size_t) override { return expected_; }

private:
  std::string path_;
  Expected expected_;
};

std::string namesOf(const std::vector<EnginePort> &ports) {
  std::string text;
  for (const EnginePort &port : ports)
    text += (text.empty() ? "" : ", ") + port.str();
  return text;
}

/// Types that NumPy does not have are in files as the bits that hold them.
Tensor retyped(Tensor array, const Type &type) {
  if (type.isTensor() && array.dtype == numpyType(type.dtype()))
    array.dtype = type.dtype();
  return array;
}

Result<Expected> readArchive(const std::string &path, const ComparedPorts &compared) {
  Expected expected(compared.ports.size());
  for (auto &[name, array] : TRY(readNpz(path))) {
    auto port = std::ranges::find(compared.ports, name, &EnginePort::name);
    if (port == compared.ports.end()) {
      Error error = badInput(fmt::format("{}: the model has no output '{}'", path, name));
      error.notes.push_back("what is compared is " + namesOf(compared.ports));
      return error;
    }
    expected[static_cast<size_t>(port - compared.ports.begin())] =
        RuntimeValue(retyped(std::move(array), port->type));
  }
  return expected;
}

/// The .npy files of a folder by what they are called after; of two, an error.
Result<std::map<std::string, std::string>> arraysIn(const std::string &folder) {
  static const std::regex position("^(output_)?[0-9]+_");
  std::map<std::string, std::string> files;
  std::error_code failed;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder, failed)) {
    if (entry.path().extension() != ".npy")
      continue;
    std::string name = std::regex_replace(entry.path().stem().string(), position, "");
    if (auto [other, fresh] = files.try_emplace(name, entry.path().string()); !fresh)
      return badInput(fmt::format("'{}' and '{}' are both called after '{}'", other->second,
                                  entry.path().string(), name));
  }
  if (failed)
    return badInput(fmt::format("{}: {}", folder, failed.message()));
  return files;
}

Result<Expected> readFolder(const std::string &folder, const ComparedPorts &compared) {
  std::vector<EnginePort> own(compared.ports.begin(), compared.ports.begin() + compared.own);
  Expected expected = TRY(readTestData(folder, "output", dataKinds(own)));
  expected.resize(compared.ports.size());
  std::map<std::string, std::string> files = TRY(arraysIn(folder));
  for (size_t i = 0; i < expected.size(); ++i) {
    auto file = files.find(fileSafe(compared.ports[i].name));
    if (expected[i] || file == files.end())
      continue;
    expected[i] = RuntimeValue(retyped(TRY(readNpy(file->second)), compared.ports[i].type));
  }
  return expected;
}

} // namespace

std::unique_ptr<Reference> makeInterpreterReference(std::unique_ptr<Engine> interpreter) {
  return std::make_unique<InterpreterReference>(std::move(interpreter));
}

std::unique_ptr<Reference> makeOnnxRuntimeReference(const std::string &model, int32_t threads,
                                                    const ComparedPorts &compared) {
  return std::make_unique<OnnxRuntimeReference>(model, threads, compared);
}

Result<std::unique_ptr<Reference>> makeFileReference(const std::string &path,
                                                     const ComparedPorts &compared) {
  std::error_code ignored;
  Expected expected = TRY(fs::is_directory(path, ignored) ? readFolder(path, compared)
                                                          : readArchive(path, compared));
  if (std::ranges::none_of(expected, [](const auto &value) { return value.has_value(); })) {
    Error error = badInput(fmt::format("{}: says nothing about an output of the model", path));
    error.notes.push_back("the outputs are " + namesOf(compared.ports));
    return error;
  }
  return std::unique_ptr<Reference>(new FileReference(path, std::move(expected)));
}

} // namespace cameo
