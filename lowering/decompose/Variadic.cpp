// Sums and the like of very many operands as chains of such with few: a kernel has an argument for
// each operand.
#include "lowering/decompose/Decompose.h"

namespace cameo {

/// From the left, as the operator says. Sums of halves are in f32, as those within a kernel are.
Value *decomposeVariadic(Rewriter &b, Op &op) {
  constexpr int64_t kMostOperands = 16;
  if (op.numOperands() <= kMostOperands)
    return nullptr;
  bool isMean = op.kind() == OpKind::Mean;
  OpKind kind = isMean ? OpKind::Sum : op.kind();
  DType dtype = op.result()->type.dtype();
  std::vector<Value *> part;
  for (Value *operand : op.operands()) {
    part.push_back(castTo(b, operand, workType(dtype)));
    if (std::ssize(part) == kMostOperands)
      part = {b.graphValue(kind, part)};
  }
  Value *result = part.size() == 1 ? part[0] : b.graphValue(kind, part);
  if (isMean) {
    Value *count = scalarLike(b, result, static_cast<double>(op.numOperands()));
    result = b.graphValue(OpKind::Div, {result, count});
  }
  return castTo(b, result, dtype);
}

} // namespace cameo
