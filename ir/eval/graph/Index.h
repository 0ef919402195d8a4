// Checked indices of gathering and scattering ops.
#pragma once

#include "ir/eval/graph/EvalContext.h"

namespace cameo::eval {

/// index in [-n, n) made non-negative.
Result<int64_t> checkedIndex(EvalContext &c, int64_t index, int64_t n);

/// Element offset of the `tuple`-th index tuple (the last dim of `indices`) into dims[firstDim..].
Result<int64_t> tupleOffset(EvalContext &c, const Tensor &indices, int64_t tuple,
                            const std::vector<int64_t> &dims, int64_t firstDim);

} // namespace cameo::eval
