// Attributes of kernels that combine or order elements along axes. Axes are not negative.
#pragma once

#include "ir/kernel/Plan.h"

namespace cameo {

enum class Combiner { Add, Mul, Min, Max };
template <> struct EnumWords<Combiner> {
  static constexpr std::string_view words[] = {"add", "mul", "min", "max"};
};

/// What the lanes of a reduction's vectors have.
enum class ReduceLanes {
  Results, // results next to each other: a unit is a vector of them
  Parts,   // parts of one result, which are combined at the end: a unit is a result
};
template <> struct EnumWords<ReduceLanes> {
  static constexpr std::string_view words[] = {"results", "parts"};
};

struct ReducePlan : VectorPlan {
  ReduceLanes lanesHave = ReduceLanes::Results;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    VectorPlan::fields(self, visit);
    visit("lanes_have", self.lanesHave, ReduceLanes::Results);
  }
};

struct ReduceAttrs {
  std::vector<int64_t> axes; // of x; dims of 1 in the result, or none of them is there
  Combiner combiner = Combiner::Add;
  ReducePlan plan = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("axes", self.axes);
    visit("combiner", self.combiner);
    ReducePlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(combiner); }
};

enum class Extreme { Max, Min };
template <> struct EnumWords<Extreme> {
  static constexpr std::string_view words[] = {"max", "min"};
};

struct ArgReduceAttrs {
  int64_t axis = 0;
  Extreme which = Extreme::Max;
  bool selectLast = false; // of equal elements

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("axis", self.axis);
    visit("which", self.which);
    visit("select_last", self.selectLast);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(which); }
};

struct TopKAttrs {
  int64_t axis = 0;
  bool largest = true;
  /// Vectors of so many elements are compared with a bound of the result; 1: elements by
  /// themselves; 0: not planned yet.
  int64_t lanes = 0;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("axis", self.axis);
    visit("largest", self.largest);
    visit("lanes", self.lanes, int64_t{0});
  }
  Result<void> verify(const Op &op) const;
};

struct ScanAttrs {
  int64_t axis = 0;
  bool exclusive = false, reverse = false; // as in ONNX's CumSum
  Combiner combiner = Combiner::Add;       // Add or Mul

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("axis", self.axis);
    visit("exclusive", self.exclusive);
    visit("reverse", self.reverse);
    visit("combiner", self.combiner);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(combiner); }
};

} // namespace cameo
