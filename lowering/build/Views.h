// Layouts of views: what a reshape, transpose, slice or broadcast makes of its operand's strides.
#pragma once

#include "ir/Op.h"

#include <optional>
#include <vector>

namespace cameo {

/// Whether elements along `axis` are next to each other (or there is at most one).
bool isUnitStride(const Value &value, int64_t axis);

/// Whether elements are in row-major order without gaps; the stride of a dim of 1 does not matter.
bool isDense(const Value &value);

/// The stride of x along `axis` when broadcast to `extent`.
Dim broadcastStride(const Value &x, int64_t axis, const Dim &extent);

/// The result's layout over the operand's buffer, or nothing if strides cannot express it (a
/// reshape that merges dims that are not adjacent in memory).
std::optional<Layout> viewLayout(Op &view);
/// The order in memory of the result's dims, given the operand's.
std::vector<int64_t> viewOrder(Op &view, const std::vector<int64_t> &order);

} // namespace cameo
