// See SharedKernel.h.
#include "lowering/program/SharedKernel.h"

namespace cameo {

SharedKernel::SharedKernel(Func &kernel) : kernel_(kernel) {
  collectSizes(kernel.body);
  collectNodes(kernel.body);
}

Value *SharedKernel::argument(int64_t key, std::vector<int64_t> &keys,
                              std::map<int64_t, Value *> &known) {
  auto [entry, isNew] = known.try_emplace(key);
  if (isNew) {
    entry->second = kernel_.body.addArg(Type::index());
    keys.push_back(key);
  }
  return entry->second;
}

void SharedKernel::collectSizes(Block &block) {
  for (auto it = block.ops().begin(); it != block.ops().end();) {
    Op &op = **it++;
    for (int64_t i = 0; i < op.numRegions(); i++)
      collectSizes(op.region(i));
    if (op.kind() != OpKind::FrameDim)
      continue;
    op.result()->replaceAllUsesWith(argument(op.attrs.getInt("index"), sizes, sizeArguments_));
    op.erase();
  }
}

void SharedKernel::collectNodes(Block &block) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    for (int64_t i = 0; i < op->numRegions(); i++)
      collectNodes(op->region(i));
    if (op->kind() != OpKind::TeamFail || op->attrs.getInt("node", -1) < 0)
      continue;
    Value *node = argument(op->attrs.getInt("node"), nodes, nodeArguments_);
    op->setOperands({op->operand(0), op->operand(1), node});
    op->attrs.erase("node");
  }
}

} // namespace cameo
