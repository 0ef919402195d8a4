// The pipeline: what happens between the importer and code generation, in order, and why in that
// order. This is the first file to read in this folder.
#include "lowering/Pipeline.h"
#include "lowering/Passes.h"

namespace cameo {

std::span<const PassInfo> allPasses() {
  static const PassInfo passes[] = {
#define PASS(name, function, need, help) {name, function, PassNeed::need, help},
#include "lowering/Passes.def"
  };
  return passes;
}

std::span<const PipelineStep> pipeline() {
  static const PipelineStep steps[] = {
      // Before any op is rewritten: what it requires of sizes would be lost.
      {"sizes", "guard-sizes"},
      // Quantized layers, while their weights are integers: folding makes floats of them.
      {"quantize", "remove-identities"},
      {"quantize", "sink-dequantize"},
      {"quantize", "integer-contractions"},
      {"quantize", "merge-requantize"},
      {"quantize", "remove-dead-ops"},
      // Graph level. Constants first: shapes computed by nodes must be numbers before anything
      // reads them, and only batch norms with constant statistics can be folded.
      {"simplify", "fold-constants"},
      // A dead reader of Dropout's mask would keep the Dropout.
      {"simplify", "remove-dead-ops"},
      {"simplify", "remove-identities"},
      // Before decompose, which would turn a batch norm into arithmetic.
      {"simplify", "fold-batch-norm"},
      // Again, now that computed shapes are numbers, and before ops are taken apart.
      {"simplify", "guard-sizes"},
      {"decompose", "decompose"},
      // Decomposition makes constants (reshaped scales, negated statistics).
      {"decompose", "fold-constants"},
      // Shape computations are dead now: shapes are in the types.
      {"decompose", "remove-dead-ops"},
      // Kernel level.
      {"kernels", "select-kernels"},
      // Before layouts: which values exist in memory decides where they live.
      {"kernels", "fuse-epilogues"},
      {"kernels", "remove-dead-ops"},
      // Before layouts: how far a kernel reads past the edges depends on its algorithm.
      {"plan", "choose-algorithms"},
      {"layout", "assign-layouts"},
      // Behind layouts: rows that are next to each other in memory are tiled as one axis.
      {"tile", "plan-tiles"},
      // Last: lifetimes are those of the final list of kernels.
      {"memory", "plan-memory"},
  };
  return steps;
}

} // namespace cameo
