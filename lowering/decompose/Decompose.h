// Composite ops as simpler graph ops, by a function named in the table of Decompose.cpp. Runs after
// simplification, so that patterns over whole ops have been seen; what it makes is simplified
// again.
#pragma once

#include "lowering/loops/LoopBuilder.h"

namespace cameo {

// Each builds an op's meaning from other graph ops before it; the value of its first result, or
// nullptr if this instance has to stay. Further results are replaced by the function itself.
Value *decomposeBatchNorm(Builder &b, Op &op);
Value *decomposeInstanceNorm(Builder &b, Op &op);
Value *decomposeGroupNorm(Builder &b, Op &op);
Value *decomposeMeanVarianceNorm(Builder &b, Op &op);
Value *decomposeLpNorm(Builder &b, Op &op);
Value *decomposeLrn(Builder &b, Op &op);
Value *decomposeLogSumExp(Builder &b, Op &op);
Value *decomposeDepthToSpace(Builder &b, Op &op);
Value *decomposeSpaceToDepth(Builder &b, Op &op);
Value *decomposeCastLike(Builder &b, Op &op);
Value *decomposeCausalConv(Builder &b, Op &op);
Value *decomposeLinearAttention(Builder &b, Op &op);
Value *decomposeScan(Builder &b, Op &op);
Value *decomposeSequenceMap(Builder &b, Op &op);
Value *decomposeRecurrent(Builder &b, Op &op);
Value *decomposeHardmax(Builder &b, Op &op);
Value *decomposeDynamicQuantize(Builder &b, Op &op);
Value *decomposeBlockedQuantize(Builder &b, Op &op);
Value *decomposeBlockedDequantize(Builder &b, Op &op);

/// A scalar or [C, 1, 1 ...]-shaped helper for decompositions: a [C] vector along axis 1 of a rank.
Value *alongAxisOne(Builder &b, Value *vector, int64_t rank);
/// A rank-0 constant of the like's element type.
Value *scalarLike(Builder &b, Value *like, double value);

} // namespace cameo
