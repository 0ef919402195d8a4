// Building a graph-level Loop that runs a known number of times.
#pragma once

#include "lowering/build/Rewrite.h"

#include <vector>

namespace cameo {

/// The size of an axis as a scalar tensor of i64.
Value *axisSize(Rewriter &b, Value *x, int64_t axis);
Value *scalarInt(Rewriter &b, int64_t value);
/// `iteration`, or the one as far from the end.
Value *iterationFrom(Rewriter &b, Value *iteration, Value *trips, bool reverse);
/// A dim taken out of a tensor's shape and put first.
Type stackedFirst(const Type &type, int64_t axis);
/// The tensor with axis 0 reversed.
Value *reversedFirst(Rewriter &b, Value *x);

/// A Loop of `trips` iterations, the builder placed in its body. Arguments of the body: the number
/// of the iteration, the condition, then what is carried. Results: of the types of `carried`, then
/// `stacked`.
Op *beginLoop(Rewriter &b, Value *trips, const std::vector<Value *> &carried,
              const std::vector<Type> &stacked);
/// Ends the body with the next carried values and this iteration's slices; the builder is after the
/// Loop then.
void endLoop(Rewriter &b, Op *loop, std::vector<Value *> carriedAndSlices);

} // namespace cameo
