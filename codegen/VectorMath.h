// exp, log, sin and the other elementary functions as code of our own, on scalars and vectors of
// any number of lanes: nothing is left to libm.
//
// f32 is computed in IR: within a few units in the last place, right for inf, NaN, denormals and
// large arguments. f64 calls the runtime's scalar functions lane by lane.
#pragma once

#include "codegen/OpBuilder.h"

namespace cameo {

/// The function `kind` (ScalarExp .. ScalarSigmoid) of f32 or f64 operands: emits a call of a
/// function of the module, made on first use, one for each kind and type.
llvm::Value *vectorMath(OpBuilder &builder, OpKind kind, llvm::ArrayRef<llvm::Value *> args);

} // namespace cameo
