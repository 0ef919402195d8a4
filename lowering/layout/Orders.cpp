// In which order kernels store the dims of their results; see AssignLayouts.cpp.
#include "lowering/layout/LayoutState.h"

#include "ir/kernel/ViewOps.h"

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
static std::optional<Order> orderOfReaders(const Value &value) {
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
