// Attributes of views: ops that compute nothing but say where elements are.
#pragma once

#include "ir/kernel/Fields.h"

namespace cameo {

struct ReshapeAttrs {
  template <class Self, class Visit> static void fields(Self &, Visit &&) {}
  Result<void> verify(const Op &op) const;
};

struct TransposeAttrs {
  std::vector<int64_t> perm;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("perm", self.perm);
  }
  Result<void> verify(const Op &op) const;
};

struct SliceAttrs {
  Dims starts; // an entry a dim, as steps
  std::vector<int64_t> steps;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("starts", self.starts);
    visit("steps", self.steps);
  }
  Result<void> verify(const Op &op) const;
};

struct BroadcastAttrs {
  template <class Self, class Visit> static void fields(Self &, Visit &&) {}
  Result<void> verify(const Op &op) const;
};

struct ConcatAttrs {
  int64_t axis = 0;
  /// Where the parts begin, in place of sums of their sizes that would be too long; or empty.
  Dims offsets;

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("axis", self.axis);
    visit("offsets", self.offsets, Dims());
  }
  Result<void> verify(const Op &op) const;
};

} // namespace cameo
