// See Views.h. The reshape rule is that of numpy's reshape without copy: walk both shapes in groups
// of equal products; within a group of operand dims memory must be contiguous.
#include "lowering/build/Views.h"

#include "ir/Result.h"
#include "ir/kernel/ViewOps.h"

#include <algorithm>
#include <numeric>

namespace cameo {
namespace {

/// Dims that are not 1, with their strides.
struct Extent {
  Dim size, stride;
};

std::vector<Extent> significant(const Value &value) {
  std::vector<Extent> extents;
  for (int64_t i = 0; i < value.type.rank(); i++)
    if (!(value.type.dim(i) == Dim(1)))
      extents.push_back({value.type.dim(i), value.layout->strides[i]});
  return extents;
}

/// Merges neighbours that are contiguous, so that groups are as large as memory allows.
std::vector<Extent> merged(const std::vector<Extent> &extents) {
  std::vector<Extent> result;
  for (const Extent &extent : extents) {
    if (!result.empty() && result.back().stride == extent.stride * extent.size) {
      result.back().size = result.back().size * extent.size;
      result.back().stride = extent.stride;
    } else {
      result.push_back(extent);
    }
  }
  return result;
}

/// Strides of `shape` over contiguous runs of memory; nothing if a dim straddles two runs.
std::optional<Dims> reshapeStrides(const std::vector<Extent> &runs, const Dims &shape) {
  Dims strides(shape.size(), Dim(1));
  // From the innermost: each run is consumed by dims whose product divides it.
  size_t run = runs.size();
  Dim left(1), stride(1);
  for (size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == Dim(1)) {
      strides[i] = stride;
      continue;
    }
    if (left == Dim(1)) {
      if (run == 0)
        return std::nullopt;
      run--;
      left = runs[run].size;
      stride = runs[run].stride;
    }
    std::optional<Dim> rest = Dim::exactDiv(left, shape[i]);
    if (!rest)
      return std::nullopt;
    strides[i] = stride;
    stride = stride * shape[i];
    left = *rest;
  }
  if (run != 0 || !(left == Dim(1)))
    return std::nullopt;
  return strides;
}

} // namespace

bool isUnitStride(const Value &value, int64_t axis) {
  return value.layout->strides[axis] == Dim(1) || value.type.dim(axis) == Dim(1);
}

bool isDense(const Value &value) {
  Dims dense = rowMajorStrides(value.type.shape());
  for (int64_t i = 0; i < value.type.rank(); i++)
    if (!(value.type.dim(i) == Dim(1)) && !(value.layout->strides[i] == dense[i]))
      return false;
  return true;
}

std::optional<Layout> viewLayout(Op &view) {
  const Value &x = *view.operand(0);
  const Dims &shape = view.result()->type.shape();
  Layout layout = *x.layout;
  switch (view.kind()) {
  case OpKind::KernelTranspose: {
    std::vector<int64_t> perm = attrsOf<TransposeAttrs>(view).perm;
    for (size_t i = 0; i < perm.size(); i++)
      layout.strides[i] = x.layout->strides[perm[i]];
    return layout;
  }
  case OpKind::KernelSlice: {
    auto [starts, steps] = attrsOf<SliceAttrs>(view);
    for (size_t i = 0; i < starts.size(); i++) {
      layout.offset = layout.offset + starts[i] * x.layout->strides[i];
      layout.strides[i] = x.layout->strides[i] * Dim(steps[i]);
    }
    return layout;
  }
  case OpKind::KernelBroadcast: {
    layout.strides = Dims(shape.size(), Dim(0));
    size_t skip = shape.size() - x.type.shape().size();
    for (size_t i = skip; i < shape.size(); i++)
      layout.strides[i] = broadcastStride(x, static_cast<int64_t>(i - skip), shape[i]);
    return layout;
  }
  case OpKind::KernelReshape: {
    // Whatever the sizes: they multiply to the same number, which symbols need not show.
    if (isDense(x)) {
      layout.strides = rowMajorStrides(shape);
      return layout;
    }
    std::optional<Dims> strides = reshapeStrides(merged(significant(x)), shape);
    if (!strides)
      return std::nullopt;
    layout.strides = *strides;
    return layout;
  }
  default:
    ICE("not a view");
  }
}

Dim broadcastStride(const Value &x, int64_t axis, const Dim &extent) {
  const Dim &own = x.type.dim(axis);
  if (own == extent)
    return x.layout->strides[axis];
  if (own == Dim(1))
    return Dim(0);
  // A symbol against another size is that size or 1, which only the run knows: stride times 0 or 1.
  return x.layout->strides[axis] * Dim::min(own - Dim(1), Dim(1));
}

std::vector<int64_t> viewOrder(Op &view, const std::vector<int64_t> &order) {
  int64_t rank = view.result()->type.rank();
  if (view.kind() == OpKind::KernelSlice)
    return order;
  std::vector<int64_t> result(rank);
  std::iota(result.begin(), result.end(), 0);
  if (view.kind() == OpKind::KernelTranspose) {
    std::vector<int64_t> perm = attrsOf<TransposeAttrs>(view).perm, inverse(rank);
    for (int64_t i = 0; i < rank; i++)
      inverse[perm[i]] = i;
    for (int64_t k = 0; k < rank; k++)
      result[k] = inverse[order[k]];
    return result;
  }
  // Reshapes and broadcasts: by stride where all are constants.
  const Dims &strides = view.result()->layout->strides;
  if (constantDims(strides))
    std::stable_sort(result.begin(), result.end(),
                     [&](int64_t a, int64_t b) { return strides[a].value() > strides[b].value(); });
  return result;
}

} // namespace cameo
