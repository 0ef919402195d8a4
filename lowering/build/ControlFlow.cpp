// See ControlFlow.h.
#include "lowering/build/ControlFlow.h"

#include "ir/OpSpec.h"

namespace cameo {
namespace {

void addOps(Block &block, std::vector<Op *> &ops) {
  for (const std::unique_ptr<Op> &op : block.ops()) {
    ops.push_back(op.get());
    if (isControlFlow(*op))
      for (int64_t i = 0; i < op->numRegions(); i++)
        addOps(op->region(i), ops);
  }
}

} // namespace

bool isControlFlow(const Op &op) {
  return op.numRegions() > 0 && spec(op.kind()).level == Level::Graph;
}

std::vector<Op *> opsOf(Func &func) {
  std::vector<Op *> ops;
  addOps(func.body, ops);
  return ops;
}

std::vector<Block *> kernelRegionsOf(Func &func) {
  std::vector<Block *> regions;
  for (Op *op : opsOf(func))
    for (int64_t i = 0; spec(op->kind()).level == Level::Kernel && i < op->numRegions(); i++)
      regions.push_back(&op->region(i));
  return regions;
}

} // namespace cameo
