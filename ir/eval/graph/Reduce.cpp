// Reductions over axes, ArgMax/ArgMin, CumSum/CumProd. Floats accumulate in double, integers in 64
// bits, wrapping.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include "ir/OpSpec.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// The axes to reduce (input 1, all of them when absent and not noop) and the two result shapes.
struct ReduceShape {
  std::vector<int64_t> kept; // reduced dims are 1
  std::vector<int64_t> out;
  int64_t count = 1; // elements reduced into one
  bool noop = false;
};

Result<ReduceShape> reduceShape(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> listed = c.has(1) ? TRY(c.intList(1)) : std::vector<int64_t>{};
  std::vector<int64_t> axes = TRY(c.axes(listed, x.rank()));
  ReduceShape shape;
  shape.noop = axes.empty() && c.intAttr("noop_with_empty_axes") != 0;
  std::vector<bool> reduced(x.rank(), axes.empty() && !shape.noop);
  for (int64_t axis : axes)
    reduced[axis] = true;
  bool keep = c.intAttr("keepdims", 1) != 0;
  for (int64_t d = 0; d < x.rank(); d++) {
    shape.kept.push_back(reduced[d] ? 1 : x.dims[d]);
    if (!reduced[d] || keep)
      shape.out.push_back(shape.kept.back());
    shape.count *= reduced[d] ? x.dims[d] : 1;
  }
  return shape;
}

