// The scalar ops of ir/ops/Scalar.def, whose comments are the contract, in LLVM IR. Casts are in
// Cast.cpp, exp and the like in VectorMath.
#include "codegen/OpBuilder.h"
#include "codegen/VectorMath.h"

namespace cameo {

using llvm::Intrinsic::ID;

llvm::Value *OpBuilder::mad(llvm::Value *a, llvm::Value *b, llvm::Value *c) {
  if (!target_.hasFma)
    return CreateFAdd(CreateFMul(a, b), c);
  return CreateIntrinsic(llvm::Intrinsic::fma, {a->getType()}, {a, b, c});
}

// With nsz these become one instruction when an operand is known not to be NaN, three otherwise.
llvm::Value *OpBuilder::floatMin(llvm::Value *a, llvm::Value *b) {
  llvm::CallInst *call = CreateIntrinsic(llvm::Intrinsic::minimum, {a->getType()}, {a, b});
  call->setHasNoSignedZeros(true);
  return call;
}

llvm::Value *OpBuilder::floatMax(llvm::Value *a, llvm::Value *b) {
  llvm::CallInst *call = CreateIntrinsic(llvm::Intrinsic::maximum, {a->getType()}, {a, b});
  call->setHasNoSignedZeros(true);
  return call;
}

// Without rounding instructions: adding and subtracting 2^23 (2^52) rounds half to even, from which
// the others follow by a correction of one. Numbers at least that large, inf and NaN stay.
llvm::Value *OpBuilder::roundByAdding(OpKind kind, llvm::Value *a) {
  llvm::Type *type = a->getType();
  llvm::Value *magnitude = fabs(a);
  llvm::Value *big = number(type, type->getScalarType()->isFloatTy() ? 0x1p23 : 0x1p52);
  llvm::Value *rounded = CreateFSub(CreateFAdd(magnitude, big), big);
  llvm::Value *one = number(type, 1);
  if (kind == OpKind::ScalarTrunc) {
    llvm::Value *above = CreateFCmpOGT(rounded, magnitude);
    rounded = CreateSelect(above, CreateFSub(rounded, one), rounded);
  }
  rounded = copySign(rounded, a);
  if (kind == OpKind::ScalarFloor)
    rounded = CreateSelect(CreateFCmpOGT(rounded, a), CreateFSub(rounded, one), rounded);
  else if (kind == OpKind::ScalarCeil)
    rounded = CreateSelect(CreateFCmpOLT(rounded, a), CreateFAdd(rounded, one), rounded);
  return CreateSelect(CreateFCmpOLT(magnitude, big), copySign(rounded, a), a);
}

llvm::Value *OpBuilder::roundTo(OpKind kind, llvm::Value *a) {
  if (target_.arch == Arch::X86_64 && !target_.has("sse4.1"))
    return roundByAdding(kind, a);
  switch (kind) {
  case OpKind::ScalarFloor:
    return CreateUnaryIntrinsic(llvm::Intrinsic::floor, a);
  case OpKind::ScalarCeil:
    return CreateUnaryIntrinsic(llvm::Intrinsic::ceil, a);
  case OpKind::ScalarTrunc:
    return CreateUnaryIntrinsic(llvm::Intrinsic::trunc, a);
  case OpKind::ScalarRound:
    // rint, not roundeven: the runtime sets round to nearest even, and both are one instruction.
    return CreateUnaryIntrinsic(llvm::Intrinsic::rint, a);
  default:
    ICE("not a rounding");
  }
}

// The divisors 0 and -1, which would trap, are replaced by 1 and their results put in after.
llvm::Value *OpBuilder::divide(bool isSigned, bool remainder, llvm::Value *a, llvm::Value *b) {
  llvm::Type *type = a->getType();
  llvm::Value *zero = integer(type, 0);
  llvm::Value *byZero = CreateICmpEQ(b, zero);
  llvm::Value *byMinusOne = CreateICmpEQ(b, integer(type, -1));
  llvm::Value *special = isSigned ? CreateOr(byZero, byMinusOne) : byZero;
  llvm::Value *divisor = CreateSelect(special, integer(type, 1), b);
  if (remainder)
    return isSigned ? CreateSRem(a, divisor) : CreateURem(a, divisor);
  llvm::Value *quotient = isSigned ? CreateSDiv(a, divisor) : CreateUDiv(a, divisor);
  if (isSigned)
    quotient = CreateSelect(byMinusOne, CreateNeg(a), quotient);
  return CreateSelect(byZero, zero, quotient);
}

llvm::Value *OpBuilder::shift(bool left, bool isSigned, llvm::Value *a, llvm::Value *b) {
  llvm::Type *type = a->getType();
  int64_t width = type->getScalarSizeInBits();
  if (!left && isSigned) {
    llvm::Value *most = integer(type, width - 1);
    return CreateAShr(a, CreateBinaryIntrinsic(llvm::Intrinsic::umin, b, most));
  }
  llvm::Value *inRange = CreateICmpULT(b, integer(type, width));
  llvm::Value *amount = CreateSelect(inRange, b, integer(type, 0));
  llvm::Value *shifted = left ? CreateShl(a, amount) : CreateLShr(a, amount);
  return CreateSelect(inRange, shifted, integer(type, 0));
}

llvm::Value *OpBuilder::integerBinary(OpKind kind, bool isSigned, llvm::Value *a, llvm::Value *b) {
  switch (kind) {
  case OpKind::ScalarAdd:
    return CreateAdd(a, b);
  case OpKind::ScalarSub:
    return CreateSub(a, b);
  case OpKind::ScalarMul:
    return CreateMul(a, b);
  case OpKind::ScalarDiv:
  case OpKind::ScalarRem:
    return divide(isSigned, kind == OpKind::ScalarRem, a, b);
  case OpKind::ScalarMin:
    return CreateBinaryIntrinsic(isSigned ? llvm::Intrinsic::smin : llvm::Intrinsic::umin, a, b);
  case OpKind::ScalarMax:
    return CreateBinaryIntrinsic(isSigned ? llvm::Intrinsic::smax : llvm::Intrinsic::umax, a, b);
  case OpKind::ScalarAnd:
    return CreateAnd(a, b);
  case OpKind::ScalarOr:
    return CreateOr(a, b);
  case OpKind::ScalarXor:
    return CreateXor(a, b);
  case OpKind::ScalarShl:
  case OpKind::ScalarShr:
    return shift(kind == OpKind::ScalarShl, isSigned, a, b);
  default:
    ICE("not an op on integers");
  }
}

llvm::Value *OpBuilder::binary(OpKind kind, DType dtype, llvm::Value *a, llvm::Value *b) {
  if (!isFloat(dtype))
    return integerBinary(kind, isSignedInt(dtype), a, b);
  if (isStorageOnly(dtype))
    return cast(binary(kind, DType::F32, cast(a, dtype, DType::F32), cast(b, dtype, DType::F32)),
                DType::F32, dtype);
  switch (kind) {
  case OpKind::ScalarAdd:
    return CreateFAdd(a, b);
  case OpKind::ScalarSub:
    return CreateFSub(a, b);
  case OpKind::ScalarMul:
    return CreateFMul(a, b);
  case OpKind::ScalarDiv:
    return CreateFDiv(a, b);
  case OpKind::ScalarMin:
    return floatMin(a, b);
  case OpKind::ScalarMax:
    return floatMax(a, b);
  case OpKind::ScalarRem:
    return callPerLane(dtype == DType::F32 ? "fmodf" : "fmod", {a, b});
  case OpKind::ScalarPow:
    return vectorMath(*this, kind, {a, b});
  default:
    ICE("not an op on floats");
  }
}

llvm::Value *OpBuilder::unary(OpKind kind, DType dtype, llvm::Value *a) {
  llvm::Type *type = a->getType();
  bool real = isFloat(dtype);
  // The sign of a half is one bit of an integer.
  if (isStorageOnly(dtype) && kind == OpKind::ScalarNeg)
    return CreateXor(a, integer(type, 0x8000));
  if (isStorageOnly(dtype) && kind == OpKind::ScalarAbs)
    return CreateAnd(a, integer(type, 0x7fff));
  if (isStorageOnly(dtype))
    return cast(unary(kind, DType::F32, cast(a, dtype, DType::F32)), DType::F32, dtype);
  switch (kind) {
  case OpKind::ScalarNeg:
    return real ? CreateFNeg(a) : CreateNeg(a);
  case OpKind::ScalarNot:
    return CreateNot(a);
  case OpKind::ScalarAbs:
    if (real)
      return fabs(a);
    return isSignedInt(dtype) ? CreateBinaryIntrinsic(llvm::Intrinsic::abs, a, getFalse()) : a;
  case OpKind::ScalarFloor:
  case OpKind::ScalarCeil:
  case OpKind::ScalarRound:
  case OpKind::ScalarTrunc:
    return real ? roundTo(kind, a) : a;
  case OpKind::ScalarSqrt:
    return sqrt(a);
  default:
    return vectorMath(*this, kind, {a});
  }
}

llvm::Value *OpBuilder::mad(DType dtype, llvm::Value *a, llvm::Value *b, llvm::Value *c) {
  if (!isFloat(dtype)) {
    llvm::Value *product = productOfBytes(a, b);
    return CreateAdd(product ? product : CreateMul(a, b), c);
  }
  if (!isStorageOnly(dtype))
    return mad(a, b, c);
  auto wide = [&](llvm::Value *value) { return cast(value, dtype, DType::F32); };
  return cast(mad(wide(a), wide(b), wide(c)), DType::F32, dtype);
}

llvm::Value *OpBuilder::compare(const std::string &predicate, DType dtype, llvm::Value *a,
                                llvm::Value *b) {
  if (isStorageOnly(dtype))
    return compare(predicate, DType::F32, cast(a, dtype, DType::F32), cast(b, dtype, DType::F32));
  using P = llvm::CmpInst::Predicate;
  struct Row {
    const char *name;
    P real, isSigned, isUnsigned;
  };
  static const Row rows[] = {
      {"eq", P::FCMP_OEQ, P::ICMP_EQ, P::ICMP_EQ},   {"ne", P::FCMP_UNE, P::ICMP_NE, P::ICMP_NE},
      {"lt", P::FCMP_OLT, P::ICMP_SLT, P::ICMP_ULT}, {"le", P::FCMP_OLE, P::ICMP_SLE, P::ICMP_ULE},
      {"gt", P::FCMP_OGT, P::ICMP_SGT, P::ICMP_UGT}, {"ge", P::FCMP_OGE, P::ICMP_SGE, P::ICMP_UGE},
  };
  for (const Row &row : rows)
    if (predicate == row.name)
      return CreateCmp(
          isFloat(dtype) ? row.real : (isSignedInt(dtype) ? row.isSigned : row.isUnsigned), a, b);
  ICE("unknown predicate '" + predicate + "'");
}

llvm::Value *OpBuilder::reduce(const std::string &op, DType dtype, llvm::Value *vector) {
  static const std::pair<const char *, OpKind> kinds[] = {
      {"add", OpKind::ScalarAdd}, {"mul", OpKind::ScalarMul}, {"min", OpKind::ScalarMin},
      {"max", OpKind::ScalarMax}, {"and", OpKind::ScalarAnd}, {"or", OpKind::ScalarOr}};
  auto *row = std::find_if(std::begin(kinds), std::end(kinds),
                           [&](const auto &candidate) { return op == candidate.first; });
  ICE_UNLESS(row != std::end(kinds), "unknown reduction '" + op + "'");
  OpKind kind = row->second;
  if (dtype == DType::Bool)
    return kind == OpKind::ScalarAnd || kind == OpKind::ScalarMin ? CreateAndReduce(vector)
                                                                  : CreateOrReduce(vector);
  if (isStorageOnly(dtype))
    return cast(reduce(op, DType::F32, cast(vector, dtype, DType::F32)), DType::F32, dtype);
  // Lane i of the lower half with lane i of the upper; an odd count leaves its middle lane over.
  for (int64_t count = lanes(vector->getType()); count > 1;) {
    int64_t half = (count + 1) / 2;
    llvm::SmallVector<int> low, high;
    for (int64_t i = 0; i < half; i++) {
      low.push_back(i);
      high.push_back(half + i < count ? half + i : i);
    }
    llvm::Value *a = CreateShuffleVector(vector, low);
    llvm::Value *b = CreateShuffleVector(vector, high);
    llvm::Value *both = binary(kind, dtype, a, b);
    if (count % 2) {
      llvm::SmallVector<int> keep;
      for (int64_t i = 0; i < half; i++)
        keep.push_back(i + 1 < half ? i : half + i);
      both = CreateShuffleVector(both, a, keep);
    }
    vector = both;
    count = half;
  }
  return lanes(vector->getType()) == 1 && vector->getType()->isVectorTy()
             ? CreateExtractElement(vector, uint64_t{0})
             : vector;
}

} // namespace cameo
