// What inference can prove about symbolic sizes. Every symbol is the size of something, so it is at
// least 0; intervals follow from that.
#pragma once

#include "ir/Dim.h"

#include <optional>

namespace cameo {

/// Bounds of a size, inclusive; an absent bound is not known.
struct DimRange {
  std::optional<int64_t> low, high;
};

DimRange rangeOf(const Dim &dim);
/// Whether a >= b (a > b) whatever the symbols' values. False may also mean unknown.
bool provablyAtLeast(const Dim &a, const Dim &b);
bool provablyGreater(const Dim &a, const Dim &b);
/// Quotient rounded towards zero, as integer tensors divide; nothing if the signs of symbolic
/// operands are unknown or the divisor may be 0.
std::optional<Dim> truncDiv(const Dim &a, const Dim &b);

/// Index of the first element that a Slice with this start and step takes of a dim, clamped as ONNX
/// says; nothing if it is not known from which end `start` counts. If the slice is empty, it may be
/// one past either end, or past the last by more for a symbolic dim.
std::optional<Dim> firstOfSlice(const Dim &dim, const Dim &start, int64_t step);

/// Whether the expression has more than `limit` factors, those of nested expressions included.
/// Expressions that nest in each other double at every step; inference refuses them early.
bool isComplex(const Dim &dim, int64_t limit);

} // namespace cameo
