// What became of a model: the kernels of the lowered module, and where its memory goes. What
// `explain` prints beside the model's own ops.
#pragma once

#include "bench/Report.h"
#include "ir/Module.h"
#include "lowering/PassManager.h"
#include "tools/KernelCost.h"

#include <map>
#include <string>

namespace cameo {

struct KernelRow {
  std::string kernel; // `conv (direct)`
  Loc loc;            // the nodes that it computes
  std::string output; // type of the first result
  int64_t fused = 0;  // ops in its regions
  KernelCost cost;
};

struct KernelPlan {
  std::vector<KernelRow> kernels; // in order of execution; views and packing of constants left out
  int64_t views = 0;              // reshapes, slices and the like that became strides
  int64_t calls = 0;              // functions in C, the slow path
  int64_t packed = 0;             // weights rearranged at compile time
  /// Bytes as text: a number, or an expression over symbols.
  std::string workspace, weights;
  /// What a run goes through in all.
  double runBytes = 0;
};

/// Lowers the module up to its kernels; an Unsupported error lists every node that has none.
/// `sizes` gives symbols values for the counts; those without are 1.
Result<KernelPlan> planKernels(Module &module, PassContext context,
                               const std::map<std::string, int64_t> &sizes,
                               const PassObserver &observer = {});

/// How names of nodes are shown.
struct NodeNames {
  /// Parts of their paths, each path once with how many nodes it stands for; 0: all names; -1: the
  /// first and how many more there are.
  int32_t depth = -1;
};

/// The first node and how many more there are, in so many columns: of a path, the end counts.
std::string nodesIn(const Loc &loc, size_t width);

/// In lines no longer than `width`, if nothing but the first node is asked for.
std::string kernelText(const KernelPlan &plan, const NodeNames &names, size_t width);
nlohmann::ordered_json kernelJson(const KernelPlan &plan);

} // namespace cameo
