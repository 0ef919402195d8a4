// Composite ops as simpler graph ops, by a function named in the table of Decompose.cpp. Runs after
// simplification, so that patterns over whole ops have been seen; what it makes is simplified
// again.
#pragma once

#include "lowering/build/Rewrite.h"

namespace cameo {

// Each builds an op's meaning from other graph ops before it; the value of its first result, or
// nullptr if this instance has to stay. Further results are replaced by the function itself.
Value *decomposeBatchNorm(Rewriter &b, Op &op);
Value *decomposeInstanceNorm(Rewriter &b, Op &op);
Value *decomposeGroupNorm(Rewriter &b, Op &op);
Value *decomposeMeanVarianceNorm(Rewriter &b, Op &op);
Value *decomposeLpNorm(Rewriter &b, Op &op);
Value *decomposeLrn(Rewriter &b, Op &op);
Value *decomposeLogSumExp(Rewriter &b, Op &op);
Value *decomposeCastLike(Rewriter &b, Op &op);
Value *decomposeVariadic(Rewriter &b, Op &op);
Value *decomposeCausalConv(Rewriter &b, Op &op);
Value *decomposeLinearAttention(Rewriter &b, Op &op);
Value *decomposeScan(Rewriter &b, Op &op);
Value *decomposeSequenceMap(Rewriter &b, Op &op);
Value *decomposeRecurrent(Rewriter &b, Op &op);
Value *decomposeHardmax(Rewriter &b, Op &op);
Value *decomposeDynamicQuantize(Rewriter &b, Op &op);
Value *decomposeBlockedQuantize(Rewriter &b, Op &op);
Value *decomposeBlockedDequantize(Rewriter &b, Op &op);

/// A scalar or [C, 1, 1 ...]-shaped helper for decompositions: a [C] vector along axis 1 of a rank.
Value *alongAxisOne(Rewriter &b, Value *vector, int64_t rank);
/// A rank-0 constant of the like's element type.
Value *scalarLike(Rewriter &b, Value *like, double value);

} // namespace cameo
