// Attributes of kernels that compute or move single elements.
#pragma once

#include "ir/kernel/Plan.h"

namespace cameo {

/// The region computes an element of each result from one of each operand.
struct PointwiseAttrs {
  NestPlan plan = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    NestPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
};

/// The region computes an element from its index.
struct GenerateAttrs {
  NestPlan plan = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    NestPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
};

enum class ScatterForm {
  Lines,  // as ScatterElements, along the axis
  Tuples, // as ScatterND
};
template <> struct EnumWords<ScatterForm> {
  static constexpr std::string_view words[] = {"lines", "tuples"};
};

struct ScatterAttrs {
  ScatterForm form = ScatterForm::Lines;
  int64_t axis = 0; // of lines
  /// Plan of lines: a unit has so many neighbouring ones; 0 in an op without a plan.
  int64_t unitLines = 0;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("form", self.form);
    visit("axis", self.axis);
    visit("unit_lines", self.unitLines, int64_t{0});
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(form); }
};

/// The most lanes of a copy in blocks: a block is in registers.
inline constexpr int64_t kMaxBlockLanes = 16;

struct CopyAttrs {
  NestPlan plan = {};
  /// Plan where elements are next to each other along one loop in x and along another in the
  /// result: both go in blocks of `lanes` x `lanes` elements that are transposed in registers.
  bool blocks = false;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    NestPlan::fields(self.plan, visit);
    visit("blocks", self.blocks, false);
  }
  Result<void> verify(const Op &op) const;
};

struct FillHaloAttrs {
  std::vector<int64_t> lo; // elements before each logical dim
  Dims hi;                 // and behind it
  double value = 0;        // where there is no operand with the element
  /// Vectors where elements of the halo are next to each other in memory.
  LoopPlan plan = {};

  /// The dim of lines, each of which has a halo of its own: the first dim with a halo, if one
  /// behind it has one as well.
  std::optional<size_t> lines() const;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("lo", self.lo);
    visit("hi", self.hi);
    visit("value", self.value);
    LoopPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
};

} // namespace cameo
