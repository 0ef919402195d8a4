// Normalizations as arithmetic; the formulas are those of the ONNX operator pages.
#include "lowering/decompose/Decompose.h"

namespace cameo {

/// (x - mean) * (scale / sqrt(var + epsilon)) + B, per channel; the factor is folded when constant.
Value *decomposeBatchNorm(Builder &b, Op &op) {
  bool extraUsed = false;
  for (int64_t i = 1; i < op.numResults(); i++)
    extraUsed = extraUsed || !op.result(i)->users().empty();
  if (op.attrs.getInt("training_mode") || extraUsed)
    return nullptr;
  Value *x = op.operand(0), *mean = op.operand(3), *variance = op.operand(4);
  Value *deviation = b.graphValue(
      OpKind::Sqrt,
      {b.graphValue(OpKind::Add,
                    {variance, scalarLike(b, variance, op.attrs.getFloat("epsilon"))})});
  Value *factor = b.graphValue(OpKind::Div, {op.operand(1), deviation});
  Value *shift =
      b.graphValue(OpKind::Sub, {op.operand(2), b.graphValue(OpKind::Mul, {mean, factor})});
  int64_t rank = x->type.rank();
  Value *scaled = b.graphValue(OpKind::Mul, {x, alongAxisOne(b, factor, rank)});
  return b.graphValue(OpKind::Add, {scaled, alongAxisOne(b, shift, rank)});
}

} // namespace cameo
