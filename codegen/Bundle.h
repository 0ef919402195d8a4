// Several models that become one library. What is equal in them is there once: functions, by their
// text, and weights, by their bytes.
#pragma once

#include "ir/Program.h"

#include <map>
#include <string>
#include <vector>

namespace cameo {

struct BundleModel {
  /// What it is found by in the bundle.
  std::string name;
  /// ModelHash.h.
  uint64_t hash = 0;
  Program program;
  /// In a bundle: the names of its functions in the bundle's module, by kind.
  std::map<std::string, std::string> entries;
};

struct Bundle {
  /// In the order of their names. Their programs have neither functions nor weights of their own.
  std::vector<BundleModel> models;
  /// The functions and weights of all, and nothing else.
  Program shared;
  /// What the models had before: functions, and bytes of weights.
  int64_t functionsBefore = 0, weightBytesBefore = 0;
};

/// Where a model's weights are depends on the bundle, and models with other weights can have equal
/// functions: a function reads the place of each in the run's table of sizes, where the function of
/// kind "sizes", which every model has for itself, puts it.
Bundle mergeModels(std::vector<BundleModel> models);

} // namespace cameo
