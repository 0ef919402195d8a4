// TopK and Unique: what needs an order. NaN sorts above every number, as in numpy.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include "ir/OpSpec.h"

#include <algorithm>
#include <numeric>

namespace cameo::eval {
namespace {

template <class W> bool less(W a, W b) {
  if (a != a || b != b)
    return a == a && b != b;
  return a < b;
}

template <class W> Result<std::vector<int64_t>> sortedLine(const W *line, int64_t n, bool largest) {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), 0);
  // Stable: of equal elements the one with the lower index comes first either way.
  std::stable_sort(order.begin(), order.end(), [=](int64_t a, int64_t b) {
    return largest ? less(line[b], line[a]) : less(line[a], line[b]);
  });
  return order;
}

template <class W> EvalResult topK(EvalContext &c, int64_t axis, int64_t k) {
  const Tensor &x = c.in(0);
  bool largest = c.intAttr("largest", 1) != 0;
  int64_t n = x.dims[axis], inner = product(x.dims, axis + 1, x.rank());
  std::vector<int64_t> dims = x.dims;
  dims[axis] = k;
  Tensor values = TRY(c.allocate(x.dtype, dims)), indices = TRY(c.ints(dims));
  Tensor buffer = TRY(c.ints({n}));
  W *line = reinterpret_cast<W *>(buffer.writable());
  int64_t lines = x.size() > 0 ? x.size() / n : 0;
  TRY(c.charge({x.size(), 20}));
  for (int64_t r = 0; r < lines && k > 0; r++) {
    int64_t outer = r / inner, column = r % inner;
    loadRow(x, outer * inner * n + column, inner, n, line);
    std::vector<int64_t> order = TRY(sortedLine(line, n, largest));
    for (int64_t i = 0; i < k; i++) {
      int64_t to = (outer * k + i) * inner + column;
      i64Out(indices)[to] = order[i];
      copyElements(values, to, 1, x, (outer * n + order[i]) * inner + column, 1, 1);
    }
  }
  return Values{values, indices};
}

} // namespace

/// Results values and indices, sorted whatever `sorted` says (unsorted order is up to us).
EvalResult evalTopK(EvalContext &c) {
  int64_t axis = TRY(c.axis(c.intAttr("axis", -1), c.in(0).rank())), k = TRY(c.intScalar(1));
  TRY(c.require(k >= 0 && k <= c.in(0).dims[axis], "k = " + std::to_string(k) +
                                                       " is outside a dim of " +
                                                       std::to_string(c.in(0).dims[axis])));
  return withWide(c.in(0).dtype, [&]<class W>() { return topK<W>(c, axis, k); });
}

namespace {

/// Orders two slices of x along an axis, element by element: -1, 0 or 1.
struct SliceOrder {
  const Tensor &x;
  int64_t n, outer, inner;

  int64_t offset(int64_t slice, int64_t i) const {
    return (i / inner * n + slice) * inner + i % inner;
  }
  int compare(int64_t a, int64_t b) const {
    for (int64_t i = 0; i < outer * inner; i++)
      if (int order = compareElements(offset(a, i), offset(b, i)))
        return order;
    return 0;
  }
  int compareElements(int64_t a, int64_t b) const {
    if (x.dtype == DType::String) {
      int order = (*x.strings)[a].compare((*x.strings)[b]);
      return order < 0 ? -1 : order > 0;
    }
    return withWide(x.dtype, [&]<class W>() {
      W left = load<W>(x, a), right = load<W>(x, b);
      return less(left, right) ? -1 : less(right, left) ? 1 : 0;
    });
  }
};

/// The distinct slices: `order` lists first occurrences in result order.
struct Distinct {
  std::vector<int64_t> first, inverse, counts;
};

Distinct distinctSlices(const SliceOrder &slices, bool sorted) {
  std::vector<int64_t> order(slices.n);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return slices.compare(a, b) < 0; });
  Distinct result;
  std::vector<int64_t> groupOf(slices.n);
  for (size_t i = 0; i < order.size(); i++) {
    if (i == 0 || slices.compare(order[i - 1], order[i]) != 0) {
      result.first.push_back(order[i]);
      result.counts.push_back(0);
    }
    groupOf[order[i]] = static_cast<int64_t>(result.first.size()) - 1;
    result.counts.back()++;
  }
  std::vector<int64_t> rank(result.first.size());
  std::iota(rank.begin(), rank.end(), 0);
  if (!sorted)
    std::sort(rank.begin(), rank.end(),
              [&](int64_t a, int64_t b) { return result.first[a] < result.first[b]; });
  std::vector<int64_t> place(rank.size());
  Distinct ordered;
  for (size_t i = 0; i < rank.size(); i++) {
    place[rank[i]] = static_cast<int64_t>(i);
    ordered.first.push_back(result.first[rank[i]]);
    ordered.counts.push_back(result.counts[rank[i]]);
  }
  for (int64_t group : groupOf)
    ordered.inverse.push_back(place[group]);
  return ordered;
}

} // namespace

/// Results Y, indices, inverse_indices, counts.
EvalResult evalUnique(EvalContext &c) {
  bool flat = !c.hasAttr("axis");
  Tensor x = flat ? c.in(0).withDims({c.in(0).size()}) : c.in(0);
  int64_t axis = flat ? 0 : TRY(c.axis(c.intAttr("axis"), x.rank()));
  SliceOrder slices{x, x.dims[axis], product(x.dims, 0, axis), product(x.dims, axis + 1, x.rank())};
  TRY(c.charge({std::max(x.size(), slices.n), 100}));
  // Slices without elements are all equal; there is one if there is any.
  Distinct distinct = distinctSlices(slices, c.intAttr("sorted", 1) != 0);
  std::vector<int64_t> dims = x.dims;
  dims[axis] = static_cast<int64_t>(distinct.first.size());
  Tensor y = TRY(c.allocate(x.dtype, dims));
  for (int64_t o = 0; y.size() > 0 && o < slices.outer; o++)
    for (int64_t i = 0; i < dims[axis]; i++)
      copyElements(y, (o * dims[axis] + i) * slices.inner, 1, x,
                   (o * slices.n + distinct.first[i]) * slices.inner, 1, slices.inner);
  Values results = {y};
  for (const std::vector<int64_t> *list : {&distinct.first, &distinct.inverse, &distinct.counts}) {
    Tensor entry = TRY(c.ints({static_cast<int64_t>(list->size())}));
    std::copy(list->begin(), list->end(), i64Out(entry));
    results.emplace_back(entry);
  }
  return results;
}

} // namespace cameo::eval
