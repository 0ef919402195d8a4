// What can run a model: the reference interpreter on an ONNX file, or compiled code. `run`,
// `compare` and `bench` see both through this.
#pragma once

#include "bench/Library.h"
#include "ir/Module.h"

#include <memory>

namespace CLI {
class App;
}

namespace cameo {

/// An input or output. Dims of a compiled library carry the library's names for sizes.
struct EnginePort {
  std::string name;
  Type type;
  std::string str() const; // `'x' (f32[N,3])`
};

EnginePort enginePort(const PortInfo &port);

class Engine {
public:
  virtual ~Engine() = default;
  const std::vector<EnginePort> &inputs() const { return inputs_; }
  const std::vector<EnginePort> &outputs() const { return outputs_; }

  /// One value an input, in order; gives one an output.
  virtual Result<std::vector<RuntimeValue>> run(const std::vector<RuntimeValue> &inputs) = 0;
  /// Runs again on the inputs of the last run and drops the outputs: for timing.
  virtual Result<void> rerun() = 0;

protected:
  std::vector<EnginePort> inputs_, outputs_;
};

/// The reference interpreter, which has one thread. The module is shared so that others can look at
/// it.
std::unique_ptr<Engine> makeReferenceEngine(std::shared_ptr<Module> module,
                                            const RunOptions &options);
Result<std::unique_ptr<Engine>> makeLibraryEngine(const std::shared_ptr<Library> &library,
                                                  const RunOptions &options);

/// Adds --timeout.
void addTimeoutOption(CLI::App &command, double &seconds);

} // namespace cameo
