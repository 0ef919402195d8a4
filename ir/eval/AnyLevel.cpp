// See AnyLevel.h.
#include "ir/eval/AnyLevel.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/Interpreter.h"
#include "ir/eval/kernel/KernelInterpreter.h"

#include <algorithm>

namespace cameo {

static bool hasKernels(Block &block) {
  return std::any_of(block.ops().begin(), block.ops().end(), [](const std::unique_ptr<Op> &op) {
    if (spec(op->kind()).level == Level::Kernel && op->kind() != OpKind::KernelGuard)
      return true;
    for (int64_t i = 0; i < op->numRegions(); i++)
      if (hasKernels(op->region(i)))
        return true;
    return false;
  });
}

bool isKernelLevel(const Module &module) {
  Func &main = module.main();
  return !main.buffers.empty() || hasKernels(main.body);
}

Result<std::vector<RuntimeValue>> interpretAnyLevel(Module &module, const Target &target,
                                                    const std::vector<RuntimeValue> &inputs) {
  if (isKernelLevel(module))
    return interpretKernels(module.main(), target, inputs);
  return interpret(module.main(), inputs);
}

} // namespace cameo
