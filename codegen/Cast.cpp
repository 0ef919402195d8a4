// The `cast` op: between any two element types, defined for every value. Half types are converted
// by hardware where there are instructions, else by integer arithmetic that rounds to nearest even.
#include "codegen/OpBuilder.h"

#include <cmath>
#include <limits>
#include <llvm/IR/IntrinsicsAArch64.h>
#include <llvm/IR/IntrinsicsX86.h>

namespace cameo {

// 2^112 moves an f16's exponent, shifted into an f32's place, from bias 15 to bias 127, denormals
// included, unless the vector unit takes f32 denormals for zero: then these are integers times
// 2^-24. Inf and NaN need the largest exponent instead.
llvm::Value *OpBuilder::halfToFloat(llvm::Value *bits) {
  llvm::Type *shape = bits->getType();
  llvm::Type *f32 = like(getFloatTy(), shape);
  if (target_.hasF16Convert)
    return CreateFPExt(CreateBitCast(bits, like(getHalfTy(), shape)), f32);
  llvm::Type *i32 = like(getInt32Ty(), shape);
  llvm::Value *wide = CreateZExt(bits, i32);
  llvm::Value *magnitude = CreateAnd(wide, integer(i32, 0x7fff));
  llvm::Value *sign = CreateShl(CreateAnd(wide, integer(i32, 0x8000)), integer(i32, 16));
  llvm::Value *shifted = CreateShl(magnitude, integer(i32, 13));
  llvm::Value *finite =
      CreateBitCast(CreateFMul(CreateBitCast(shifted, f32), number(f32, 0x1p112)), i32);
  if (target_.flushesDenormals) {
    llvm::Value *tiny = CreateFMul(CreateUIToFP(magnitude, f32), number(f32, 0x1p-24));
    llvm::Value *isDenormal = CreateICmpULT(magnitude, integer(i32, 0x400));
    finite = CreateSelect(isDenormal, CreateBitCast(tiny, i32), finite);
  }
  llvm::Value *special = CreateOr(shifted, integer(i32, 0x7f800000));
  // A signalling NaN becomes quiet, as in hardware.
  llvm::Value *isNan = CreateICmpUGT(magnitude, integer(i32, 0x7c00));
  special = CreateSelect(isNan, CreateOr(special, integer(i32, 0x400000)), special);
  llvm::Value *isFinite = CreateICmpULT(magnitude, integer(i32, 0x7c00));
  return CreateBitCast(CreateOr(CreateSelect(isFinite, finite, special), sign), f32);
}

// Normal results: round the mantissa by adding half of a unit less one plus the last bit kept.
// Denormal results: adding 1/2 aligns their unit with the last bit of the sum, which is rounded.
llvm::Value *OpBuilder::floatToHalf(llvm::Value *value) {
  llvm::Type *shape = value->getType();
  llvm::Type *i16 = like(getInt16Ty(), shape);
  if (target_.hasF16Convert)
    return CreateBitCast(CreateFPTrunc(value, like(getHalfTy(), shape)), i16);
  llvm::Type *i32 = like(getInt32Ty(), shape);
  llvm::Value *bits = CreateBitCast(value, i32);
  llvm::Value *magnitude = CreateAnd(bits, integer(i32, 0x7fffffff));
  llvm::Value *sign = CreateLShr(CreateAnd(bits, integer(i32, 0x80000000)), integer(i32, 16));
  llvm::Value *odd = CreateAnd(CreateLShr(magnitude, integer(i32, 13)), integer(i32, 1));
  llvm::Value *rounded = CreateAdd(CreateAdd(magnitude, integer(i32, 0xfff)), odd);
  llvm::Value *normal = CreateLShr(CreateSub(rounded, integer(i32, 112 << 23)), integer(i32, 13));
  llvm::Value *sum = CreateFAdd(CreateBitCast(magnitude, shape), number(shape, 0.5));
  llvm::Value *denormal = CreateSub(CreateBitCast(sum, i32), integer(i32, 0x3f000000));
  llvm::Value *isDenormal = CreateICmpULT(magnitude, integer(i32, 113 << 23));
  llvm::Value *result = CreateSelect(isDenormal, denormal, normal);
  llvm::Value *tooBig = CreateICmpUGE(magnitude, integer(i32, 0x477ff000));
  result = CreateSelect(tooBig, integer(i32, 0x7c00), result);
  llvm::Value *payload = CreateAnd(CreateLShr(magnitude, integer(i32, 13)), integer(i32, 0x3ff));
  llvm::Value *isNan = CreateICmpUGT(magnitude, integer(i32, 0x7f800000));
  result = CreateSelect(isNan, CreateOr(payload, integer(i32, 0x7e00)), result);
  return CreateTrunc(CreateOr(result, sign), i16);
}

llvm::Value *OpBuilder::bfloatToFloat(llvm::Value *bits) {
  llvm::Type *i32 = like(getInt32Ty(), bits->getType());
  return CreateBitCast(CreateShl(CreateZExt(bits, i32), integer(i32, 16)),
                       like(getFloatTy(), bits->getType()));
}

llvm::Value *OpBuilder::floatToBfloat(llvm::Value *value) {
  llvm::Type *i32 = like(getInt32Ty(), value->getType());
  llvm::Value *bits = CreateBitCast(value, i32);
  llvm::Value *high = CreateLShr(bits, integer(i32, 16));
  llvm::Value *odd = CreateAnd(high, integer(i32, 1));
  llvm::Value *rounded =
      CreateLShr(CreateAdd(CreateAdd(bits, integer(i32, 0x7fff)), odd), integer(i32, 16));
  llvm::Value *quiet = CreateOr(high, integer(i32, 0x40));
  return CreateTrunc(CreateSelect(CreateFCmpUNO(value, value), quiet, rounded),
                     like(getInt16Ty(), value->getType()));
}

// By VCVTNEPS2BF16 (Intel SDM), which takes denormals for 0.
llvm::Value *OpBuilder::flushingBfloat(llvm::Value *value) {
  int64_t count = value->getType()->isVectorTy() ? lanes(value->getType()) : 1;
  if (!target_.has("avx512bf16") || (count != 8 && count != 16))
    return floatToBfloat(value);
  llvm::Intrinsic::ID id = count == 16 ? llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_512
                                       : llvm::Intrinsic::x86_avx512bf16_cvtneps2bf16_256;
  return CreateBitCast(CreateIntrinsic(id, {}, {value}), like(getInt16Ty(), value->getType()));
}

// Rounds to the neighbour with an odd mantissa if inexact, so that rounding once more to a narrower
// type gives what rounding once would. Boldo and Melquiond, "When double rounding is odd", 2005.
llvm::Value *OpBuilder::doubleToFloatOdd(llvm::Value *value) {
  llvm::Type *f32 = like(getFloatTy(), value->getType());
  llvm::Type *i32 = like(getInt32Ty(), value->getType());
  llvm::Value *narrow = CreateFPTrunc(value, f32);
  llvm::Value *back = CreateFPExt(narrow, value->getType());
  llvm::Value *bits = CreateBitCast(narrow, i32);
  llvm::Value *tooFar = CreateFCmpOGT(fabs(back), fabs(value));
  llvm::Value *down = CreateSelect(tooFar, CreateSub(bits, integer(i32, 1)), bits);
  llvm::Value *odd = CreateOr(down, integer(i32, 1));
  return CreateBitCast(CreateSelect(CreateFCmpONE(back, value), odd, bits), f32);
}

llvm::Value *OpBuilder::floatToInt(llvm::Value *value, DType to) {
  llvm::Type *shape = value->getType();
  llvm::Type *result = like(element(to), shape);
  bool isSigned = isSignedInt(to);
  if (dtypeBytes(to) > 2)
    return CreateIntrinsic(isSigned ? llvm::Intrinsic::fptosi_sat : llvm::Intrinsic::fptoui_sat,
                           {result, shape}, {value});
  // Both bounds are exact, so the value is clamped as a float. Written so that NaN fails the first
  // compare and takes zero or the lower bound.
  int64_t bits = 8 * dtypeBytes(to);
  double low = isSigned ? -std::ldexp(1.0, bits - 1) : 0;
  double high = isSigned ? std::ldexp(1.0, bits - 1) - 1 : std::ldexp(1.0, bits) - 1;
  if (isSigned)
    value = CreateSelect(CreateFCmpORD(value, value), value, number(shape, 0));
  llvm::Value *least = number(shape, low), *most = number(shape, high);
  value = CreateSelect(CreateFCmpOGT(value, least), value, least);
  value = CreateSelect(CreateFCmpOLT(value, most), value, most);
  return CreateTrunc(CreateFPToSI(value, like(getInt32Ty(), shape)), result);
}

// By CVTPS2DQ (Intel SDM), which rounds as the mode says, which the runtime sets, or FCVTNS (Arm
// ARM). The former gives the least i32 for what does not fit, the latter the i32 next to it.
llvm::Value *OpBuilder::nearest(llvm::Value *value) {
  llvm::Type *shape = value->getType();
  llvm::Type *result = like(getInt32Ty(), shape);
  if (target_.arch == Arch::AArch64)
    return inParts(4, {value}, [&](llvm::ArrayRef<llvm::Value *> part) {
      llvm::Type *given = part[0]->getType();
      return CreateIntrinsic(llvm::Intrinsic::aarch64_neon_fcvtns,
                             {like(getInt32Ty(), given), given}, part);
    });
  if (target_.arch == Arch::X86_64 && shape->isVectorTy()) {
    switch (lanes(shape)) {
    case 4:
      return CreateIntrinsic(llvm::Intrinsic::x86_sse2_cvtps2dq, {}, {value});
    case 8:
      if (target_.has("avx"))
        return CreateIntrinsic(llvm::Intrinsic::x86_avx_cvt_ps2dq_256, {}, {value});
      break;
    case 16:
      if (target_.has("avx512f"))
        return CreateIntrinsic(llvm::Intrinsic::x86_avx512_mask_cvtps2dq_512, {},
                               {value, llvm::PoisonValue::get(result), getInt16(-1), getInt32(4)});
      break;
    default:
      break;
    }
  }
  llvm::Value *rounded = roundTo(OpKind::ScalarRound, value);
  llvm::Value *fits = CreateFCmpOLT(fabs(rounded), number(shape, 0x1p31));
  return CreateSelect(fits, CreateFPToSI(rounded, result),
                      integer(result, std::numeric_limits<int32_t>::min()));
}

llvm::Value *OpBuilder::castInt(llvm::Value *value, DType from, DType to) {
  bool isSigned = isSignedInt(from);
  if (to == DType::Bool)
    return CreateICmpNE(value, integer(value->getType(), 0));
  llvm::Type *result = like(element(to), value->getType());
  if (!isFloat(to))
    return CreateIntCast(value, result, isSigned);
  return isSigned ? CreateSIToFP(value, result) : CreateUIToFP(value, result);
}

// An index taken from data must not come into range by being cut off.
llvm::Value *OpBuilder::castToIndex(llvm::Value *value, DType from) {
  llvm::Type *type = value->getType();
  if (target_.indexBytes == 4 && dtypeBytes(from) == 8) {
    llvm::Value *most = integer(type, std::numeric_limits<int32_t>::max());
    llvm::Value *least = integer(type, std::numeric_limits<int32_t>::min());
    value = CreateBinaryIntrinsic(isSignedInt(from) ? llvm::Intrinsic::smin : llvm::Intrinsic::umin,
                                  value, most);
    value = isSignedInt(from) ? CreateBinaryIntrinsic(llvm::Intrinsic::smax, value, least) : value;
  }
  return cast(value, from, target_.indexBytes == 8 ? DType::I64 : DType::I32);
}

llvm::Value *OpBuilder::cast(llvm::Value *value, DType from, DType to) {
  if (from == to)
    return value;
  // Half types convert through f32, which holds all their values.
  if (from == DType::F16)
    return cast(halfToFloat(value), DType::F32, to);
  if (from == DType::BF16)
    return cast(bfloatToFloat(value), DType::F32, to);
  if (isStorageOnly(to)) {
    value = from == DType::F64 ? doubleToFloatOdd(value) : cast(value, from, DType::F32);
    return to == DType::F16 ? floatToHalf(value) : floatToBfloat(value);
  }
  if (!isFloat(from))
    return castInt(value, from, to);
  if (to == DType::Bool)
    return CreateFCmpUNE(value, number(value->getType(), 0));
  if (isFloat(to))
    return CreateFPCast(value, like(element(to), value->getType()));
  return floatToInt(value, to);
}

} // namespace cameo
