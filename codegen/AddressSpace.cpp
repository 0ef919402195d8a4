// See AddressSpace.h. Sizes, strides and offsets are constants of type index.
#include "codegen/AddressSpace.h"

#include <cstdint>
#include <limits>

namespace cameo {
namespace {

// The largest constant of type index, in a block and those inside.
int64_t largestIndex(Block &block) {
  int64_t largest = 0;
  for (const std::unique_ptr<Op> &op : block.ops()) {
    if (op->kind() == OpKind::ScalarConst && op->result()->type.isIndex())
      largest = std::max(largest, op->attrs.getInt("value"));
    for (int64_t i = 0; i < op->numRegions(); i++)
      largest = std::max(largest, largestIndex(op->region(i)));
  }
  return largest;
}

} // namespace

Result<void> checkAddresses(const Program &program, const Target &target) {
  if (target.indexBytes == 8)
    return {};
  // Weights, code and the workspace share the address space.
  int64_t most = std::numeric_limits<int32_t>::max(), largest = program.weightBytes;
  for (const std::unique_ptr<Func> &func : program.module.funcs)
    largest = std::max(largest, largestIndex(func->body));
  if (largest <= most - (64 << 20))
    return {};
  return unsupported("the model needs " + std::to_string(largest) + " bytes or elements in one " +
                     "place, more than 32-bit addresses of target " +
                     std::string(archName(target.arch)) + " reach");
}

} // namespace cameo
