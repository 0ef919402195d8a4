// Softmax, LogSoftmax and Hardmax along one axis.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Applies f(row, n) in place to each line along the axis.
template <class F> EvalResult forLines(EvalContext &c, F f) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis", -1), std::max<int64_t>(x.rank(), 1)));
  int64_t n = x.rank() ? x.dims[axis] : 1;
  int64_t inner = x.rank() ? product(x.dims, axis + 1, x.rank()) : 1;
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.doubles({n}));
  double *row = f64Out(buffer);
  for (int64_t r = 0; x.size() > 0 && r < x.size() / n; r++) {
    int64_t start = r / inner * inner * n + r % inner;
    loadRow(x, start, inner, n, row);
    f(row, n);
    storeRow(y, start, inner, n, row);
  }
  return one(y);
}

/// The largest element, NaN if there is one.
double largest(const double *row, int64_t n) {
  double best = row[0];
  for (int64_t i = 1; i < n; i++)
    best = row[i] > best || row[i] != row[i] ? row[i] : best;
  return best;
}

} // namespace

EvalResult evalSoftmax(EvalContext &c) {
  return forLines(c, [](double *row, int64_t n) {
    double top = largest(row, n), sum = 0;
    for (int64_t i = 0; i < n; i++)
      sum += row[i] = std::exp(row[i] - top);
    for (int64_t i = 0; i < n; i++)
      row[i] /= sum;
  });
}

EvalResult evalLogSoftmax(EvalContext &c) {
  return forLines(c, [](double *row, int64_t n) {
    double top = largest(row, n), sum = 0;
    for (int64_t i = 0; i < n; i++)
      sum += std::exp(row[i] - top);
    // The largest first: added to it, the logarithm would lose its digits.
    double rest = std::log(sum);
    for (int64_t i = 0; i < n; i++)
      row[i] = row[i] - top - rest;
  });
}

/// 1 at the first largest element, which is NaN if there is one, 0 elsewhere.
EvalResult evalHardmax(EvalContext &c) {
  return forLines(c, [](double *row, int64_t n) {
    double top = largest(row, n);
    auto isTop = [=](double x) { return x == top || (x != x && top != top); };
    int64_t best = std::find_if(row, row + n, isTop) - row;
    std::fill_n(row, n, 0.0);
    row[best] = 1;
  });
}

} // namespace cameo::eval
