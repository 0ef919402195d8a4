// Larger weights for faster convolutions and products: what the algorithms of each are estimated to
// take and to store, f32 as pieces among them, and which of them PassContext::optimize allows.
//
// Weights may become larger by so much in all: without limit (Speed), not at all (Size), by half of
// the bytes of the model's constants (Balanced). With Balanced there is no limit either where the
// model as Speed has it is estimated to take less than 1/1.25 of the time of the model as Size has
// it: faster by more than 25 %.
#pragma once

#include "ir/Module.h"
#include "lowering/Pass.h"
#include "lowering/plan/Winograd.h"

#include <map>
#include <string>
#include <vector>

namespace cameo {

/// What a convolution or product may be computed by: first the direct algorithm in f32, each next
/// one stores more.
struct LayerCosts {
  Op *op;
  std::vector<AlgorithmCost> costs;
  /// Of costs; the last one at first.
  size_t chosen;
  /// Whether the last one was measured to be best (TunedPlans.h): it is preferred to all estimates.
  bool isTuned;

  const AlgorithmCost &choice() const { return costs[chosen]; }
};

/// The convolutions and products of a module that Winograd's algorithms or pieces can compute, and
/// what is chosen for them.
class WeightBudget {
public:
  /// Of a module of kernels, planned or not. An error if a tuned algorithm does not fit its op.
  static Result<WeightBudget> of(Module &module, const PassContext &context);

  /// Chooses what the setting allows; the same for the same module.
  void choose(Optimize optimize);
  /// Takes what the ops have.
  void takeFromOps();

  const std::vector<LayerCosts> &layers() const { return layers_; }
  /// Bytes of the model's constants, each once.
  int64_t modelBytes() const { return modelBytes_; }
  /// By so many bytes are the weights of the chosen algorithms larger than those of direct ones.
  int64_t addedBytes() const { return storedBytes_ - directBytes_; }
  /// An estimate of all convolutions and products; other kernels count nothing.
  double cycles() const;

private:
  void take(size_t layer, size_t algorithm);
  void takeAll(bool isFastest);
  void fill(int64_t limit);

  std::vector<LayerCosts> layers_;
  /// Of what is stored: layers with the same weights and algorithm share it.
  std::map<std::string, int64_t> users_;
  int64_t modelBytes_ = 0, storedBytes_ = 0, directBytes_ = 0;
  double otherCycles_ = 0;
};

} // namespace cameo
