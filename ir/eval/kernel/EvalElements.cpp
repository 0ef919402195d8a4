// Kernels that compute, move or read in a pattern single elements.
#include "ir/eval/kernel/KernelRegion.h"

#include "ir/kernel/Elements.h"
#include "ir/kernel/Range.h"

#include <algorithm>

namespace cameo::eval {

void evalKernelPointwise(KernelContext &c) {
  KernelRegion region(c, 0);
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    region.loadEpilogue(0, 0, index);
    region.run();
    for (int64_t i = 0; i < numElementResults(c.op); i++)
      region.store(c.out(i), c.out(i).at(index), i);
  });
}

void evalKernelGenerate(KernelContext &c) {
  KernelRegion region(c, 0);
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    for (size_t i = 0; i < index.size(); i++)
      region.set(static_cast<int64_t>(i), index[i]);
    region.run();
    region.store(c.out(), c.out().at(index));
  });
}

void evalKernelCopy(KernelContext &c) {
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    c.move(c.out(), c.out().at(index), c.in(0), c.in(0).at(index));
  });
}

void evalKernelFillHalo(KernelContext &c) {
  FillHaloAttrs attrs = attrsOf<FillHaloAttrs>(c.op);
  const std::vector<int64_t> &lo = attrs.lo;
  const View &x = c.in(0);
  std::vector<int64_t> extents;
  for (size_t i = 0; i < lo.size(); i++)
    extents.push_back(lo[i] + x.dims[i] + c.size(attrs.hi[i]));
  c.forEach(extents, [&](const std::vector<int64_t> &index) {
    int64_t element = 0;
    bool isInside = true;
    for (size_t i = 0; i < lo.size(); i++) {
      int64_t position = index[i] - lo[i];
      isInside = isInside && position >= 0 && position < x.dims[i];
      element += position * x.strides[i];
    }
    if (isInside)
      return;
    if (c.operands.size() > 1)
      c.move(x, element, c.in(1), 0);
    else
      c.put(x, element, attrs.value);
  });
}

namespace {

/// Runs the region on the element that is there and an update.
void update(KernelContext &c, KernelRegion &region, int64_t element, int64_t from) {
  region.load(0, c.out(), element);
  region.load(1, c.in(2), from);
  region.run();
  region.store(c.out(), element);
}

/// As ScatterElements.
void scatterLines(KernelContext &c, KernelRegion &region, int64_t axis) {
  const View &indices = c.in(1), &updates = c.in(2), &y = c.out();
  std::vector<int64_t> dims;
  for (int64_t i = 0; i < y.rank(); i++) {
    dims.push_back(std::min(indices.dims[i], updates.dims[i]));
    if (i != axis)
      dims.back() = std::min(dims.back(), y.dims[i]);
  }
  c.forEach(dims, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> to = index;
    to[axis] = c.checkedIndex(c.get<int64_t>(indices, indices.at(index)), y.dims[axis]);
    if (!c.failed())
      update(c, region, y.at(to), updates.at(index));
  });
}

/// As ScatterND: tuples are along the last dim of the indices.
void scatterTuples(KernelContext &c, KernelRegion &region) {
  const View &indices = c.in(1), &updates = c.in(2), &y = c.out();
  int64_t outer = indices.rank() - 1, width = indices.dims[outer];
  std::vector<int64_t> dims;
  for (int64_t i = 0; i < updates.rank(); i++)
    dims.push_back(
        std::min(updates.dims[i], i < outer ? indices.dims[i] : y.dims[i - outer + width]));
  c.forEach(dims, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> to, tuple(index.begin(), index.begin() + outer);
    tuple.push_back(0);
    for (int64_t &i = tuple.back(); i < width; i++)
      to.push_back(c.checkedIndex(c.get<int64_t>(indices, indices.at(tuple)), y.dims[i]));
    to.insert(to.end(), index.begin() + outer, index.end());
    if (!c.failed())
      update(c, region, y.at(to), updates.at(index));
  });
}

} // namespace

void evalKernelScatter(KernelContext &c) {
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    c.alias(c.out(), c.out().at(index), c.in(0), c.in(0).at(index));
  });
  ScatterAttrs attrs = attrsOf<ScatterAttrs>(c.op);
  KernelRegion region(c, 0);
  switch (attrs.form) {
  case ScatterForm::Lines:
    return scatterLines(c, region, attrs.axis);
  case ScatterForm::Tuples:
    return scatterTuples(c, region);
  }
}

} // namespace cameo::eval
