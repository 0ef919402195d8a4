// What the rank of a result depends on that only the run knows, and which ranks there can be.
#pragma once

#include "ir/Module.h"

#include <vector>

namespace cameo {

/// Whether it is a tensor of unknown rank.
inline bool isUnranked(const Value *value) {
  return value && value->type.isTensor() && !value->type.isRanked();
}

/// A number that decides ranks: the rank of a value (`axis` is -1), or its size along an axis: a
/// shape of five numbers makes a Reshape's result one of rank 5.
struct RankRoot {
  Value *value;
  int64_t axis;

  friend bool operator==(const RankRoot &, const RankRoot &) = default;
};

/// What decides the ranks of the op's results and how it is computed; nothing for ops that take and
/// give values of any rank as they are (boxes, sequences, branches and loops).
std::vector<RankRoot> rankRootsOf(const Op &op);

/// The numbers that a root may be in a run, ascending; those above kMaxOpenRank only if they are
/// known to come.
std::vector<int64_t> choicesOf(const RankRoot &root);

/// Whether nothing says which ranks the value, a tensor of unknown rank, may have.
bool hasOpenRank(const Value &value);

/// The largest rank for which code is made where nothing says which ranks there are.
constexpr int64_t kMaxOpenRank = 8;

} // namespace cameo
