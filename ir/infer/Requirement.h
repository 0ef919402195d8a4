// What operators require of sizes where inference cannot tell whether it holds: a product's depths
// that have different names, addends of [n, 4] and [m, 4]. Rules note such requirements
// (InferContext::require); UnifySizes.h solves those that leave no choice, the pass guard-sizes has
// the others checked at run time.
#pragma once

#include "ir/Dim.h"
#include "ir/Op.h"
#include "ir/Result.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

enum class Relation {
  Equal,       // a == b
  Broadcast,   // a == b, or one of them is 1
  BroadcastTo, // a == b, or a is 1
  Multiple,    // b divides a, and is not 0
  AtMost,      // a <= b
};

struct Requirement {
  Relation relation;
  Dim a, b;
  /// The message for the user: the inputs concerned and what was expected. %a and %b stand for the
  /// values of the sizes, %% for a percent sign.
  std::string text;
};

/// Whether the requirement holds for all values of the symbols (true) or for none (false); nothing
/// if that depends on them.
std::optional<bool> decide(Relation relation, const Dim &a, const Dim &b);

/// User's words for a requirement's text, where a percent sign means itself.
std::string literal(std::string_view words);

/// The requirements of a graph op with inferred types that only the run can decide. Does not change
/// the op. Errors: those of the op's inference.
Result<std::vector<Requirement>> requirementsOf(Op &op);

} // namespace cameo