/// Folds every element into its accumulator: acc = step(acc, x). Accumulators start at `start`.
template <class W, class Step>
void fold(const Tensor &x, const std::vector<int64_t> &kept, W *accumulators, Step step) {
  constexpr int64_t kChunk = 512;
  W row[kChunk];
  RowWalk walk(x.dims, {rowMajor(x.dims), broadcastStrides(kept, x.dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i += kChunk) {
      int64_t n = std::min(kChunk, walk.rowLength() - i), stride = walk.rowStride(1);
      loadRow(x, walk.offset(0) + i, 1, n, row);
      W *to = accumulators + walk.offset(1) + i * stride;
      for (int64_t k = 0; k < n; k++, to += stride)
        *to = static_cast<W>(step(*to, row[k]));
    }
}

template <class W> W plus(W a, W b) {
  if constexpr (std::is_same_v<W, double>)
    return a + b;
  else
    return static_cast<W>(uint64_t(a) + uint64_t(b));
}
template <class W> W times(W a, W b) {
  if constexpr (std::is_same_v<W, double>)
    return a * b;
  else
    return static_cast<W>(uint64_t(a) * uint64_t(b));
}

/// One accumulator an output element, each `start`; W has 8 bytes whatever it is.
template <class W> Result<Tensor> accumulators(EvalContext &c, const ReduceShape &shape, W start) {
  Tensor sums = TRY(c.ints(shape.kept));
  std::fill_n(reinterpret_cast<W *>(sums.writable()), sums.size(), start);
  return sums;
}
template <class W> W *as(Tensor &tensor) { return reinterpret_cast<W *>(tensor.writable()); }

template <class W> EvalResult finish(EvalContext &c, const ReduceShape &shape, Tensor &sums) {
  Tensor y = TRY(c.allocate(c.in(0).dtype, shape.out));
  storeRow(y, 0, 1, y.size(), as<W>(sums));
  return one(y);
}

/// Sum over elements of inner(x), then outer(sum). Integers pass outer through double.
template <class W, class Inner, class Outer>
EvalResult reduceSum(EvalContext &c, const ReduceShape &shape, Inner inner, Outer outer) {
  Tensor sums = TRY(accumulators<W>(c, shape, 0));
  fold(c.in(0), shape.kept, as<W>(sums), [&](W a, W x) { return plus<W>(a, inner(x)); });
  for (int64_t i = 0; i < sums.size(); i++)
    as<W>(sums)[i] = static_cast<W>(outer(as<W>(sums)[i]));
  return finish<W>(c, shape, sums);
}

template <class W> W absolute(W x) {
  if constexpr (std::is_same_v<W, double>)
    return std::fabs(x);
  else
    return std::is_signed_v<W> && x < W{0} ? static_cast<W>(-uint64_t(x)) : x;
}

/// NaN wins over everything; the empty reduction gives the identity.
template <class W> EvalResult reduceExtreme(EvalContext &c, const ReduceShape &shape, bool max) {
  constexpr bool kReal = std::is_same_v<W, double>;
  // Integers narrower than W: the identity is that of the element type, which saturation gives.
  DType dtype = c.in(0).dtype;
  double limit = max ? -HUGE_VAL : HUGE_VAL;
  std::byte identity[8] = {};
  storeDouble(dtype, identity, dtype == DType::Bool && max ? 0 : limit);
  W start = withStorage(dtype, [&]<class T>() { return widen<W>(readAs<T>(identity)); });
  Tensor best = TRY(accumulators<W>(c, shape, start));
  fold(c.in(0), shape.kept, as<W>(best), [=](W a, W x) {
    if (kReal && (a != a || x != x))
      return static_cast<W>(a + x);
    return max ? std::max(a, x) : std::min(a, x);
  });
  return finish<W>(c, shape, best);
}

/// log(sum(exp(x))), shifted by the largest element against overflow.
EvalResult reduceLogSumExp(EvalContext &c, const ReduceShape &shape) {
  Tensor top = TRY(accumulators<double>(c, shape, -HUGE_VAL));
  fold(c.in(0), shape.kept, as<double>(top), [](double a, double x) { return std::max(a, x); });
  for (int64_t i = 0; i < top.size(); i++)
    if (std::isinf(as<double>(top)[i]))
      as<double>(top)[i] = 0;
  Tensor sums = TRY(c.doubles(shape.kept)), x = TRY(c.toF64(c.in(0)));
  RowWalk walk(x.dims, {rowMajor(x.dims), broadcastStrides(shape.kept, x.dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++) {
      int64_t group = walk.offset(1) + i * walk.rowStride(1);
      f64Out(sums)[group] += std::exp(f64(x)[walk.offset(0) + i] - f64(top)[group]);
    }
  for (int64_t i = 0; i < sums.size(); i++)
    f64Out(sums)[i] = std::log(f64(sums)[i]) + f64(top)[i];
  return finish<double>(c, shape, sums);
}

template <class W> EvalResult reduceAs(EvalContext &c, const ReduceShape &shape) {
  std::string_view name = spec(c.op.kind()).name;
  auto same = [](W x) { return x; };
  auto square = [](W x) { return times<W>(x, x); };
  if (name == "ReduceSum")
    return reduceSum<W>(c, shape, same, same);
  if (name == "ReduceSumSquare")
    return reduceSum<W>(c, shape, square, same);
  if (name == "ReduceL1")
    return reduceSum<W>(c, shape, absolute<W>, same);
  if (name == "ReduceL2")
    return reduceSum<W>(c, shape, square, [](W s) { return std::sqrt(static_cast<double>(s)); });
  if (name == "ReduceLogSum")
    return reduceSum<W>(c, shape, same, [](W s) { return std::log(static_cast<double>(s)); });
  if (name == "ReduceMean")
    return reduceSum<W>(c, shape, same, [&](W s) {
      if constexpr (std::is_same_v<W, double>)
        return s / static_cast<double>(shape.count);
      else
        return shape.count ? static_cast<W>(s / static_cast<W>(shape.count)) : W{0};
    });
  if (name == "ReduceMax" || name == "ReduceMin")
    return reduceExtreme<W>(c, shape, name == "ReduceMax");
  if (name == "ReduceLogSumExp")
    return reduceLogSumExp(c, shape);
  Tensor products = TRY(accumulators<W>(c, shape, 1));
  fold(c.in(0), shape.kept, as<W>(products), times<W>);
  return finish<W>(c, shape, products);
}

} // namespace

EvalResult evalReduce(EvalContext &c) {
  ReduceShape shape = TRY(reduceShape(c));
  // With noop_with_empty_axes and no axes, each element is reduced alone: nothing is summed, but
  // the rest of the formula (a logarithm, a square) applies.
  return withWide(c.in(0).dtype, [&]<class W>() { return reduceAs<W>(c, shape); });
}

/// ArgMax and ArgMin: the first (or last) position of the extreme; NaN counts as the extreme.
EvalResult evalArgExtreme(EvalContext &c) {
  const Tensor &x = c.in(0);
  bool max = spec(c.op.kind()).name == "ArgMax", last = c.intAttr("select_last_index") != 0;
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank()));
  int64_t n = x.dims[axis], inner = product(x.dims, axis + 1, x.rank());
  std::vector<int64_t> out = x.dims;
  out[axis] = 1;
  if (!c.intAttr("keepdims", 1))
    out.erase(out.begin() + axis);
  Tensor y = TRY(c.ints(out));
  TRY(c.require(n > 0 || y.size() == 0, "axis " + std::to_string(axis) + " is empty"));
  return withWide(x.dtype, [&]<class W>() -> EvalResult {
    Tensor buffer = TRY(c.ints({n}));
    W *line = as<W>(buffer);
    for (int64_t r = 0; r < y.size(); r++) {
      loadRow(x, r / inner * inner * n + r % inner, inner, n, line);
      int64_t best = 0;
      for (int64_t i = 1; i < n; i++) {
        bool bestIsNaN = line[best] != line[best], isNaN = line[i] != line[i];
        bool better = isNaN ? !bestIsNaN : max ? line[i] > line[best] : line[i] < line[best];
        bool equal = isNaN ? bestIsNaN : line[i] == line[best];
        if ((better && !bestIsNaN) || (equal && last))
          best = i;
      }
      i64Out(y)[r] = best;
    }
    return one(y);
  });
}

namespace {
template <class W> EvalResult cumulate(EvalContext &c, int64_t axis, bool isProduct) {
  const Tensor &x = c.in(0);
  bool exclusive = c.intAttr("exclusive") != 0, reverse = c.intAttr("reverse") != 0;
  int64_t n = x.dims[axis], inner = product(x.dims, axis + 1, x.rank());
  Tensor y = TRY(c.allocate(x.dtype, x.dims)), buffer = TRY(c.ints({n}));
  W *line = as<W>(buffer);
  for (int64_t r = 0; x.size() > 0 && r < x.size() / n; r++) {
    int64_t start = r / inner * inner * n + r % inner;
    loadRow(x, start, inner, n, line);
    W sum = isProduct ? W{1} : W{0};
    for (int64_t k = 0; k < n; k++) {
      W &element = line[reverse ? n - 1 - k : k];
      W next = isProduct ? times<W>(sum, element) : plus<W>(sum, element);
      element = exclusive ? sum : next;
      sum = next;
    }
    storeRow(y, start, inner, n, line);
  }
  return one(y);
}
} // namespace

/// CumSum and CumProd.
EvalResult evalCumulate(EvalContext &c) {
  int64_t axis = TRY(c.axis(TRY(c.intScalar(1)), c.in(0).rank()));
  bool isProduct = spec(c.op.kind()).name == "CumProd";
  return withWide(c.in(0).dtype, [&]<class W>() { return cumulate<W>(c, axis, isProduct); });
}

} // namespace cameo::eval
