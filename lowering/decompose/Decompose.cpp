// The table of decompositions and the pass; see Decompose.h.
#include "lowering/decompose/Decompose.h"

#include "lowering/Passes.h"

#include <algorithm>
#include <unordered_map>

namespace cameo {
namespace {

/// Whether a decomposition looks at no shape, so that it need not be known how many dims there are.
bool ignoresShapes(OpKind kind) {
  return kind == OpKind::CastLike || kind == OpKind::Scan || kind == OpKind::SequenceMap;
}

bool hasRanks(const Op &op) {
  auto isRanked = [](const Value *value) {
    return !value || !value->type.isTensor() || value->type.isRanked();
  };
  return std::all_of(op.operands().begin(), op.operands().end(), isRanked) &&
         std::all_of(op.results().begin(), op.results().end(),
                     [&](const std::unique_ptr<Value> &result) { return isRanked(result.get()); });
}

RewriteFn decompositionOf(OpKind kind) {
  static const std::unordered_map<OpKind, RewriteFn> table = {
      {OpKind::BatchNormalization, decomposeBatchNorm},
      {OpKind::InstanceNormalization, decomposeInstanceNorm},
      {OpKind::GroupNormalization, decomposeGroupNorm},
      {OpKind::MeanVarianceNormalization, decomposeMeanVarianceNorm},
      {OpKind::LpNormalization, decomposeLpNorm},
      {OpKind::LRN, decomposeLrn},
      {OpKind::ReduceLogSumExp, decomposeLogSumExp},
      {OpKind::CastLike, decomposeCastLike},
      {OpKind::Sum, decomposeVariadic},
      {OpKind::Mean, decomposeVariadic},
      {OpKind::Max, decomposeVariadic},
      {OpKind::Min, decomposeVariadic},
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

Value *alongAxisOne(Rewriter &b, Value *vector, int64_t rank) {
  std::vector<int64_t> shape(rank - 1, 1);
  shape[0] = -1;
  return b.graphValue(OpKind::Reshape, {vector, b.constant(makeConst(shape))});
}

Value *scalarLike(Rewriter &b, Value *like, double value) {
  return b.constant(makeSplat(like->type.dtype(), {}, value));
}

Result<bool> decompose(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) {
    return ignoresShapes(op.kind()) || hasRanks(op) ? decompositionOf(op.kind()) : nullptr;
  });
}

} // namespace cameo
