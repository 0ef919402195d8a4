// Elementary functions of f32 computed in f64, which leaves 29 bits for cancellation: half as fast
// as f32, and simple. Where the numbers come from is in coefficients.py.
#include "codegen/VectorMathImpl.h"

#include <limits>
#include <numbers>

namespace cameo {
namespace {

// expm1(r)/r; log((1+s)/(1-s))/s, of s^2
constexpr double kExpm1Wide[] = {
    1.0000000000000013,     0.50000000000000011,   0.16666666666615237,    0.041666666666623824,
    0.0083333333675161079,  0.0013888888917367081, 0.00019841190330031338, 2.4801521057868204e-05,
    2.7632791582662333e-06, 2.7620201591031547e-07};
constexpr double kLogWide[] = {2.0000000000000004,  0.66666666666552921, 0.40000000061741614,
                               0.28571416021107671, 0.22223434547517906, 0.18121934431215214,
                               0.16837659970680488};
// (sin(x)/x-1)/x^2 and (cos(x)-1)/x^2, of x^2
constexpr double kSin[] = {-0.16666666666663857, 0.0083333333310611594, -0.00019841266899437397,
                           2.7555985625200863e-06, -2.4805145406747431e-08};
constexpr double kCos[] = {-0.49999999999999967,   0.041666666666630568,    -0.0013888888882073777,
                           2.4801582595279208e-05, -2.7555849667039985e-07, 2.0665084193224383e-09};

llvm::Value *widen(OpBuilder &b, llvm::Value *x) {
  return b.CreateFPExt(x, OpBuilder::like(b.getDoubleTy(), x->getType()));
}

llvm::Value *narrow(OpBuilder &b, llvm::Value *x) {
  return b.CreateFPTrunc(x, OpBuilder::like(b.getFloatTy(), x->getType()));
}

// exp(x)-1 for x of -170 .. 170 or NaN: 2^n (exp(r)-1) + (2^n-1). Its relative error is small.
struct Exponential {
  llvm::Value *minusOne; // exp(x)-1
  llvm::Value *whole;    // exp(x)
};
Exponential exponential(OpBuilder &b, llvm::Value *x) {
  llvm::Type *type = x->getType();
  llvm::Type *i32 = OpBuilder::like(b.getInt32Ty(), type);
  llvm::Type *i64 = OpBuilder::like(b.getInt64Ty(), type);
  x = b.floatMin(b.floatMax(x, b.number(type, -170)), b.number(type, 170));
  llvm::Value *n =
      b.roundTo(OpKind::ScalarRound, b.CreateFMul(x, b.number(type, std::numbers::log2e)));
  constexpr double high = 0x1.62e42fefap-1; // n * high is exact
  constexpr double low = 0x1.cf79abc9e3b39p-40;
  llvm::Value *r = b.mad(n, b.number(type, -low), b.mad(n, b.number(type, -high), x));
  llvm::Value *q = b.CreateFMul(r, polynomial(b, r, kExpm1Wide));
  // NaN gives any n, and a q of NaN.
  llvm::Value *biased = b.CreateAdd(b.CreateFreeze(b.CreateFPToSI(n, i32)), b.integer(i32, 1023));
  llvm::Value *scale =
      b.CreateBitCast(b.CreateShl(b.CreateZExt(biased, i64), b.integer(i64, 52)), type);
  return {b.mad(q, scale, b.CreateFSub(scale, b.number(type, 1))), b.mad(q, scale, scale)};
}

// For normal x > 0, and inf, 0, NaN and negative x as the C library's log.
llvm::Value *logarithm(OpBuilder &b, llvm::Value *x) {
  llvm::Type *type = x->getType();
  llvm::Type *i32 = OpBuilder::like(b.getInt32Ty(), type);
  llvm::Type *i64 = OpBuilder::like(b.getInt64Ty(), type);
  llvm::Value *bits = b.CreateBitCast(x, i64);
  llvm::Value *high = b.CreateTrunc(b.CreateLShr(bits, b.integer(i64, 32)), i32);
  llvm::Value *e = b.CreateAShr(b.CreateSub(high, b.integer(i32, 0x3fe6a09e)), b.integer(i32, 20));
  llvm::Value *scaled = b.CreateSub(bits, b.CreateShl(b.CreateZExt(e, i64), b.integer(i64, 52)));
  llvm::Value *m = b.CreateBitCast(scaled, type), *one = b.number(type, 1);
  llvm::Value *s = b.CreateFDiv(b.CreateFSub(m, one), b.CreateFAdd(m, one));
  llvm::Value *tail = polynomial(b, b.CreateFMul(s, s), kLogWide);
  llvm::Value *result =
      b.mad(b.CreateSIToFP(e, type), b.number(type, std::numbers::ln2), b.CreateFMul(s, tail));
  llvm::Value *zero = b.number(type, 0);
  llvm::Value *infinity = b.number(type, std::numeric_limits<double>::infinity());
  llvm::Value *nan = b.number(type, std::numeric_limits<double>::quiet_NaN());
  llvm::Value *special = b.CreateSelect(b.CreateFCmpOLT(x, zero), nan, x);
  special = b.CreateSelect(b.CreateFCmpOEQ(x, zero), b.CreateFNeg(infinity), special);
  llvm::Value *isOrdinary = b.CreateAnd(b.CreateFCmpOGT(x, zero), b.CreateFCmpOLT(x, infinity));
  return b.CreateSelect(isOrdinary, result, special);
}

// x = n pi/2 + r for |x| < 2^20; pi/2 in two parts of which n times the first is exact.
struct Turned {
  llvm::Value *quadrant;      // n as an integer
  llvm::Value *sine, *cosine; // of r
};
Turned turn(OpBuilder &b, llvm::Value *x) {
  llvm::Type *type = x->getType();
  llvm::Value *n =
      b.roundTo(OpKind::ScalarRound, b.CreateFMul(x, b.number(type, 2 / std::numbers::pi)));
  constexpr double high = 0x1.921fb544p+0;
  constexpr double low = 0x1.0b4611a626331p-34;
  llvm::Value *r = b.mad(n, b.number(type, -low), b.mad(n, b.number(type, -high), x));
  llvm::Value *z = b.CreateFMul(r, r);
  llvm::Value *sine = b.mad(b.CreateFMul(r, z), polynomial(b, z, kSin), r);
  llvm::Value *cosine = b.mad(z, polynomial(b, z, kCos), b.number(type, 1));
  llvm::Value *quadrant = b.CreateFreeze(b.CreateFPToSI(n, OpBuilder::like(b.getInt32Ty(), type)));
  return {quadrant, sine, cosine};
}

llvm::Value *bitOf(OpBuilder &b, llvm::Value *value, int64_t bit) {
  llvm::Type *type = value->getType();
  return b.CreateICmpNE(b.CreateAnd(value, b.integer(type, bit)), b.integer(type, 0));
}

// sin (of a quarter turn more: cos) from the sine and cosine of the remainder.
llvm::Value *sineAt(OpBuilder &b, const Turned &t, int64_t quarters) {
  llvm::Type *type = t.quadrant->getType();
  llvm::Value *quadrant = b.CreateAdd(t.quadrant, b.integer(type, quarters));
  llvm::Value *value = b.CreateSelect(bitOf(b, quadrant, 1), t.cosine, t.sine);
  return b.CreateSelect(bitOf(b, quadrant, 2), b.CreateFNeg(value), value);
}

using WideFunction = llvm::function_ref<llvm::Value *(llvm::Value *)>;

// If some lane is so large that the reduction would not do, all go through the runtime's function.
llvm::Value *withLargeArguments(OpBuilder &b, llvm::Value *x, const char *scalar,
                                WideFunction small) {
  llvm::Function *function = b.GetInsertBlock()->getParent();
  auto block = [&] { return llvm::BasicBlock::Create(b.getContext(), "", function); };
  llvm::BasicBlock *slow = block(), *fast = block(), *end = block();
  llvm::Value *wide = widen(b, x);
  llvm::Value *isLarge = b.CreateFCmpOGE(b.fabs(x), b.number(x->getType(), 0x1p20));
  b.CreateCondBr(x->getType()->isVectorTy() ? b.CreateOrReduce(isLarge) : isLarge, slow, fast);
  b.SetInsertPoint(slow);
  llvm::Value *called = b.callPerLane(scalar, {wide});
  b.CreateBr(end);
  b.SetInsertPoint(fast);
  llvm::Value *computed = small(wide);
  b.CreateBr(end);
  b.SetInsertPoint(end);
  llvm::PHINode *result = b.CreatePHI(wide->getType(), 2);
  result->addIncoming(called, slow);
  result->addIncoming(computed, fast);
  return narrow(b, result);
}

// `series` where |x| < 2^-12, where `value` has lost digits.
llvm::Value *nearZero(OpBuilder &b, llvm::Value *x, llvm::Value *series, llvm::Value *value) {
  llvm::Value *isSmall = b.CreateFCmpOLT(b.fabs(x), b.number(x->getType(), 0x1p-12));
  return b.CreateSelect(isSmall, series, value);
}

} // namespace

llvm::Value *emitSin(OpBuilder &b, MathArgs args) {
  return withLargeArguments(b, args[0], "cameo_sin",
                            [&](llvm::Value *x) { return sineAt(b, turn(b, x), 0); });
}

llvm::Value *emitCos(OpBuilder &b, MathArgs args) {
  return withLargeArguments(b, args[0], "cameo_cos",
                            [&](llvm::Value *x) { return sineAt(b, turn(b, x), 1); });
}

llvm::Value *emitTan(OpBuilder &b, MathArgs args) {
  return withLargeArguments(b, args[0], "cameo_tan", [&](llvm::Value *x) {
    Turned t = turn(b, x);
    llvm::Value *isOdd = bitOf(b, t.quadrant, 1);
    llvm::Value *top = b.CreateSelect(isOdd, b.CreateFNeg(t.cosine), t.sine);
    return b.CreateFDiv(top, b.CreateSelect(isOdd, t.sine, t.cosine));
  });
}

// (e + e/(e+1))/2 with e = exp(|x|)-1.
llvm::Value *emitSinh(OpBuilder &b, MathArgs args) {
  llvm::Value *e = exponential(b, widen(b, b.fabs(args[0]))).minusOne;
  llvm::Value *rest = b.CreateFDiv(e, b.CreateFAdd(e, b.number(e->getType(), 1)));
  llvm::Value *result = b.CreateFMul(b.CreateFAdd(e, rest), b.number(e->getType(), 0.5));
  return b.copySign(narrow(b, result), args[0]);
}

llvm::Value *emitCosh(OpBuilder &b, MathArgs args) {
  llvm::Value *e = exponential(b, widen(b, b.fabs(args[0]))).whole;
  llvm::Value *inverse = b.CreateFDiv(b.number(e->getType(), 1), e);
  return narrow(b, b.CreateFMul(b.CreateFAdd(e, inverse), b.number(e->getType(), 0.5)));
}

llvm::Value *emitAsinh(OpBuilder &b, MathArgs args) {
  llvm::Value *x = widen(b, b.fabs(args[0]));
  llvm::Type *type = x->getType();
  llvm::Value *square = b.CreateFMul(x, x);
  llvm::Value *root = b.sqrt(b.CreateFAdd(square, b.number(type, 1)));
  llvm::Value *series = b.mad(b.CreateFMul(x, square), b.number(type, -1.0 / 6), x);
  llvm::Value *result = nearZero(b, x, series, logarithm(b, b.CreateFAdd(x, root)));
  return b.copySign(narrow(b, result), args[0]);
}

llvm::Value *emitAcosh(OpBuilder &b, MathArgs args) {
  llvm::Value *x = widen(b, args[0]), *one = b.number(x->getType(), 1);
  llvm::Value *root = b.sqrt(b.CreateFMul(b.CreateFSub(x, one), b.CreateFAdd(x, one)));
  llvm::Value *result = logarithm(b, b.CreateFAdd(x, root));
  llvm::Value *nan = b.number(x->getType(), std::numeric_limits<double>::quiet_NaN());
  return narrow(b, b.CreateSelect(b.CreateFCmpOLT(x, one), nan, result));
}

llvm::Value *emitAtanh(OpBuilder &b, MathArgs args) {
  llvm::Value *x = widen(b, args[0]), *one = b.number(x->getType(), 1);
  llvm::Type *type = x->getType();
  llvm::Value *ratio = b.CreateFDiv(b.CreateFAdd(one, x), b.CreateFSub(one, x));
  llvm::Value *value = b.CreateFMul(logarithm(b, ratio), b.number(type, 0.5));
  llvm::Value *series = b.mad(b.CreateFMul(x, b.CreateFMul(x, x)), b.number(type, 1.0 / 3), x);
  return narrow(b, nearZero(b, x, series, value));
}

// exp(y log|x|), with the signs and exceptions of IEEE 754-2019, 9.2.1.
llvm::Value *emitPow(OpBuilder &b, MathArgs args) {
  llvm::Value *x = widen(b, args[0]), *y = widen(b, args[1]);
  llvm::Type *type = x->getType();
  llvm::Value *zero = b.number(type, 0), *one = b.number(type, 1), *half = b.number(type, 0.5);
  llvm::Value *magnitude = b.fabs(x);
  llvm::Value *result = exponential(b, b.CreateFMul(y, logarithm(b, magnitude))).whole;
  // |x| = 1 with infinite y.
  llvm::Value *isUnit = b.CreateAnd(b.CreateFCmpOEQ(magnitude, one), b.CreateFCmpORD(y, y));
  result = b.CreateSelect(isUnit, one, result);
  auto isWhole = [&](llvm::Value *v) {
    return b.CreateFCmpOEQ(b.roundTo(OpKind::ScalarTrunc, v), v);
  };
  llvm::Value *wholeY = isWhole(y);
  llvm::Value *oddY = b.CreateAnd(wholeY, b.CreateNot(isWhole(b.CreateFMul(y, half))));
  result = b.CreateSelect(oddY, b.copySign(result, x), result);
  llvm::Value *finiteX =
      b.CreateFCmpOLT(magnitude, b.number(type, std::numeric_limits<double>::infinity()));
  llvm::Value *isNan =
      b.CreateAnd(b.CreateFCmpOLT(x, zero), b.CreateAnd(finiteX, b.CreateNot(wholeY)));
  llvm::Value *nan = b.number(type, std::numeric_limits<double>::quiet_NaN());
  result = b.CreateSelect(isNan, nan, result);
  llvm::Value *isOne = b.CreateOr(b.CreateFCmpOEQ(y, zero), b.CreateFCmpOEQ(x, one));
  return narrow(b, b.CreateSelect(isOne, one, result));
}

} // namespace cameo
