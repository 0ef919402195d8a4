// Views: which element of the operand each element of the result is.
#include "ir/eval/kernel/KernelContext.h"

#include "ir/kernel/ViewOps.h"
#include "runtime/abi.h"

namespace cameo::eval {

void evalKernelReshape(KernelContext &c) {
  const View &x = c.in(0), &y = c.out();
  int64_t count = *checkedNumElements(x.dims);
  if (count != *checkedNumElements(y.dims))
    return c.report(CAMEO_FAULT_RESHAPE, count, *checkedNumElements(y.dims));
  // Both in row-major order.
  std::vector<int64_t> from(x.dims.size(), 0);
  c.forEach(y.dims, [&](const std::vector<int64_t> &index) {
    c.alias(y, y.at(index), x, x.at(from));
    for (size_t dim = from.size(); dim-- > 0 && ++from[dim] == x.dims[dim];)
      from[dim] = 0;
  });
}

void evalKernelTranspose(KernelContext &c) {
  std::vector<int64_t> perm = attrsOf<TransposeAttrs>(c.op).perm;
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> from(index.size());
    for (size_t i = 0; i < index.size(); i++)
      from[perm[i]] = index[i];
    c.alias(c.out(), c.out().at(index), c.in(0), c.in(0).at(from));
  });
}

void evalKernelSlice(KernelContext &c) {
  auto [starts, steps] = attrsOf<SliceAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  std::vector<int64_t> first;
  for (const Dim &start : starts)
    first.push_back(c.size(start));
  c.forEach(y.dims, [&](const std::vector<int64_t> &index) {
    std::vector<int64_t> from = first;
    for (size_t i = 0; i < index.size(); i++) {
      from[i] += index[i] * steps[i];
      if (from[i] < 0 || from[i] >= x.dims[i])
        return c.report(CAMEO_FAULT_INDEX_RANGE, from[i], x.dims[i]);
    }
    c.alias(y, y.at(index), x, x.at(from));
  });
}

void evalKernelBroadcast(KernelContext &c) {
  View x = c.in(0).broadcastTo(c.out().dims);
  c.forEach(c.out().dims, [&](const std::vector<int64_t> &index) {
    c.alias(c.out(), c.out().at(index), x, x.at(index));
  });
}

void evalKernelConcat(KernelContext &c) {
  auto [axis, offsets] = attrsOf<ConcatAttrs>(c.op);
  int64_t begin = 0;
  for (size_t i = 0; i < c.operands.size(); i++) {
    const View &part = c.operands[i];
    if (!offsets.empty())
      begin = c.size(offsets[i]);
    c.forEach(part.dims, [&](const std::vector<int64_t> &index) {
      std::vector<int64_t> to = index;
      to[axis] += begin;
      c.alias(c.out(), c.out().at(to), part, part.at(index));
    });
    begin += part.dims[axis];
  }
}

} // namespace cameo::eval
