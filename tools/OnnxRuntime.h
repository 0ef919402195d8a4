// ONNX Runtime, which runs in a process of its own: the Python part `reference`, with which tensors
// are exchanged in files of a temporary folder.
#pragma once

#include "ir/eval/graph/Tensor.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cameo {

class OnnxRuntime {
public:
  OnnxRuntime(std::string model, int32_t threads) : model_(std::move(model)), threads_(threads) {}

  /// `1.32.0`, known after a run.
  const std::string &version() const { return version_; }

  /// For each sample one value an output, and one for each of these values of the graph; nothing
  /// where the graph has no such value. Errors: ONNX Runtime is missing or does not take the model;
  /// an input or output is no tensor.
  Result<std::vector<std::vector<std::optional<RuntimeValue>>>>
  run(const std::vector<std::vector<RuntimeValue>> &samples, size_t numOutputs,
      const std::vector<std::string> &values);

  struct Measured {
    double load = 0, firstRun = 0; // seconds
    int64_t memory = -1;           // bytes that both added to the process
    std::vector<double> latencies; // seconds
  };
  /// Starts anew, and runs on the inputs for so many seconds.
  Result<Measured> measure(const std::vector<RuntimeValue> &inputs, double seconds);

private:
  std::string model_;
  int32_t threads_;
  std::string version_;
};

} // namespace cameo
