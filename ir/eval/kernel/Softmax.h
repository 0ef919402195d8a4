// The softmax of a row, which `row` and `attention` have in common.
#pragma once

#include "ir/kernel/Window.h"

#include <vector>

namespace cameo::eval {

/// What each element of a row becomes: (element - shift) * scale, of its exponential or itself.
struct RowMap {
  bool isExponential = false;
  double shift = 0, scale = 1;

  double operator()(double x) const;
};

RowMap softmaxOf(const std::vector<double> &row, RowForm form);

} // namespace cameo::eval
