// The bodies of VectorMath's f32 functions, each on a scalar or a vector.
#pragma once

#include "codegen/OpBuilder.h"

namespace cameo {

using MathArgs = llvm::ArrayRef<llvm::Value *>;
using MathEmitter = llvm::Value *(*)(OpBuilder &, MathArgs);

// VectorMathF32.cpp: computed in f32.
llvm::Value *emitExp(OpBuilder &b, MathArgs args);
llvm::Value *emitLog(OpBuilder &b, MathArgs args);
llvm::Value *emitTanh(OpBuilder &b, MathArgs args);
llvm::Value *emitSigmoid(OpBuilder &b, MathArgs args);
llvm::Value *emitErf(OpBuilder &b, MathArgs args);
llvm::Value *emitAsin(OpBuilder &b, MathArgs args);
llvm::Value *emitAcos(OpBuilder &b, MathArgs args);
llvm::Value *emitAtan(OpBuilder &b, MathArgs args);

// VectorMathWide.cpp: computed in f64.
llvm::Value *emitSin(OpBuilder &b, MathArgs args);
llvm::Value *emitCos(OpBuilder &b, MathArgs args);
llvm::Value *emitTan(OpBuilder &b, MathArgs args);
llvm::Value *emitSinh(OpBuilder &b, MathArgs args);
llvm::Value *emitCosh(OpBuilder &b, MathArgs args);
llvm::Value *emitAsinh(OpBuilder &b, MathArgs args);
llvm::Value *emitAcosh(OpBuilder &b, MathArgs args);
llvm::Value *emitAtanh(OpBuilder &b, MathArgs args);
llvm::Value *emitPow(OpBuilder &b, MathArgs args);

/// A polynomial, lowest power first, by Horner's rule.
llvm::Value *polynomial(OpBuilder &b, llvm::Value *x, llvm::ArrayRef<double> coefficients);

} // namespace cameo
