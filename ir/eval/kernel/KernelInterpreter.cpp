// See KernelInterpreter.h.
#include "ir/eval/kernel/KernelInterpreter.h"

#include "ir/eval/kernel/KernelMachine.h"

#include <fmt/format.h>

namespace cameo {

Result<std::vector<RuntimeValue>> interpretKernels(Func &func, const Target &target,
                                                   const std::vector<RuntimeValue> &inputs,
                                                   const KernelOptions &options) {
  if (std::ssize(inputs) != func.body.numArgs())
    return badInput(fmt::format("expected {} inputs, got {}", func.body.numArgs(), inputs.size()));
  eval::KernelMachine machine(func, target, options);
  for (int64_t i = 0; i < func.body.numArgs(); i++) {
    const Value &arg = *func.body.arg(i);
    const RuntimeValue &input = inputs[static_cast<size_t>(i)];
    if (!arg.type.isRanked() || arg.type.dtype() == DType::String)
      return unsupported(fmt::format("input '{}' is no tensor of numbers", arg.name));
    if (!input.isTensor() || input.tensor().dtype != arg.type.dtype() ||
        input.tensor().rank() != arg.type.rank())
      return badInput(fmt::format("input '{}': expected {}", arg.name, arg.type.str()));
    TRY(machine.bindInput(i, input.tensor()));
  }
  TRY(machine.runBody());
  std::vector<RuntimeValue> outputs;
  for (int64_t i = 0; i < func.body.terminator()->numOperands(); i++)
    outputs.emplace_back(TRY(machine.takeOutput(i)));
  return outputs;
}

} // namespace cameo
