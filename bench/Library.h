// Compiled models through their public C API. `run`, `compare` and `bench` use a library as any
// program does that links it.
#pragma once

#include "ir/eval/graph/Tensor.h"
#include "runtime/include/cameo.h"

#include <memory>
#include <optional>

namespace cameo {

/// An input or output of a loaded model. A dim is a constant or a name.
struct PortInfo {
  std::string name;
  int32_t kind = CAMEO_TENSOR;
  std::optional<DType> dtype; // none when Cameo has no such type
  bool ranked = true;
  std::vector<std::string> dims;
  /// The constants among the dims, -1 for names.
  std::vector<int64_t> extents;
};

struct RunOptions {
  /// Threads, the caller's included.
  int32_t threads = 1;
  uint64_t seed = 0;
  /// That a run may take, see cameo_options; 0 for any number.
  double seconds = 0;
};

/// What the command line calls a library: `FILE.so`, or `FILE.so:NAME` for a model of a bundle.
struct LibraryName {
  std::string file, model; // "" for the only model

  static LibraryName of(const std::string &text);
};

/// Why this machine cannot load a file that is fine elsewhere: made for another architecture, or
/// for the web. "" for any other file.
std::string foreignCode(const std::string &file);

/// A model of a shared library made by `cameo compile` or `cameo bundle`, which is mapped for as
/// long as this or one of its sessions lives.
class Library {
public:
  /// Errors if the file is not a shared library made by Cameo, or one of another ABI version, or
  /// not as Cameo wrote it, or has no model of the name.
  static Result<std::shared_ptr<Library>> load(const std::string &name);
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  /// As it was called when it was loaded.
  const std::string &name() const { return name_; }
  const cameo_model &model() const { return *model_; }
  const std::vector<PortInfo> &inputs() const { return inputs_; }
  const std::vector<PortInfo> &outputs() const { return outputs_; }

private:
  Library() = default;
  Result<void> findModel(const LibraryName &name);
  std::string name_;
  void *handle_ = nullptr;
  const cameo_model *model_ = nullptr;
  std::vector<PortInfo> inputs_, outputs_;
};

/// A context of a library: its threads and its workspace.
class Session {
public:
  static Result<std::unique_ptr<Session>> create(std::shared_ptr<Library> library,
                                                 const RunOptions &options = {});
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// One value an input, in order; gives one an output. The status text of the library becomes the
  /// error. Input memory is the caller's, outputs are copied out of the context.
  Result<std::vector<RuntimeValue>> run(const std::vector<RuntimeValue> &inputs);
  /// Runs again on the inputs of the last run, leaving the outputs in the context: for timing.
  Result<void> rerun();
  /// A copy of an output of the last run.
  Result<RuntimeValue> output(int32_t index) const;

private:
  Session() = default;
  std::shared_ptr<Library> library_;
  cameo_context *context_ = nullptr;
  struct Arguments;
  std::unique_ptr<Arguments> arguments_;
};

} // namespace cameo
