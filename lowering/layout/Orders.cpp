// In which order kernels store the dims of their results; see AssignLayouts.cpp.
#include "lowering/layout/LayoutState.h"

#include "ir/kernel/ViewOps.h"
#include "lowering/build/Batches.h"

#include <numeric>
#include <optional>

namespace cameo {

/// The order of the operand with the result's shape, channels-last before others; else row-major.
Order LayoutState::followOperands(Op &op, Value *result) const {
  Order best = rowMajor(result->type.rank());
  for (Value *operand : op.operands()) {
    if (!operand || operand->type.rank() != result->type.rank() || !orders.count(operand))
      continue;
    bool sameShape = operand->type.shape() == result->type.shape();
    bool resized = op.kind() != OpKind::KernelPointwise && op.operand(0) == operand;
    if ((sameShape || resized) && orders.at(operand) != best)
      return orders.at(operand);
  }
  return best;
}

/// The order in which transpositions that are all of a value's readers, and keep its last dim last,
/// have its dims: what they make is row-major then, and merging the heads of an attention is no
/// copy. Where merged rows want padding, the copy that pads them stays.
static std::optional<Order> orderOfTranspositions(const Value &value) {
  std::optional<Order> order;
  for (const Op *user : value.users()) {
    if (user->kind() != OpKind::KernelTranspose)
      return std::nullopt;
    Order perm = attrsOf<TransposeAttrs>(*user).perm;
    if (perm.back() + 1 != value.type.rank() || (order && *order != perm))
      return std::nullopt;
    order = perm;
  }
  Dim extent(1);
  for (size_t k = order ? order->size() : 0; k-- > 0;) {
    extent = extent * value.type.dim((*order)[k]);
    if (k + 1 < order->size() && wantsPadding(value.type, extent))
      return std::nullopt;
  }
  return order;
}

/// The same of a value that only a reshape reads, which merges batches before they are transposed.
static std::optional<Order> orderOfReaders(const Value &value) {
  const std::vector<Op *> users = value.users();
  if (users.size() != 1 || users[0]->kind() != OpKind::KernelReshape)
    return orderOfTranspositions(value);
  const Value &merged = *users[0]->result();
  std::optional<Order> order = orderOfTranspositions(merged);
  std::optional<std::vector<size_t>> parts = partsOf(merged.type.shape(), value.type.shape());
  if (!order || !parts)
    return std::nullopt;
  std::vector<Order> split;
  int64_t next = 0;
  for (size_t count : *parts) {
    Order &dims = split.emplace_back(count);
    std::iota(dims.begin(), dims.end(), next);
    next += static_cast<int64_t>(count);
  }
  Order result;
  for (int64_t dim : *order)
    result.insert(result.end(), split[static_cast<size_t>(dim)].begin(),
                  split[static_cast<size_t>(dim)].end());
  return result;
}

Order LayoutState::naturalOrder(Op &op, Value *result) const {
  switch (storageOf(op)) {
  case Storage::ChannelsLast:
    return channelsLast(result->type.rank());
  case Storage::Rows:
    if (std::optional<Order> order = orderOfReaders(*result))
      return *order;
    return rowMajor(result->type.rank());
  case Storage::RowMajor:
    return rowMajor(result->type.rank());
  default:
    return followOperands(op, result);
  }
}

} // namespace cameo
