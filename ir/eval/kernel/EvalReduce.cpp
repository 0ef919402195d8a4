// Kernels that combine or order elements along axes.
#include "ir/eval/kernel/KernelRegion.h"

#include "ir/eval/graph/Arithmetic.h"
#include "ir/kernel/Reduce.h"
#include "runtime/abi.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace cameo::eval {
namespace {

template <class W> W combine(Combiner combiner, W a, W b) {
  switch (combiner) {
  case Combiner::Add:
    return add(a, b);
  case Combiner::Mul:
    return multiply(a, b);
  case Combiner::Min:
    return minimum(a, b);
  case Combiner::Max:
    return maximum(a, b);
  }
  ICE("a combiner without a meaning");
}

/// What changes nothing when combined with an element of the type.
template <class W> W neutral(Combiner combiner, DType dtype) {
  if (combiner == Combiner::Add || combiner == Combiner::Mul)
    return combiner == Combiner::Mul;
  bool isLeast = combiner == Combiner::Max;
  using Limits = std::numeric_limits<W>;
  if constexpr (std::is_same_v<W, double>) {
    return isLeast ? -Limits::infinity() : Limits::infinity();
  } else {
    if (dtype == DType::Bool)
      return !isLeast;
    int64_t unused = 64 - 8 * dtypeBytes(dtype);
    return (isLeast ? Limits::min() : Limits::max()) >> unused;
  }
}

/// The shape of an operand without, or with another size of, an axis.
std::vector<int64_t> withAxis(std::vector<int64_t> dims, int64_t axis, int64_t size) {
  dims[axis] = size;
  return dims;
}

template <class W> void reduce(KernelContext &c, DType term) {
  ReduceAttrs attrs = attrsOf<ReduceAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  std::vector<int64_t> outer = x.dims, inner(x.dims.size(), 1);
  for (int64_t axis : attrs.axes)
    std::swap(outer[axis], inner[axis]);
  KernelRegion terms(c, 0), results(c, 1);
  c.forEach(outer, [&](const std::vector<int64_t> &first) {
    W total = neutral<W>(attrs.combiner, term);
    c.forEach(inner, [&](const std::vector<int64_t> &further) {
      terms.load(0, x, x.at(first) + x.at(further));
      terms.run();
      total = combine(attrs.combiner, total, terms.yielded<W>());
    });
    std::vector<int64_t> index;
    for (int64_t i = 0; i < x.rank(); i++)
      if (x.rank() == y.rank() || std::count(attrs.axes.begin(), attrs.axes.end(), i) == 0)
        index.push_back(first[i]);
    results.set(0, total);
    results.loadEpilogue(1, 1, index);
    results.run();
    results.store(y, y.at(index));
  });
}

/// The elements of a line along an axis.
template <class W>
std::vector<W> lineOf(KernelContext &c, const View &x, std::vector<int64_t> index, int64_t axis) {
  std::vector<W> line;
  for (index[axis] = 0; index[axis] < x.dims[axis]; index[axis]++)
    line.push_back(c.get<W>(x, x.at(index)));
  return line;
}

/// Whether a comes before b: the larger, or the smaller, first.
template <class W> bool comesBefore(W a, W b, bool largest) { return largest ? a > b : a < b; }

template <class W> void topK(KernelContext &c) {
  TopKAttrs attrs = attrsOf<TopKAttrs>(c.op);
  int64_t axis = attrs.axis;
  const View &x = c.in(0), &values = c.out(0), &positions = c.out(1);
  int64_t count = values.dims[axis];
  if (count > x.dims[axis])
    return c.report(CAMEO_FAULT_INDEX_RANGE, count, x.dims[axis]);
  // NaN is above every number.
  auto before = [&](W a, W b) {
    bool aIsNan = a != a, bIsNan = b != b;
    if (aIsNan || bIsNan)
      return aIsNan != bIsNan && (attrs.largest ? aIsNan : bIsNan);
    return comesBefore(a, b, attrs.largest);
  };
  c.forEach(withAxis(x.dims, axis, 1), [&](const std::vector<int64_t> &first) {
    std::vector<W> line = lineOf<W>(c, x, first, axis);
    std::vector<int64_t> order(line.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(),
                     [&](int64_t a, int64_t b) { return before(line[a], line[b]); });
    for (int64_t i = 0; i < count; i++) {
      std::vector<int64_t> index = withAxis(first, axis, i);
      c.put(values, values.at(index), line[order[i]]);
      c.put(positions, positions.at(index), order[i]);
    }
  });
}

template <class W> void argReduce(KernelContext &c) {
  auto [axis, which, selectLast] = attrsOf<ArgReduceAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  c.forEach(withAxis(x.dims, axis, 1), [&](const std::vector<int64_t> &first) {
    std::vector<W> line = lineOf<W>(c, x, first, axis);
    size_t best = 0;
    for (size_t i = 1; i < line.size(); i++) {
      bool isNan = line[i] != line[i], wasNan = line[best] != line[best];
      bool isEqual = line[i] == line[best] || (isNan && wasNan);
      bool isBetter = !wasNan && (isNan || comesBefore(line[i], line[best], which == Extreme::Max));
      if (isBetter || (isEqual && selectLast))
        best = i;
    }
    // The axis is a dim of 1, or not there.
    std::vector<int64_t> index = first;
    if (y.rank() < x.rank())
      index.erase(index.begin() + axis);
    c.put(y, y.at(index), static_cast<int64_t>(best));
  });
}

template <class W> void scan(KernelContext &c) {
  ScanAttrs attrs = attrsOf<ScanAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  int64_t extent = x.dims[attrs.axis];
  c.forEach(withAxis(x.dims, attrs.axis, 1), [&](const std::vector<int64_t> &first) {
    W total = neutral<W>(attrs.combiner, x.dtype);
    for (int64_t step = 0; step < extent; step++) {
      std::vector<int64_t> index =
          withAxis(first, attrs.axis, attrs.reverse ? extent - 1 - step : step);
      W next = combine(attrs.combiner, total, c.get<W>(x, x.at(index)));
      c.put(y, y.at(index), attrs.exclusive ? total : next);
      total = next;
    }
  });
}

} // namespace

void evalKernelReduce(KernelContext &c) {
  DType term = c.op.region(0).terminator()->operand(0)->type.dtype();
  withWide(term, [&]<class W>() { reduce<W>(c, term); });
}

void evalKernelTopK(KernelContext &c) {
  withWide(c.in(0).dtype, [&]<class W>() { topK<W>(c); });
}

void evalKernelArgReduce(KernelContext &c) {
  int64_t extent = c.in(0).dims[attrsOf<ArgReduceAttrs>(c.op).axis];
  if (extent == 0 && checkedNumElements(c.out().dims) != 0)
    return c.report(CAMEO_FAULT_EMPTY, std::nullopt, std::nullopt);
  withWide(c.in(0).dtype, [&]<class W>() { argReduce<W>(c); });
}

void evalKernelScan(KernelContext &c) {
  withWide(c.in(0).dtype, [&]<class W>() { scan<W>(c); });
}

} // namespace cameo::eval
