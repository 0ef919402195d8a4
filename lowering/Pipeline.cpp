// The pipeline: what happens between the importer and code generation, in order, and why in that
// order. This is the first file to read in this folder.
#include "lowering/Pipeline.h"
#include "ir/eval/AnyLevel.h"
#include "lowering/Passes.h"

#include <algorithm>

namespace cameo {

namespace {

constexpr PipelineStep kPipeline[] = {
    // First: what follows needs ranks.
    {"ranks", "dispatch-ranks"},
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
    // Layers spelled out in primitives. Behind folding, which makes numbers of their constants,
    // and behind the integer passes: a layer may begin where a product's scale ends.
    {"recover", "recover-normalizations"},
    {"recover", "recover-activations"},
    {"recover", "recover-softmax"},
    // What computed a softmax would be another reader of the scores.
    {"recover", "remove-dead-ops"},
    {"recover", "recover-attention"},
    // What computed the layers has uses for no other pattern.
    {"recover", "remove-dead-ops"},
    {"decompose", "decompose"},
    // Decomposition makes constants (reshaped scales, negated statistics).
    {"decompose", "fold-constants"},
    // Shape computations are dead now: shapes are in the types.
    {"decompose", "remove-dead-ops"},
    // Kernel level.
    {"kernels", "select-kernels"},
    // Before weights are packed: algorithms read different forms of them.
    {"plan", "choose-algorithms"},
    // Before fusion, which moves what is done to inputs to where they are made.
    {"plan", "plan-packing"},
    // Before layouts: which values exist in memory decides where they live.
    {"fuse", "fuse-widening"},
    // What is widened has no readers left, and would be another reader of the narrow elements.
    {"fuse", "remove-dead-ops"},
    {"fuse", "fuse-epilogues"},
    // Behind fusion: scale and masks are in the epilogue of the scores by then.
    {"fuse", "fuse-attention"},
    // Behind fusion, which brings what happens to a byte into one region.
    {"fuse", "tabulate-bytes"},
    // Behind the tables, which take whole chains.
    {"fuse", "multiply-by-reciprocal"},
    {"fuse", "round-to-integers"},
    {"fuse", "remove-dead-ops"},
    {"layout", "assign-layouts"},
    // Behind layouts, which insert copies, and before other plans: the loop over images is outside.
    {"tile", "plan-images"},
    // Behind layouts: rows that are next to each other in memory are tiled as one axis.
    {"tile", "plan-tiles"},
    {"tile", "plan-loops"},
    // Behind plans: each unit of a kernel notes its range. What combines these has no plan yet.
    {"tile", "note-ranges"},
    {"tile", "plan-loops"},
    // The final list of kernels, in an order that lets threads share them.
    {"memory", "order-kernels"},
    // In the final order, which tells who reads a buffer last.
    {"memory", "write-in-place"},
    // Last: lifetimes are those of the final list of kernels.
    {"memory", "plan-memory"},
};

} // namespace

std::span<const PassInfo> allPasses() {
  static const PassInfo passes[] = {
#define PASS(name, function, need, help) {name, function, PassNeed::need, help},
#include "lowering/Passes.def"
  };
  return passes;
}

std::span<const PipelineStep> pipeline() { return kPipeline; }

namespace {

/// The steps behind one that the pipeline has once.
std::vector<PipelineStep> behind(std::string_view pass) {
  auto step = std::find_if(pipeline().begin(), pipeline().end(),
                           [&](const PipelineStep &step) { return step.pass == pass; });
  ICE_UNLESS(step != pipeline().end(), "the pipeline has no pass '" + std::string(pass) + "'");
  return {step + 1, pipeline().end()};
}

} // namespace

// A step that is done without a trace runs again, and changes nothing.
std::vector<PipelineStep> remainingPipeline(const Module &module) {
  Func &main = module.main();
  bool hasLayouts = !main.buffers.empty(), isPlaced = main.attrs.has("arena");
  std::vector<PipelineStep> steps = hasLayouts || isPlaced ? behind("assign-layouts")
                                    : isKernelLevel(module)
                                        ? behind("select-kernels")
                                        : std::vector(pipeline().begin(), pipeline().end());
  if (isPlaced)
    std::erase_if(steps, [](const PipelineStep &step) { return step.pass == "plan-memory"; });
  return steps;
}

} // namespace cameo
