// What passes share that replace graph ops by others: building them before the op and giving them
// its uses.
#pragma once

#include "ir/Builder.h"

namespace cameo {

/// Builds what an op of one result in use means before it; nullptr if this instance has to stay.
using RewriteFn = Value *(*)(Builder &b, Op &op);

/// Rewrites the function's ops, those in control flow included, for which `rewriteOf` names a
/// function. Whether there were any.
bool rewriteOps(Module &module, RewriteFn (*rewriteOf)(const Op &op));

/// The value as another element type; the value itself if it has that.
Value *castTo(Builder &b, Value *x, DType dtype);

} // namespace cameo
