// Evaluating one op of constants, for passes that build such ops; see FoldConstants.cpp.
#pragma once

#include "ir/Module.h"
#include "ir/Result.h"

namespace cameo {

/// Gives the uses of an op of constants to its evaluated results, unless they would take more than
/// `growth` times the operands' bytes and 64 KB; whether it did. The op stays, without uses.
Result<bool> foldOp(Module &module, Op &op, int64_t growth);

/// A small tensor of integers or bools whose elements are all known numbers; nullptr for others.
ConstRef knownConstant(const Value *value);

} // namespace cameo
