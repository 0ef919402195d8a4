// Kernels that differ in nothing but sizes and nodes are one function.
#pragma once

#include "ir/Module.h"

#include <cstdint>
#include <map>
#include <vector>

namespace cameo {

/// Makes the sizes that a kernel reads, and the nodes that it names when it fails, arguments, so
/// that kernels that differ in them alone are one function.
class SharedKernel {
public:
  explicit SharedKernel(Func &kernel);

  /// What to pass behind the kernel's other arguments: entries of the table of sizes, then numbers
  /// of nodes.
  std::vector<int64_t> sizes, nodes;

private:
  Value *argument(int64_t key, std::vector<int64_t> &keys, std::map<int64_t, Value *> &known);
  void collectSizes(Block &block);
  void collectNodes(Block &block);

  Func &kernel_;
  std::map<int64_t, Value *> sizeArguments_, nodeArguments_;
};

} // namespace cameo
