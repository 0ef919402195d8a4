// See KernelCalls.h.
#include "lowering/program/KernelCalls.h"

#include "ir/OpSpec.h"
#include "ir/Printer.h"
#include "lowering/build/ShareConstants.h"
#include "lowering/program/SharedKernel.h"

#include <fmt/format.h>

namespace cameo {

Result<KernelCall> KernelCalls::callOf(Op &op, LoopBuilder &team) {
  Func *kernel = program_.module.addFunc("");
  kernel->attrs.set("kind", std::string("kernel"));
  KernelFunc k{op,           sizes_,
               micros_,      program_.nodeNames,
               threadMemory, LoopBuilder(program_.module, kernel->body),
               {},           {}};
  KernelCall call;
  auto addPointer = [&](Value *value) -> Value * {
    if (!value)
      return nullptr;
    call.tensors.push_back(value);
    call.pointers.push_back(runTime_.pointerTo(*value, team));
    return kernel->body.addArg(call.pointers.back()->type);
  };
  for (Value *operand : op.operands())
    k.operands.push_back(addPointer(operand));
  for (const std::unique_ptr<Value> &result : op.results())
    k.results.push_back(addPointer(result.get()));
  k.begin = kernel->body.addArg(Type::index(), "begin");
  k.end = kernel->body.addArg(Type::index(), "end");
  call.units = TRY(emitterFor(op.kind())(k));
  k.b.ret();
  shareConstants(kernel->body);
  SharedKernel shared(*kernel);
  call.sizes = shared.sizes, call.nodes = shared.nodes;
  auto [entry, isNew] = kernels_.try_emplace(printFunc(*kernel), "");
  if (isNew) {
    entry->second = kernel->name = fmt::format("{}_{}", spec(op.kind()).name, kernels_.size());
    noteNode(*kernel, op);
  } else
    std::erase_if(program_.module.funcs, [&](const auto &f) { return f.get() == kernel; });
  call.callee = entry->second;
  return call;
}

void KernelCalls::call(LoopBuilder &team, const KernelCall &call, std::vector<Value *> pointers,
                       Value *begin, Value *end) {
  std::vector<Value *> args = std::move(pointers);
  args.push_back(begin);
  args.push_back(end);
  for (int64_t index : call.sizes)
    args.push_back(sizes_.valueOf(team, index));
  for (int64_t node : call.nodes)
    args.push_back(team.index(node));
  team.call(call.callee, args);
}

} // namespace cameo
