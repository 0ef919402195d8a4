// Attributes of ops that the calling thread runs between kernels.
#pragma once

#include "ir/infer/Requirement.h"
#include "ir/kernel/Fields.h"

namespace cameo {

template <> struct EnumWords<Relation> {
  static constexpr std::string_view words[] = {"equal", "broadcast", "broadcast_to", "multiple",
                                               "at_most"};
};

struct GuardAttrs {
  Relation relation = Relation::Equal;
  Dims sizes;       // two
  std::string text; // what the run fails with; see Requirement::text

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("relation", self.relation);
    visit("sizes", self.sizes);
    visit("text", self.text);
  }
  Result<void> verify(const Op &op) const;
};

/// The symbol that stands for the current iteration of a Loop in layouts of what is inside it: the
/// attribute `iteration`, which assign-layouts sets.
Dim iterationOf(const Op &loop);

struct SizesAttrs {
  std::vector<std::string> symbols;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("symbols", self.symbols);
  }
  Result<void> verify(const Op &op) const;
};

/// The op has the attributes of the user's node besides.
struct CallAttrs {
  std::string callee;
  std::vector<std::string> symbols;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("callee", self.callee);
    visit("symbols", self.symbols, std::vector<std::string>());
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return callee; }
};

} // namespace cameo
