// Types inside the regions of control flow ops. A region's arguments start with the types of the
// values they are given; a value carried from one iteration to the next whose size or rank changes
// on the way gets a size or rank that is not known, until nothing changes any more (a fixed point
// over a lattice of finite height, as in abstract interpretation). What the model declares about
// carried values is not believed: real exports declare an accumulator with its first size.
#pragma once

#include "ir/Builder.h"

#include <map>
#include <set>

namespace cameo {

class RegionTypes {
public:
  explicit RegionTypes(Module &module) : module_(module) {}

  /// The types of a region's arguments by the op's operands; an error if an operand they follow
  /// from is missing or no tensor or sequence as the op needs.
  static Result<std::vector<Type>> arguments(const Op &op, int64_t region);
  /// Widens the types of carried values until they hold for all iterations, inferring the regions
  /// anew as needed. Their blocks are complete, and inferred for the arguments as they are.
  Result<void> settle(Op &op);
  /// Infers an op whose operands have other types than before, with what is in its regions.
  Result<void> inferAgain(Op &op);

private:
  Result<bool> widenCarried(Op &op, int round);
  Result<bool> widen(const Op &op, Value &argument, const Type &yielded, int round);
  Result<void> inferRegions(Op &op);
  void rebind(Value &argument, const Type &given);
  bool isOwn(const Value &argument, const Dim &dim) const;

  Module &module_;
  /// Symbols made for sizes of an argument that differ between iterations.
  std::map<const Value *, std::set<std::string>> own_;
};

/// What an If's condition is, if that is known.
std::optional<bool> knownCondition(const Value *condition);

} // namespace cameo
