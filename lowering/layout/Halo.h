// Borders around tensors that convolutions read past the edges: how much each value needs.
#pragma once

#include "ir/Module.h"

#include <map>
#include <vector>

namespace cameo {

/// Elements before and after each logical dim.
struct Halo {
  std::vector<int64_t> lo;
  Dims hi;
  /// What is in it: a number, or the only element of a tensor.
  double fill = 0;
  Value *fillFrom = nullptr;

  bool empty() const;
  bool hasFillOf(const Halo &other) const {
    return fill == other.fill && fillFrom == other.fillFrom;
  }
  /// Whether a buffer with this halo serves a reader that needs `other`.
  bool covers(const Halo &other) const;
  /// What of this halo a buffer with the halo `there` has.
  Halo within(const Halo &there) const;
  /// Makes room for `other`, too, if both are filled alike; an empty halo takes any.
  void enlarge(const Halo &other);
};

/// No halo, for a rank.
Halo noHalo(int64_t rank);
/// What a conv reads around its first operand.
Halo haloOf(Op &conv);
/// The halo around a slice: the operand's along dims taken whole, none along the others.
Halo sliceHalo(Op &slice, const Halo &halo);

} // namespace cameo
