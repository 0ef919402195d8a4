// Layouts of views: what a reshape, transpose, slice or broadcast makes of its operand's strides.
#pragma once

#include "ir/Op.h"
#include "lowering/layout/Halo.h"

#include <optional>
#include <vector>

namespace cameo {

/// Extra elements after each row of channels (or columns) whose size in bytes is a multiple of 2
/// KiB: without them rows fall into the same L1 sets and a GEMM over them runs at 70-75 % of peak
/// (measured on Zen 4).
inline constexpr int64_t kLeadingDimPadding = 16;
bool wantsPadding(const Type &type, const Dim &extent);

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
/// The halo around a slice: the operand's along dims taken whole, none along the others.
Halo sliceHalo(Op &slice, const Halo &halo);

} // namespace cameo
