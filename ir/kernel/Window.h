// Attributes of kernels that work on windows and rows.
#pragma once

#include "ir/kernel/Plan.h"

namespace cameo {

enum class PoolKind { Max, Average, Sum };
template <> struct EnumWords<PoolKind> {
  static constexpr std::string_view words[] = {"max", "average", "sum"};
};

struct PoolAttrs {
  PoolKind kind = PoolKind::Max;
  std::vector<int64_t> kernel, strides; // an entry a spatial dim, as in all lists
  /// padsEnd is as much as the result's size needs; declaredPadsEnd is what the model states, and
  /// countIncludePad counts that.
  Dims padsBegin, padsEnd, declaredPadsEnd;
  std::vector<int64_t> dilations;
  bool countIncludePad = false;
  LoopPlan plan = {}; // of the channels

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("kind", self.kind);
    visit("kernel", self.kernel);
    visit("strides", self.strides);
    visit("pads_begin", self.padsBegin);
    visit("pads_end", self.padsEnd);
    visit("declared_pads_end", self.declaredPadsEnd);
    visit("dilations", self.dilations);
    visit("count_include_pad", self.countIncludePad);
    LoopPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(kind); }
};

enum class RowForm { Softmax, LogSoftmax, MaskedSoftmax, LayerNorm, RmsNorm };
template <> struct EnumWords<RowForm> {
  static constexpr std::string_view words[] = {"softmax", "log_softmax", "masked_softmax",
                                               "layer_norm", "rms_norm"};
};

struct RowAttrs {
  RowForm form = RowForm::Softmax; // of a masked softmax, a row of -inf alone is 0
  double epsilon = 0;              // of normalizations
  VectorPlan plan = {};

  template <class Self, class Visit> static void fields(Self &self, Visit &&visit) {
    visit("form", self.form);
    visit("epsilon", self.epsilon);
    VectorPlan::fields(self.plan, visit);
  }
  Result<void> verify(const Op &op) const;
  std::string_view variant() const { return wordOf(form); }
};

} // namespace cameo
