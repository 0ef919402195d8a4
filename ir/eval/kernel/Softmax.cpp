// See Softmax.h.
#include "ir/eval/kernel/Softmax.h"

#include "ir/eval/graph/Arithmetic.h"

#include <cmath>
#include <limits>

namespace cameo::eval {

double RowMap::operator()(double x) const {
  return isExponential ? std::exp(x - shift) * scale : (x - shift) * scale;
}

RowMap softmaxOf(const std::vector<double> &row, RowForm form) {
  double largest = -std::numeric_limits<double>::infinity(), sum = 0;
  for (double x : row)
    largest = maximum(largest, x);
  bool isMasked = form == RowForm::MaskedSoftmax && std::isinf(largest) && largest < 0;
  if (isMasked)
    return {true, 0, 0};
  for (double x : row)
    sum += std::exp(x - largest);
  if (form == RowForm::LogSoftmax)
    return {false, largest + std::log(sum), 1};
  return {true, largest, 1 / sum};
}

} // namespace cameo::eval
