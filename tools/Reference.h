// What `compare` takes as right.
#pragma once

#include "tools/Engine.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cameo {

using Inputs = std::vector<RuntimeValue>;
/// One an output; nothing where the reference does not say.
using Expected = std::vector<std::optional<RuntimeValue>>;

class Reference {
public:
  virtual ~Reference() = default;
  /// `the reference interpreter`, `ONNX Runtime 1.32.0`, a path; for reports at the end.
  virtual std::string name() const = 0;
  /// What the next calls of `expected` are about.
  virtual Result<void> take(const std::vector<Inputs> &samples) = 0;
  virtual Result<Expected> expected(size_t sample) = 0;
};

/// The outputs that are compared: the first `own` are the model's, others are inner values.
struct ComparedPorts {
  std::vector<EnginePort> ports;
  size_t own = 0;
};

std::unique_ptr<Reference> makeInterpreterReference(std::unique_ptr<Engine> interpreter);
/// With as many threads as compiled code has.
std::unique_ptr<Reference> makeOnnxRuntimeReference(const std::string &model, int32_t threads,
                                                    const ComparedPorts &compared);
/// An .npz with arrays by name; or a folder, of output_K.pb, or of .npy files called by the names
/// of outputs (as fileSafe has them), also behind `output_K_` and `K_`. An array that has no
/// output's name is an error, as is a path that says nothing about any output.
Result<std::unique_ptr<Reference>> makeFileReference(const std::string &path,
                                                     const ComparedPorts &compared);

} // namespace cameo
