// What the passes of quantized graphs share: recognizing (q - zero point) * scale, and building
// integer arithmetic. A quantized graph reaches them in two forms, QDQ (float ops between
// QuantizeLinear and DequantizeLinear) and QLinear*, and leaves them in one: ConvInteger and
// MatMulInteger, a multiplication with the scales, and QuantizeLinear with a scale of 1. As a
// formula, docs/ir.md's
//   q = saturate(rne(float(acc) * float(float(sx * sw) / sy)) + zp)
#pragma once

#include "lowering/build/Rewrite.h"
#include "lowering/build/Shapes.h"

#include <optional>

namespace cameo {

/// A tensor in integers.
struct Quantized {
  Value *integers = nullptr;
  Value *scale = nullptr; // f32: one element, or one a position of `axis`
  Value *zero = nullptr;  // like the scale; nullptr: 0
  int64_t axis = 0;

  bool perTensor() const;
};

/// The operands of a DequantizeLinear to f32, if they are not in blocks.
std::optional<Quantized> dequantized(Value *value);

/// One element a position of dim `axis` of `rank` dims, shaped to broadcast; one element: a scalar.
Value *shapedAlong(Rewriter &b, Value *vector, int64_t axis, int64_t rank);

} // namespace cameo
