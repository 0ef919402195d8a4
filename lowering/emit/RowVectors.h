// A row of elements that are next to each other, in vectors: passes through it, reductions over it,
// and the exponentials of a softmax.
#pragma once

#include "lowering/build/LoopBuilder.h"

#include <functional>

namespace cameo {

/// Vectors are combined in so many chains: one would wait for each result.
inline constexpr int64_t kChains = 4;

/// Combines chain c of each step, the values so far, with the term of vector c of the step, over
/// elements [0, end), whole steps of kChains vectors.
LoopBuilder::Values combineInChains(LoopBuilder &b, Value *end, int64_t lanes,
                                    LoopBuilder::Values chains,
                                    const std::function<Value *(Value *, Value *)> &combine,
                                    const std::function<Value *(Value *)> &term);

struct RowVectors {
  LoopBuilder &b;
  DType work; // the type of terms
  int64_t lanes;
  Value *count; // of elements

  /// Gets the first element's number and, behind the last whole vector, a mask.
  using Visit = std::function<void(Value *, Value *)>;
  using Term = std::function<Value *(Value *, Value *)>;

  void forEach(const Visit &visit) const;
  Value *sum(const Term &term) const;
  /// The largest term. NaN may not be seen: what a softmax does next, sums and products of all
  /// exponentials, is NaN all the same.
  Value *largest(const Term &term) const;

  /// exp(score - shift) for each score, where shift is the largest, so that none is more than 1.
  /// Masked, it is 0 in a row of -inf alone, whose exponentials are then 0 instead of NaN.
  struct Exponentials {
    Value *shift; // in every lane
    Value *sum;

    /// The reciprocal of the sum; 0 where that is 0.
    Value *factor(LoopBuilder &b) const;
  };
  /// visit(exponential, number of the first element, mask).
  Exponentials exponentials(bool isMasked, const Term &score,
                            const std::function<void(Value *, Value *, Value *)> &visit) const;

private:
  using Combine = std::function<Value *(Value *, Value *)>;

  Value *reduce(const std::string &op, double neutral, const Combine &combine,
                const Term &term) const;
  Value *tailLanes() const;
};

} // namespace cameo
