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

std::string kernelText(const KernelPlan &plan);
nlohmann::ordered_json kernelJson(const KernelPlan &plan);

} // namespace cameo
