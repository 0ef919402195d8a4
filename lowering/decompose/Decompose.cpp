// The pass; see Decompose.h.
#include "lowering/decompose/Decompose.h"

#include "lowering/Passes.h"

#include <algorithm>

namespace cameo {
namespace {

enum class Needs { Ranks, Nothing };

bool hasRanks(const Op &op) {
  auto isRanked = [](const Value *value) {
    return !value || !value->type.isTensor() || value->type.isRanked();
  };
  return std::all_of(op.operands().begin(), op.operands().end(), isRanked) &&
         std::all_of(op.results().begin(), op.results().end(),
                     [&](const std::unique_ptr<Value> &result) { return isRanked(result.get()); });
}

RewriteFn decompositionOf(const Op &op) {
  switch (op.kind()) {
#define DECOMPOSE(kind, function, needs)                                                           \
  case OpKind::kind:                                                                               \
    return Needs::needs == Needs::Nothing || hasRanks(op) ? function : nullptr;
#include "lowering/decompose/Decompose.def"
  default:
    return nullptr;
  }
}

} // namespace

Value *alongAxisOne(Rewriter &b, Value *vector, int64_t rank) {
  // A vector is one channel.
  std::vector<int64_t> shape(std::max<int64_t>(rank - 1, 1), 1);
  shape[0] = -1;
  return b.graphValue(OpKind::Reshape, {vector, b.constant(makeConst(shape))});
}

Value *scalarLike(Rewriter &b, Value *like, double value) {
  return b.constant(makeSplat(like->type.dtype(), {}, value));
}

Result<bool> decompose(Module &module, PassContext &) {
  return rewriteOps(module, decompositionOf);
}

} // namespace cameo
