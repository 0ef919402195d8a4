// See Engine.h.
#include "tools/Engine.h"
#include "tools/Options.h"

#include "frontend/MappedFile.h"
#include "ir/eval/graph/Interpreter.h"

#include <fmt/format.h>

namespace cameo {

namespace {

class ReferenceEngine : public Engine {
public:
  ReferenceEngine(std::shared_ptr<Module> module, const RunOptions &options)
      : module_(std::move(module)) {
    options_.seed = options.seed;
    options_.seconds = options.seconds;
    Func &main = module_->main();
    for (const std::unique_ptr<Value> &argument : main.body.args())
      inputs_.push_back({argument->name, argument->type});
    const Op *terminator = main.body.terminator();
    for (int64_t i = 0; i < terminator->numOperands(); ++i)
      outputs_.push_back({main.resultNames[static_cast<size_t>(i)], terminator->operand(i)->type});
  }

  Result<std::vector<RuntimeValue>> run(const std::vector<RuntimeValue> &inputs) override {
    last_ = inputs;
    std::vector<RuntimeValue> outputs = TRY(interpret(module_->main(), inputs, options_));
    options_.seed++;                   // as a context's runs, each of which draws other numbers
    TRY(MappedFile::checkUnchanged()); // the weights were read until now
    return outputs;
  }
  Result<void> rerun() override {
    TRY(interpret(module_->main(), last_, options_));
    return {};
  }

private:
  std::shared_ptr<Module> module_;
  EvalOptions options_;
  std::vector<RuntimeValue> last_;
};

Type typeOf(const PortInfo &port) {
  // Types that Cameo does not have never get this far: compiling refuses them.
  DType dtype = port.dtype.value_or(DType::F32);
  Type tensor = Type::unranked(dtype);
  if (port.ranked) {
    Dims dims;
    for (size_t i = 0; i < port.dims.size(); ++i)
      dims.push_back(port.extents[i] >= 0 ? Dim(port.extents[i]) : Dim::symbol(port.dims[i]));
    tensor = Type::tensor(dtype, std::move(dims));
  }
  if (port.kind == CAMEO_SEQUENCE)
    return Type::sequence(tensor);
  return port.kind == CAMEO_OPTIONAL ? Type::optional(tensor) : tensor;
}

class LibraryEngine : public Engine {
public:
  explicit LibraryEngine(std::unique_ptr<Session> session, const Library &library)
      : session_(std::move(session)) {
    for (const PortInfo &port : library.inputs())
      inputs_.push_back(enginePort(port));
    for (const PortInfo &port : library.outputs())
      outputs_.push_back(enginePort(port));
  }

  Result<std::vector<RuntimeValue>> run(const std::vector<RuntimeValue> &inputs) override {
    return session_->run(inputs);
  }
  Result<void> rerun() override { return session_->rerun(); }

private:
  std::unique_ptr<Session> session_;
};

} // namespace

std::string EnginePort::str() const { return fmt::format("'{}' ({})", name, type.str()); }

EnginePort enginePort(const PortInfo &port) { return {port.name, typeOf(port)}; }

std::unique_ptr<Engine> makeReferenceEngine(std::shared_ptr<Module> module,
                                            const RunOptions &options) {
  return std::make_unique<ReferenceEngine>(std::move(module), options);
}

void addTimeoutOption(CLI::App &command, double &seconds) {
  command.add_option("--timeout", seconds, "Longest that a run may take (default: any time)")
      ->type_name("SECONDS")
      ->check(number(1e-3, 1e9));
}

Result<std::unique_ptr<Engine>> makeLibraryEngine(const std::shared_ptr<Library> &library,
                                                  const RunOptions &options) {
  std::unique_ptr<Session> session = TRY(Session::create(library, options));
  return std::unique_ptr<Engine>(new LibraryEngine(std::move(session), *library));
}

} // namespace cameo
