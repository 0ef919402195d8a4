// What a region computes of bytes: few enough that all of it can be evaluated.
#pragma once

#include "ir/Op.h"
#include "ir/Target.h"

#include <optional>
#include <unordered_set>
#include <vector>

namespace cameo {

/// Whether elements are integers of 8 bits.
bool isByte(const Value &value);

/// The scalar ops that lead from bytes to a value, each behind those whose results it reads.
struct ByteCone {
  std::vector<Value *> bytes = {}; // at most two
  std::vector<Op *> ops = {};      // the last one makes the value
  int64_t weight = 0;              // of the ops, see weightOf

  /// The value for all bytes, in the order of their bits, the first byte varying slowest; it must
  /// be an integer.
  std::vector<int64_t> evaluate(const Target &target) const;
};

/// The cone of an op's result. Bytes in `inside` do not end it. Nothing if other values, or more
/// than two bytes, lead to the result.
std::optional<ByteCone> byteCone(Op &op, const std::unordered_set<Value *> &inside);

} // namespace cameo
