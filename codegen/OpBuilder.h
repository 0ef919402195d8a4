// An IRBuilder that knows the element types of cameo's IR and the scalar ops' contract
// (ir/ops/Scalar.def): everything is defined for every input, and nothing becomes a call of libm or
// of a compiler support routine, whatever the target lacks.
//
// Every function works on a scalar or, lane by lane, on a vector. f16 and bf16 are integers of 16
// bits in LLVM IR: LLVM's own half types turn into library calls on some targets.
#pragma once

#include "codegen/LlvmHeaders.h"
#include "ir/Attr.h"
#include "ir/OpKind.h"
#include "ir/Target.h"
#include "ir/Type.h"

namespace cameo {

class OpBuilder : public llvm::IRBuilder<> {
public:
  OpBuilder(llvm::Module &module, const Target &target)
      : llvm::IRBuilder<>(module.getContext()), module_(module), target_(target) {}

  llvm::Module &module() { return module_; }
  const Target &target() const { return target_; }

  /// Types. bool is i1 as a value and i8 in memory.
  llvm::Type *element(DType dtype);
  llvm::Type *memoryElement(DType dtype);
  llvm::Type *type(const Type &type);
  llvm::IntegerType *indexType() { return getIntNTy(8 * target_.indexBytes); }
  /// The element type of a scalar, vector or index; index is i64 or i32.
  DType dtype(const Type &type) const;
  /// `elementType`, as a vector if `shape` is one.
  static llvm::Type *like(llvm::Type *elementType, llvm::Type *shape);
  static int64_t lanes(llvm::Type *type);

  /// A constant of type `type`, splat if a vector.
  llvm::Constant *number(llvm::Type *type, double value);
  llvm::Constant *integer(llvm::Type *type, int64_t value);
  /// The same of an element type of ours, from whichever of the two is meant.
  llvm::Constant *constant(const Type &type, const Attr &value);

  // ScalarOps.cpp: the ops, by kind. Operands have element type `dtype`.
  llvm::Value *unary(OpKind kind, DType dtype, llvm::Value *a);
  llvm::Value *binary(OpKind kind, DType dtype, llvm::Value *a, llvm::Value *b);
  llvm::Value *compare(const std::string &predicate, DType dtype, llvm::Value *a, llvm::Value *b);
  llvm::Value *mad(DType dtype, llvm::Value *a, llvm::Value *b, llvm::Value *c);
  /// a*b+c on f32 or f64, fused where the target can.
  llvm::Value *mad(llvm::Value *a, llvm::Value *b, llvm::Value *c);
  /// NaN if either is; the sign of a zero is either's.
  llvm::Value *floatMin(llvm::Value *a, llvm::Value *b);
  llvm::Value *floatMax(llvm::Value *a, llvm::Value *b);
  /// One of floor, ceil, round (half to even), trunc on f32 or f64.
  llvm::Value *roundTo(OpKind kind, llvm::Value *a);
  llvm::Value *sqrt(llvm::Value *a) { return CreateUnaryIntrinsic(llvm::Intrinsic::sqrt, a); }
  llvm::Value *fabs(llvm::Value *a) { return CreateUnaryIntrinsic(llvm::Intrinsic::fabs, a); }
  llvm::Value *copySign(llvm::Value *magnitude, llvm::Value *sign) {
    return CreateBinaryIntrinsic(llvm::Intrinsic::copysign, magnitude, sign);
  }
  /// `reduce_lanes`: floats halves pairwise, op is add mul min max and or.
  llvm::Value *reduce(const std::string &op, DType dtype, llvm::Value *vector);

  // Dot.cpp
  /// `dot`: sums of four products of 8-bit integers, or two of 16 bits, added to lanes of i32.
  llvm::Value *dot(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned, llvm::Value *b);
  /// `matrix_dot`: 2x2 sums of eight products of 8-bit integers.
  llvm::Value *matrixDot(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                         llvm::Value *b);
  /// `dot` of pairs of bf16, as their bits, added to lanes of f32.
  llvm::Value *dotPairs(llvm::Value *sum, llvm::Value *a, llvm::Value *b);

  // Lookup.cpp
  /// Elements of a table of 256 bytes, at the bits of 8-bit integers.
  llvm::Value *lookup(llvm::ArrayRef<int64_t> table, llvm::Value *at);

  // Cast.cpp
  llvm::Value *cast(llvm::Value *value, DType from, DType to);
  /// f32 to bf16; denormals may become 0.
  llvm::Value *flushingBfloat(llvm::Value *value);
  /// `nearest`: f32 to i32, half to even; what does not fit becomes any i32.
  llvm::Value *nearest(llvm::Value *value);
  /// To the target's index from an integer; saturates.
  llvm::Value *castToIndex(llvm::Value *value, DType from);

  using Part = llvm::function_ref<llvm::Value *(llvm::ArrayRef<llvm::Value *>)>;
  /// Runs `body` on parts of vectors of equal lengths, a power of two, and joins its results. Parts
  /// have up to `most` lanes.
  llvm::Value *inParts(int64_t most, llvm::ArrayRef<llvm::Value *> operands, Part body);

  /// Calls a support function of the runtime (runtime/support) on each lane.
  llvm::Value *callPerLane(const char *name, llvm::ArrayRef<llvm::Value *> args);

private:
  llvm::Value *dotInstruction(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                              llvm::Value *b);
  llvm::Value *sumOfPairs(llvm::Value *sum, llvm::Value *a);
  llvm::Value *productOfBytes(llvm::Value *a, llvm::Value *b);
  llvm::Value *dotByParts(llvm::Value *sum, bool aSigned, llvm::Value *a, bool bSigned,
                          llvm::Value *b);
  llvm::Value *lookupInRegisters(llvm::ArrayRef<uint8_t> table, llvm::Value *at);
  llvm::Value *integerBinary(OpKind kind, bool isSigned, llvm::Value *a, llvm::Value *b);
  llvm::Value *divide(bool isSigned, bool remainder, llvm::Value *a, llvm::Value *b);
  llvm::Value *shift(bool left, bool isSigned, llvm::Value *a, llvm::Value *b);
  llvm::Value *roundByAdding(OpKind kind, llvm::Value *a);
  llvm::Value *halfToFloat(llvm::Value *bits);
  llvm::Value *floatToHalf(llvm::Value *value);
  llvm::Value *bfloatToFloat(llvm::Value *bits);
  llvm::Value *floatToBfloat(llvm::Value *value);
  llvm::Value *doubleToFloatOdd(llvm::Value *value);
  llvm::Value *floatToInt(llvm::Value *value, DType to);
  llvm::Value *castInt(llvm::Value *value, DType from, DType to);

  llvm::Module &module_;
  const Target &target_;
};

} // namespace cameo
