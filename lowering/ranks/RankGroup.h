// Ops that follow from values of unknown rank, once for each combination of ranks; see
// DispatchRanks.cpp.
#pragma once

#include "ir/infer/RankRoots.h"
#include "ir/infer/RegionTypes.h"

#include <unordered_map>
#include <unordered_set>

namespace cameo {

class RankGroup {
public:
  /// A group without ops that `first` is to be added to, whose roots these are. An error if there
  /// are too many combinations.
  static Result<RankGroup> begin(Module &module, RegionTypes &types, Op &first,
                                 std::vector<RankRoot> roots);

  /// Whether the op depends on what differs between the combinations, and on no other unknown rank.
  bool wants(const Op &op);
  /// Adds an op. A combination in which it cannot work ends here: a run that comes to it fails. An
  /// error if it cannot work in any.
  Result<void> add(Op &op);
  /// Results of the ops in the group.
  const std::unordered_set<const Value *> &results() const { return results_; }
  /// Replaces the ops of the group by branches before `where`. The values that have other types
  /// than those in whose place they are.
  Result<std::vector<Value *>> finish(Op &where);

  /// Users of what differs; whoever has looked at one removes it.
  std::unordered_set<Op *> pending;
  /// Ops made so far.
  int64_t numCopies = 0;

private:
  struct Combination {
    std::vector<int64_t> choices; // one a root
    std::vector<Op *> expects;    // one a root
    Block *block = nullptr;
    std::unordered_map<const Value *, Value *> values; // by the original
    bool isAlive = true;
  };
  using Combinations = std::vector<Combination *>;

  RankGroup(Module &module, RegionTypes &types, Op &first, std::vector<RankRoot> roots);

  Result<void> expectChoices(Combination &combination);
  Combinations alive();
  bool isRoot(const Value &value) const;
  bool isDecided(const Op &op);
  Result<void> copy(Combination &combination, const Op &op);
  Result<void> copyBranch(Combination &combination, const Op &op, Block &branch);
  bool differs(const Value &value);
  ConstRef commonConstant(const Value &value);
  bool isOutside(Op *op) const;
  std::vector<Value *> outlets() const;
  void box(const std::vector<Value *> &outlets);
  Value *numberOf(const RankRoot &root, Builder &b) const;
  Result<std::vector<Value *>> emit(const Combinations &combinations,
                                    const std::vector<Value *> &outlets, size_t level, Op &where);
  Result<std::vector<Value *>> choose(const Combinations &combinations,
                                      const std::vector<Value *> &outlets, size_t level,
                                      Value *number, Op &where);

  Module &module_;
  RegionTypes &types_;
  Op &first_;
  const Op *limiting_ = nullptr; // the first op that cannot work in all combinations
  std::vector<RankRoot> roots_;
  std::unique_ptr<Op> holder_; // its regions are the blocks of the combinations
  std::vector<Combination> combinations_;
  std::vector<Op *> ops_; // the originals, in order
  std::unordered_set<const Op *> members_;
  std::unordered_set<const Value *> results_, differing_;
};

} // namespace cameo
