// Zero points of integer contractions as terms of the epilogue:
//   sum (x - a)(w - b) = sum x w  -  a * sum w  -  b * (sum x - K a)
// with sums over the K products of an element. Padding of x is its zero point a, so that the second
// term is the same for every position. Sums of constant weights are taken at compile time.
#pragma once

#include "ir/kernel/Contraction.h"
#include "lowering/build/LoopBuilder.h"

#include <functional>
#include <optional>

namespace cameo {

/// One side of the products: bytes as they are stored, and their zero point. A flipped side is
/// stored as the other signedness, 128 added to bytes and zero point.
struct Side {
  Value *bytes; // as they were before they were flipped
  bool flip = false;
  ZeroPoint zero = {}; // of the bytes as they were

  int64_t shift() const { return !flip ? 0 : bytes->type.dtype() == DType::U8 ? -128 : 128; }
  /// The zero point of the stored bytes, if it is a number.
  std::optional<int64_t> fixed() const {
    return zero.operand < 0 ? std::optional(zero.value + shift()) : std::nullopt;
  }
  bool isZero() const { return fixed() == 0; }
};

/// The bytes as they are stored: a kernel of its own before the builder's place, which fusion moves
/// to where they are made.
Value *storedBytes(LoopBuilder &b, Value *bytes, bool flip);

/// Subtracts the terms from the sum that a kernel's region takes. `inputSums` makes the sums of
/// stored x over the products of each element, when they are needed.
void subtractZeroPoints(LoopBuilder &b, Op *kernel, const Side &x, const Side &w,
                        const std::function<Value *()> &inputSums);

/// Sums of the stored bytes over an axis, which stays as a dim of 1, as i32.
Value *sumOver(LoopBuilder &b, const Side &side, const std::vector<int64_t> &axes);

} // namespace cameo
