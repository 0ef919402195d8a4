// Attributes of kernels that compute or move single elements.
#pragma once

#include "ir/kernel/Fields.h"

namespace cameo {

/// No attributes; the region computes an element of each result from one of each operand.
struct PointwiseAttrs {
  template <class Self, class Visit> static void fields(Self &, Visit &&) {}
  Result<void> verify(const Op &op) const;
};

/// No attributes; the region computes an element from its index.
struct GenerateAttrs {
  template <class Self, class Visit> static void fields(Self &, Visit &&) {}
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

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("form", self.form);
    visit("axis", self.axis);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(form); }
};

struct CopyAttrs {
  template <class Self, class Visit> static void fields(Self &, Visit &&) {}
  Result<void> verify(const Op &op) const;
};

struct FillHaloAttrs {
  std::vector<int64_t> lo; // elements before each logical dim
  Dims hi;                 // and behind it
  double value = 0;        // where there is no operand with the element

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("lo", self.lo);
    visit("hi", self.hi);
    visit("value", self.value);
  }
  Result<void> verify(const Op &op) const;
};

} // namespace cameo
