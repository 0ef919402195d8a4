// What a model costs by its shapes alone: arithmetic and parameters an op. Multiply and add count
// as two operations, as is usual.
#pragma once

#include "tools/ModelOptions.h"

#include <map>
#include <set>
#include <string>

namespace cameo {

struct OpCost {
  int64_t count = 0;
  double flops = 0;
  double parameters = 0; // elements of constants used as operands
};

struct ModelCost {
  /// By op name. An op inside a loop or branch counts once.
  std::map<std::string, OpCost> ops;
  OpCost total;
  double parameterBytes = 0;
  /// Symbols in sizes that had no value and were taken as 1.
  std::set<std::string> unknownSizes;
};

/// Of a model file. Symbols that the options give no value are 1. Arithmetic that does not depend
/// on inputs counts nothing.
Result<ModelCost> costOf(const std::string &model, const ModelOptions &options);

} // namespace cameo
