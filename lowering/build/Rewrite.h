// What passes share that replace graph ops by others: building them before the op and giving them
// its uses.
#pragma once

#include "ir/Builder.h"

namespace cameo {

/// Thrown by what builds the parts of an op, and caught where the op is rewritten or selected:
/// parts nest in each other's operands, where an Error would have to be passed up from each.
struct Refusal {
  Error error;
};

/// Builds what stands for an op of the user's. Inference may refuse a part of it though it took the
/// whole: sizes that only the parts compare, or that overflow in between.
class Rewriter : public Builder {
public:
  Rewriter(Module &module, Op &op);

  /// Unlike the Builder's: ends the rewriting of the op (see rewriteOps) if inference refuses.
  Value *graphValue(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {});
};

/// Builds what an op of one result in use means before it; nullptr if this instance has to stay,
/// and what was built for it goes.
using RewriteFn = Value *(*)(Rewriter &b, Op &op);

/// Rewrites the function's ops, those in control flow included, for which `rewriteOf` names a
/// function. Whether there were any; an error about the op of which inference refused a part, after
/// which the module is of no use.
Result<bool> rewriteOps(Module &module, RewriteFn (*rewriteOf)(const Op &op));

/// The value as another element type; the value itself if it has that.
Value *castTo(Rewriter &b, Value *x, DType dtype);
/// The value in the shape that `sizes`, an operand of Reshape, says. A size of 0 is one, and not
/// the value's own.
Value *reshapeTo(Rewriter &b, Value *x, Value *sizes);
/// As many zeros as `shape`, a constant or computed, says.
Value *zeros(Rewriter &b, DType dtype, Value *shape);

} // namespace cameo
