// Binds inputs, finds the sizes, sets up memory and takes the outputs out of it, as the runtime
// does (runtime/abi.h); see LoopInterpreter.h.
#include "ir/eval/loop/LoopInterpreter.h"

#include "ir/eval/Faults.h"
#include "ir/eval/loop/Machine.h"
#include "runtime/abi.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace eval {
namespace {

/// What can be told of the size of a tensor at run time.
struct Extent {
  std::vector<int64_t> dims;
  int64_t bytes = 0;
};

class Run {
public:
  Run(const Program &program, const Target &target, const LoopOptions &options)
      : program_(program), options_(options), machine_(program, target, options) {}

  Result<std::vector<RuntimeValue>> run(const std::vector<RuntimeValue> &inputs);

private:
  Result<void> bind(const Port &port, const RuntimeValue &value);
  Result<int64_t> call(const std::string &name, std::vector<int64_t> args = {});
  Result<Extent> extentOf(const Port &port) const;
  Result<void> setUpMemory(const std::vector<RuntimeValue> &inputs);
  Result<Tensor> takeOutput(int64_t index);
  Error faultError() const;

  const Program &program_;
  const LoopOptions &options_;
  Machine machine_;
};

Error Run::faultError() const {
  const LoopFault &fault = *machine_.fault;
  int64_t own = fault.code - CAMEO_FAULT_OWN;
  return eval::faultError(own >= 0 ? program_.faultTexts.names[own] : faultText(fault.code),
                          fault.node >= 0 ? program_.nodeNames.names[fault.node] : "", fault.a,
                          fault.b);
}

Result<int64_t> Run::call(const std::string &name, std::vector<int64_t> args) {
  std::optional<int64_t> result = machine_.call(name, std::move(args));
  if (result)
    return *result;
  return machine_.isUnsupported ? unsupported(machine_.error) : badInput(machine_.error);
}

Result<void> Run::bind(const Port &port, const RuntimeValue &value) {
  if (port.kind != Type::Kind::Tensor || port.dtype == DType::String)
    return unsupported(fmt::format("input '{}' is no tensor of numbers", port.name));
  const Tensor *tensor = value.isTensor() ? &value.tensor() : nullptr;
  if (!tensor || tensor->dtype != port.dtype || tensor->rank() != std::ssize(port.dims))
    return badInput(fmt::format("input '{}': expected a tensor of {} and rank {}", port.name,
                                dtypeName(port.dtype), port.dims.size()));
  for (size_t i = 0; i < port.dims.size(); i++) {
    const PortDim &dim = port.dims[i];
    int64_t got = tensor->dims[i];
    int64_t expected = dim.constant >= 0 ? dim.constant : machine_.frame.dims[dim.entry];
    if (expected >= 0 && expected != got)
      return badInput(
          fmt::format("input '{}': expected dim {} to be {}, got {}", port.name, i, expected, got));
    if (dim.constant < 0)
      machine_.frame.dims[dim.entry] = got;
  }
  return {};
}

Result<Extent> Run::extentOf(const Port &port) const {
  if (port.kind != Type::Kind::Tensor || port.dtype == DType::String || !port.isRanked)
    return unsupported(fmt::format("output '{}' is no tensor of numbers", port.name));
  Extent extent;
  for (const PortDim &dim : port.dims)
    extent.dims.push_back(dim.constant >= 0 ? dim.constant : machine_.frame.dims[dim.entry]);
  extent.bytes = dtypeBytes(port.dtype);
  for (int64_t size : extent.dims)
    if (size < 0 || __builtin_mul_overflow(extent.bytes, size, &extent.bytes))
      return badInput(fmt::format("output '{}' has the size {}", port.name, dimsText(extent.dims)));
  return extent;
}

/// Memory of the caller is aligned to its elements, and no more.
Result<void> Run::setUpMemory(const std::vector<RuntimeValue> &inputs) {
  using Kind = LoopMemory::Kind;
  LoopMemory &memory = machine_.memory;
  RunFrame &frame = machine_.frame;
  for (size_t i = 0; i < inputs.size(); i++) {
    const Tensor &tensor = inputs[i].tensor();
    std::string name = fmt::format("input '{}'", program_.inputs[i].name);
    frame.inputs.push_back(
        memory.add(Kind::Constant, name, tensor.numBytes(), dtypeBytes(tensor.dtype)));
    std::copy_n(tensor.data(), tensor.numBytes(), memory.bytes(frame.inputs.back()).data());
  }
  for (const Port &port : program_.outputs) {
    int64_t bytes = port.box >= 0 ? 0 : TRY(extentOf(port)).bytes;
    frame.outputs.push_back(memory.add(Kind::Output, fmt::format("output '{}'", port.name), bytes,
                                       dtypeBytes(port.dtype)));
  }
  frame.boxes.resize(program_.numBoxes);
  frame.weights = memory.add(Kind::Weights, "the weights", program_.weightBytes);
  for (const WeightBlob &blob : program_.weights)
    blob.maker.write(memory.bytes(frame.weights).subspan(blob.offset, blob.size), 0);
  // The arena begins with the bytes that all threads share; a part for each thread follows.
  int64_t shared = TRY(call("workspace", {0})), one = TRY(call("workspace", {1}));
  int64_t all = TRY(call("workspace", {options_.threads}));
  if (shared < 0 || all < 0)
    return badInput("the size of the workspace overflows");
  frame.arena = memory.add(Kind::Shared, "the workspace", all);
  memory.setThreadMemory(frame.arena, shared, one - shared);
  return {};
}

Result<Tensor> Run::takeOutput(int64_t index) {
  const Port &port = program_.outputs[index];
  Extent extent = TRY(extentOf(port));
  RunFrame &frame = machine_.frame;
  const Pointer &from = port.box >= 0 ? frame.boxes[port.box] : frame.outputs[index];
  if (from.block == 0 || from.end < extent.bytes)
    return badInput(fmt::format("output '{}' was not made", port.name));
  int64_t unwritten = machine_.memory.firstUnwritten(from);
  if (unwritten >= 0 && unwritten < extent.bytes)
    return badInput(fmt::format("element {} of output '{}' was not written",
                                unwritten / dtypeBytes(port.dtype), port.name));
  std::span<std::byte> bytes = machine_.memory.bytes(from).first(extent.bytes);
  return Tensor::view(
      makeConst(port.dtype, extent.dims, std::vector<std::byte>(bytes.begin(), bytes.end())));
}

Result<std::vector<RuntimeValue>> Run::run(const std::vector<RuntimeValue> &inputs) {
  if (inputs.size() != program_.inputs.size())
    return badInput(
        fmt::format("expected {} inputs, got {}", program_.inputs.size(), inputs.size()));
  machine_.frame.dims.assign(program_.numDims, -1);
  for (size_t i = 0; i < inputs.size(); i++)
    TRY(bind(program_.inputs[i], inputs[i]));
  if (TRY(call("sizes"))) {
    if (machine_.fault)
      return faultError();
    return badInput("a size is negative or too large");
  }
  TRY(setUpMemory(inputs));
  TRY(call("main"));
  if (machine_.fault)
    return faultError();
  std::vector<RuntimeValue> outputs;
  for (int64_t i = 0; i < std::ssize(program_.outputs); i++)
    outputs.emplace_back(TRY(takeOutput(i)));
  return outputs;
}

} // namespace
} // namespace eval

Result<std::vector<RuntimeValue>> interpret(const Program &program, const Target &target,
                                            const std::vector<RuntimeValue> &inputs,
                                            const LoopOptions &options) {
  return eval::Run(program, target, options).run(inputs);
}

} // namespace cameo
