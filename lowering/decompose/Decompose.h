// Composite ops as simpler graph ops, by the functions that Decompose.def names. Runs after
// simplification, so that patterns over whole ops have been seen; what it makes is simplified
// again.
#pragma once

#include "lowering/build/Rewrite.h"

namespace cameo {

// Each builds an op's meaning from other graph ops before it; the value of its first result, or
// nullptr if this instance has to stay. Further results are replaced by the function itself.
#define DECOMPOSE(kind, function, needs) Value *function(Rewriter &b, Op &op);
#include "lowering/decompose/Decompose.def"

/// A scalar or [C, 1, 1 ...]-shaped helper for decompositions: a [C] vector along axis 1 of a rank.
Value *alongAxisOne(Rewriter &b, Value *vector, int64_t rank);
/// A rank-0 constant of the like's element type.
Value *scalarLike(Rewriter &b, Value *like, double value);

/// A tensor as bytes: (bytes - zero) * scale is about x.
struct DynamicBytes {
  Value *bytes, *scale, *zero;
};
/// What DynamicQuantizeLinear makes of x: its range, 0 included, is mapped to 0 ... 255.
DynamicBytes quantizedDynamically(Rewriter &b, Value *x);

} // namespace cameo
