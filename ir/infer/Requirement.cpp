// See Requirement.h.
#include "ir/infer/Requirement.h"

#include "ir/infer/Checks.h"
#include "ir/infer/Sizes.h"

namespace cameo {
std::optional<bool> decide(Relation relation, const Dim &a, const Dim &b) {
  const Dim one(1), zero(0);
  bool never = provablyDiffer(a, b);
  switch (relation) {
  case Relation::Equal:
    return a == b ? std::optional(true) : never ? std::optional(false) : std::nullopt;
  case Relation::Broadcast:
  case Relation::BroadcastTo: {
    bool mayStretch = relation == Relation::Broadcast;
    if (a == b || a == one || (mayStretch && b == one))
      return true;
    bool stays = provablyDiffer(a, one) && (!mayStretch || provablyDiffer(b, one));
    return never && stays ? std::optional(false) : std::nullopt;
  }
  case Relation::Multiple:
    if (b == zero)
      return false;
    if (a.isConst() && b.isConst())
      return Dim::mod(a, b) == zero;
    return b.isConst() && Dim::exactDiv(a, b) ? std::optional(true) : std::nullopt;
  case Relation::AtMost:
    if (provablyAtLeast(b, a))
      return true;
    return provablyGreater(a, b) ? std::optional(false) : std::nullopt;
  }
  ICE("a relation without a meaning");
}

std::string literal(std::string_view words) {
  std::string text;
  for (char c : words)
    text += c == '%' ? "%%" : std::string(1, c);
  return text;
}

} // namespace cameo
