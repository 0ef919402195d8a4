// See Strides.h.
#include "lowering/build/Strides.h"

#include "lowering/build/Views.h"

#include <optional>

namespace cameo {

void mergeContiguous(std::vector<NestAxis> &axes, bool firstApart) {
  std::vector<NestAxis> merged;
  size_t numTensors = axes.empty() ? 0 : axes[0].strides.size();
  std::optional<NestAxis> first;
  if (firstApart && !axes.empty()) {
    first = std::move(axes.front());
    axes.erase(axes.begin());
  }
  for (NestAxis &axis : axes) {
    if (axis.extent == Dim(1))
      continue;
    bool contiguous = !merged.empty();
    for (size_t t = 0; contiguous && t < numTensors; t++)
      contiguous = merged.back().strides[t] == axis.strides[t] * axis.extent;
    if (!contiguous) {
      merged.push_back(std::move(axis));
      continue;
    }
    merged.back().extent = merged.back().extent * axis.extent;
    merged.back().strides = std::move(axis.strides);
  }
  if (merged.empty())
    merged.push_back({Dim(1), std::vector<Dim>(numTensors, Dim(1))});
  if (first)
    merged.insert(merged.begin(), std::move(*first));
  axes = std::move(merged);
}

std::vector<Dim> broadcastStrides(const Value &x, const Dims &shape) {
  std::vector<Dim> strides(shape.size(), Dim(0));
  size_t skip = shape.size() - x.type.shape().size();
  for (size_t i = skip; i < shape.size(); i++)
    strides[i] = broadcastStride(x, static_cast<int64_t>(i - skip), shape[i]);
  return strides;
}

std::vector<std::vector<Dim>> operandStrides(const Op &op, int64_t first) {
  std::vector<std::vector<Dim>> strides;
  for (int64_t i = first; i < op.numOperands(); i++)
    strides.push_back(broadcastStrides(*op.operand(i), op.result()->type.shape()));
  return strides;
}

} // namespace cameo
