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

  bool empty() const;
  /// Whether a buffer with this halo serves a reader that needs `other`.
  bool covers(const Halo &other) const;
  void enlarge(const Halo &other);
};

/// No halo, for a rank.
Halo noHalo(int64_t rank);
/// What a conv reads around its first operand.
Halo haloOf(Op &conv);

} // namespace cameo
