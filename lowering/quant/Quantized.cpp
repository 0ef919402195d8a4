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

bool sameNumbers(Value *a, Value *b) {
  if (a == b)
    return true;
  ConstRef x = a ? constantData(a) : nullptr, y = b ? constantData(b) : nullptr;
  return x && y && x->dtype == y->dtype && x->numElements() == y->numElements() &&
         std::equal(x->bytes.begin(), x->bytes.end(), y->bytes.begin(), y->bytes.end());
}

std::optional<double> uniformValue(Value *value) {
  ConstRef data = value ? constantData(value) : nullptr;
  if (!data || data->dtype == DType::String || data->numElements() == 0)
    return std::nullopt;
  for (int64_t i = 1; i < data->numElements(); i++)
    if (constFloat(*data, i) != constFloat(*data, 0))
      return std::nullopt;
  return constFloat(*data, 0);
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
