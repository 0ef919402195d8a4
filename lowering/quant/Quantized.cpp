// See Quantized.h.
#include "lowering/quant/Quantized.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

#include <algorithm>

namespace cameo {
namespace {

bool hasOneElement(const Value &value) {
  const Dims &shape = value.type.shape();
  return std::all_of(shape.begin(), shape.end(), [](const Dim &dim) { return dim == Dim(1); });
}

} // namespace

bool Quantized::perTensor() const { return hasOneElement(*scale); }

std::optional<Quantized> dequantized(Value *value) {
  Op *op = value ? value->definingOp() : nullptr;
  if (!op || op->kind() != OpKind::DequantizeLinear || op->attrs.getInt("block_size") ||
      value->type.dtype() != DType::F32 || !value->type.isRanked())
    return std::nullopt;
  Quantized result{op->operand(0), op->operand(1), op->operand(2), 0};
  if (result.scale->type.dtype() != DType::F32 || !result.scale->type.isRanked())
    return std::nullopt;
  if (!result.perTensor())
    result.axis = *normalizeAxis(op->attrs.getInt("axis", 1), value->type.rank());
  return result;
}

Value *shapedAlong(Rewriter &b, Value *vector, int64_t axis, int64_t rank) {
  std::vector<int64_t> shape;
  if (!hasOneElement(*vector)) {
    shape.assign(rank - axis, 1);
    shape[0] = -1;
  } else if (vector->type.rank() == 0) {
    return vector;
  }
  return b.graphValue(OpKind::Reshape, {vector, b.constant(makeConst(shape))});
}

} // namespace cameo
