// The table of decompositions and the pass; see Decompose.h.
#include "lowering/decompose/Decompose.h"

#include "lowering/Passes.h"
#include "lowering/Rewrite.h"

#include <unordered_map>

namespace cameo {
namespace {

RewriteFn decompositionOf(OpKind kind) {
  static const std::unordered_map<OpKind, RewriteFn> table = {
      {OpKind::BatchNormalization, decomposeBatchNorm},
      {OpKind::InstanceNormalization, decomposeInstanceNorm},
      {OpKind::GroupNormalization, decomposeGroupNorm},
      {OpKind::MeanVarianceNormalization, decomposeMeanVarianceNorm},
      {OpKind::LpNormalization, decomposeLpNorm},
      {OpKind::LRN, decomposeLrn},
      {OpKind::ReduceLogSumExp, decomposeLogSumExp},
      {OpKind::DepthToSpace, decomposeDepthToSpace},
      {OpKind::SpaceToDepth, decomposeSpaceToDepth},
      {OpKind::CastLike, decomposeCastLike},
      {OpKind::CausalConvWithState, decomposeCausalConv},
      {OpKind::LinearAttention, decomposeLinearAttention},
      {OpKind::Scan, decomposeScan},
      {OpKind::SequenceMap, decomposeSequenceMap},
      {OpKind::RNN, decomposeRecurrent},
      {OpKind::GRU, decomposeRecurrent},
      {OpKind::LSTM, decomposeRecurrent},
      {OpKind::Hardmax, decomposeHardmax},
      {OpKind::DynamicQuantizeLinear, decomposeDynamicQuantize},
      {OpKind::QuantizeLinear, decomposeBlockedQuantize},
      {OpKind::DequantizeLinear, decomposeBlockedDequantize},
  };
  auto found = table.find(kind);
  return found == table.end() ? nullptr : found->second;
}

} // namespace

Value *alongAxisOne(Builder &b, Value *vector, int64_t rank) {
  std::vector<int64_t> shape(rank - 1, 1);
  shape[0] = -1;
  return b.graphValue(OpKind::Reshape, {vector, b.constant(makeConst(shape))});
}

Value *scalarLike(Builder &b, Value *like, double value) {
  return b.constant(makeSplat(like->type.dtype(), {}, value));
}

Result<bool> decompose(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) { return decompositionOf(op.kind()); });
}

} // namespace cameo
