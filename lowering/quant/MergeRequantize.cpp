// Gives integer contractions one multiplication between their sums and the quantized result: the
// scale of the result is divided into the factor before it, past activations, which often are
// nothing but the saturation that follows. Runs after integer-contractions.
//
// Turn this: QuantizeLinear(Relu(Cast(%sums) * %f), %s, %z)
// Into this: QuantizeLinear(Cast(%sums) * (%f / %s), 1, %z)     if %z is the least u8 or i8
// Only if: the scale is one number, and nothing else reads what is in between.
#include "lowering/Passes.h"
#include "lowering/build/Match.h"
#include "lowering/quant/Quantized.h"

#include <cmath>

namespace cameo {
namespace {

using namespace match;

struct Multiples {
  double least, most;
};

/// What the quantized type can say, as multiples of the scale.
Multiples saturationRange(DType dtype, double zero) {
  double size = std::ldexp(1.0, static_cast<int>(8 * dtypeBytes(dtype)));
  double least = isSignedInt(dtype) ? -size / 2 : 0;
  return {least - zero, least + size - 1 - zero};
}

/// A bound of a Clip, in multiples of the scale.
std::optional<double> boundOf(Op &clip, int64_t operand, double scale, double otherwise) {
  if (!clip.operand(operand))
    return otherwise;
  std::optional<double> bound = uniformValue(clip.operand(operand));
  if (!bound)
    return std::nullopt;
  return *bound / scale;
}

/// Whether the activation changes nothing that saturation would not.
bool isSaturation(Op &op, const Multiples &range, double scale) {
  if (op.kind() == OpKind::Relu)
    return range.least >= 0;
  if (op.kind() != OpKind::Clip)
    return false;
  std::optional<double> low = boundOf(op, 1, scale, -INFINITY),
                        high = boundOf(op, 2, scale, INFINITY);
  // A bound that rounds to the end of the range, or is beyond it.
  return low && high && std::nearbyint(*low) <= range.least && std::nearbyint(*high) >= range.most;
}

Op *soleProducer(Value *value) {
  return value->users().size() == 1 ? value->definingOp() : nullptr;
}

const Capture kSums, kFactor;

/// The sums of an integer contraction, as floats, times a factor.
const Pattern &scaledSums() {
  static const Pattern contraction = op(OpKind::ConvInteger) | op(OpKind::MatMulInteger);
  static const Pattern sums =
      op(OpKind::Cast, {contraction | op(OpKind::Add, {contraction, any()})});
  static const Pattern scaled = op(OpKind::Mul, {sums.as(kSums), any().as(kFactor)});
  return scaled;
}

Value *merged(Rewriter &b, Op &quantize) {
  std::optional<double> scale = uniformValue(quantize.operand(1));
  std::optional<double> zero = quantize.operand(2) ? uniformValue(quantize.operand(2)) : 0.0;
  if (!scale || !zero || *scale <= 0 || *scale == 1 || quantize.attrs.getInt("block_size") ||
      quantize.operand(1)->type.dtype() != DType::F32)
    return nullptr;
  Multiples range = saturationRange(quantize.result()->type.dtype(), *zero);
  Op *producer = soleProducer(quantize.operand(0));
  bool relu = false;
  while (producer && (producer->kind() == OpKind::Relu || producer->kind() == OpKind::Clip)) {
    bool nothing = isSaturation(*producer, range, *scale);
    if (!nothing && producer->kind() == OpKind::Clip)
      return nullptr;
    relu = relu || !nothing;
    producer = soleProducer(producer->operand(0));
  }
  std::optional<Match> scaled =
      producer ? scaledSums().matchShared(producer->result()) : std::nullopt;
  if (!scaled)
    return nullptr;
  b.loc = producer->loc;
  auto number = [&](DType dtype, double value) { return b.constant(makeSplat(dtype, {}, value)); };
  Value *factor = b.graphValue(OpKind::Div, {scaled->at(kFactor), number(DType::F32, *scale)});
  Value *value = b.graphValue(OpKind::Mul, {scaled->at(kSums), factor});
  if (relu)
    value = b.graphValue(OpKind::Relu, {value});
  b.loc = quantize.loc;
  Value *point = quantize.operand(2);
  return b.graphValue(
      OpKind::QuantizeLinear,
      {value, number(DType::F32, 1), point ? number(point->type.dtype(), *zero) : nullptr},
      quantize.attrs);
}

} // namespace

Result<bool> mergeRequantize(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) -> RewriteFn {
    return op.kind() == OpKind::QuantizeLinear ? merged : nullptr;
  });
}

} // namespace cameo
