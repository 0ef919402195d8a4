// Elementary functions in f32. Reductions and reconstructions follow Muller, "Elementary Functions"
// (chapters 11 and 12); where the numbers come from is in coefficients.py.
#include "codegen/VectorMathImpl.h"

#include <limits>
#include <llvm/IR/IntrinsicsX86.h>
#include <numbers>

namespace cameo {
namespace {

// (exp(r)-1-r)/r^2
constexpr double kExp[] = {0.5, 0.16666576666119928, 0.041666554212984153, 0.0083632328836826184,
                           0.0013926250831497611};
// (log(1+f)-f+f^2/2)/f^3
constexpr double kLog[] = {0.33333331180030046,  -0.24999996957950882, 0.20000715748892101,
                           -0.16667802319501254, 0.1424905764569748,   -0.12425687331451106,
                           0.1168541992348674,   -0.11479733846637635, 0.069716114714511779};
// (asin(x)/x-1)/x^2 and (atan(x)/x-1)/x^2, of x^2
constexpr double kAsin[] = {0.16666666337430908,  0.075000945434974237, 0.044599401528512182,
                            0.031100662735494569, 0.017149238357677253, 0.033690847202830117};
constexpr double kAtan[] = {-0.3333333173306352,   0.19999739329835581,   -0.14278568748210602,
                            0.11033764115313455,   -0.086568804301545219, 0.062501694447495634,
                            -0.035871538982043358, 0.013507771427020535,  -0.0023869973167241132};
// erf(x)/x as a quotient, of x^2
constexpr double kErfTop[] = {1.1283791393242035,    0.19354783719778337,   0.053102041958804205,
                              0.0038834364153162017, 0.0002845637477550991, 1.9867115533078709e-06};
constexpr double kErfBottom[] = {1,
                                 0.50485986065598809,
                                 0.11535108117156191,
                                 0.015207448689131979,
                                 0.0011855850430408088,
                                 3.7419314264718261e-05};

// ln 2 in two parts, the first short enough to be multiplied exactly by any exponent.
constexpr double kLn2High = 0x1.62e4p-1;
constexpr double kLn2Low = std::numbers::ln2 - kLn2High;

llvm::Value *clamp(OpBuilder &b, llvm::Value *x, double low, double high) {
  llvm::Type *type = x->getType();
  return b.floatMin(b.floatMax(x, b.number(type, low)), b.number(type, high));
}

// x = n ln 2 + r
struct Reduced {
  llvm::Value *n; // whole, as f32
  llvm::Value *r; // within ln 2 / 2 of 0
};
Reduced reduceByLn2(OpBuilder &b, llvm::Value *x) {
  llvm::Type *type = x->getType();
  llvm::Value *n =
      b.roundTo(OpKind::ScalarRound, b.CreateFMul(x, b.number(type, std::numbers::log2e)));
  llvm::Value *r = b.mad(n, b.number(type, -kLn2High), x);
  return {n, b.mad(n, b.number(type, -kLn2Low), r)};
}

// exp(r)-1 for a reduced r, relatively exact.
llvm::Value *expm1OfReduced(OpBuilder &b, llvm::Value *r) {
  return b.mad(b.CreateFMul(r, r), polynomial(b, r, kExp), r);
}

// 2^n for whole n of -126 .. 127.
llvm::Value *powerOfTwo(OpBuilder &b, llvm::Value *n) {
  llvm::Type *i32 = OpBuilder::like(b.getInt32Ty(), n->getType());
  llvm::Value *biased = b.CreateAdd(n, b.integer(i32, 127));
  return b.CreateBitCast(b.CreateShl(biased, b.integer(i32, 23)),
                         OpBuilder::like(b.getFloatTy(), n->getType()));
}

// A whole n as an integer. Where it is NaN, which as an integer would be poison, anything.
llvm::Value *wholeNumber(OpBuilder &b, llvm::Value *n) {
  return b.CreateFreeze(b.CreateFPToSI(n, OpBuilder::like(b.getInt32Ty(), n->getType())));
}

// p * 2^n, rounded once, for n of -150 .. 128: by two halves, as 2^n itself may not be a float.
llvm::Value *scaleBy(OpBuilder &b, llvm::Value *p, llvm::Value *n) {
  llvm::Type *type = p->getType();
  int64_t lanes = OpBuilder::lanes(type);
  if (b.target().has("avx512f") && (lanes == 16 || lanes == 8 || lanes == 4)) {
    if (lanes == 16)
      return b.CreateIntrinsic(llvm::Intrinsic::x86_avx512_mask_scalef_ps_512, {},
                               {p, n, p, b.getInt16(-1), b.getInt32(4)});
    return b.CreateIntrinsic(lanes == 8 ? llvm::Intrinsic::x86_avx512_mask_scalef_ps_256
                                        : llvm::Intrinsic::x86_avx512_mask_scalef_ps_128,
                             {}, {p, n, p, b.getInt8(-1)});
  }
  llvm::Type *i32 = OpBuilder::like(b.getInt32Ty(), type);
  llvm::Value *whole = wholeNumber(b, n);
  llvm::Value *half = b.CreateAShr(whole, b.integer(i32, 1));
  llvm::Value *scaled = b.CreateFMul(p, powerOfTwo(b, half));
  return b.CreateFMul(scaled, powerOfTwo(b, b.CreateSub(whole, half)));
}

// pi/2 in two parts.
constexpr double kHalfPi = static_cast<float>(std::numbers::pi / 2);
constexpr double kHalfPiLow = std::numbers::pi / 2 - kHalfPi;

// What asin and acos share: for |x| <= 1/2 the arc of |x|, beyond it that of sqrt((1-|x|)/2), which
// is half the complement.
struct Arc {
  llvm::Value *isBig;
  llvm::Value *arc;
};
Arc arcOf(OpBuilder &b, llvm::Value *x) {
  llvm::Type *type = x->getType();
  llvm::Value *a = b.fabs(x);
  llvm::Value *half = b.number(type, 0.5);
  llvm::Value *isBig = b.CreateFCmpOGT(a, half);
  llvm::Value *complement = b.CreateFMul(b.CreateFSub(b.number(type, 1), a), half);
  llvm::Value *z = b.CreateSelect(isBig, complement, b.CreateFMul(a, a));
  llvm::Value *s = b.CreateSelect(isBig, b.sqrt(z), a);
  return {isBig, b.mad(b.CreateFMul(s, z), polynomial(b, z, kAsin), s)};
}

} // namespace

llvm::Value *polynomial(OpBuilder &b, llvm::Value *x, llvm::ArrayRef<double> coefficients) {
  llvm::Value *sum = b.number(x->getType(), coefficients.back());
  for (double coefficient : llvm::reverse(coefficients.drop_back()))
    sum = b.mad(sum, x, b.number(x->getType(), coefficient));
  return sum;
}

// Beyond the clamps the result is 0 or inf.
llvm::Value *emitExp(OpBuilder &b, MathArgs args) {
  auto [n, r] = reduceByLn2(b, clamp(b, args[0], -104, 89));
  llvm::Value *p = b.CreateFAdd(expm1OfReduced(b, r), b.number(r->getType(), 1));
  return scaleBy(b, p, n);
}

// x = m * 2^e with m of sqrt(1/2) .. sqrt(2).
llvm::Value *emitLog(OpBuilder &b, MathArgs args) {
  llvm::Value *x = args[0];
  llvm::Type *type = x->getType(), *i32 = OpBuilder::like(b.getInt32Ty(), type);
  llvm::Value *zero = b.number(type, 0);
  llvm::Value *isDenormal = b.CreateFCmpOLT(x, b.number(type, 0x1p-126));
  llvm::Value *normal = b.CreateSelect(isDenormal, b.CreateFMul(x, b.number(type, 0x1p23)), x);
  llvm::Value *bits = b.CreateBitCast(normal, i32);
  llvm::Value *e = b.CreateAShr(b.CreateSub(bits, b.integer(i32, 0x3f3504f3)), b.integer(i32, 23));
  llvm::Value *m = b.CreateBitCast(b.CreateSub(bits, b.CreateShl(e, b.integer(i32, 23))), type);
  llvm::Value *f = b.CreateFSub(m, b.number(type, 1));
  llvm::Value *bias = b.CreateSelect(isDenormal, b.number(type, -23), zero);
  llvm::Value *exponent = b.CreateFAdd(b.CreateSIToFP(e, type), bias);
  llvm::Value *tail = b.mad(f, polynomial(b, f, kLog), b.number(type, -0.5));
  llvm::Value *low =
      b.mad(b.CreateFMul(f, f), tail, b.CreateFMul(exponent, b.number(type, kLn2Low)));
  llvm::Value *result = b.mad(exponent, b.number(type, kLn2High), b.CreateFAdd(f, low));

  llvm::Value *infinity = b.number(type, std::numeric_limits<double>::infinity());
  llvm::Value *nan = b.number(type, std::numeric_limits<double>::quiet_NaN());
  llvm::Value *special = b.CreateSelect(b.CreateFCmpOLT(x, zero), nan, x);
  special = b.CreateSelect(b.CreateFCmpOEQ(x, zero), b.CreateFNeg(infinity), special);
  llvm::Value *isOrdinary = b.CreateAnd(b.CreateFCmpOGT(x, zero), b.CreateFCmpOLT(x, infinity));
  return b.CreateSelect(isOrdinary, result, special);
}

// e/(e+2) with e = exp(2|x|)-1, which is relatively exact for small x too. 1 from 9.01 on.
llvm::Value *emitTanh(OpBuilder &b, MathArgs args) {
  llvm::Value *x = args[0];
  llvm::Type *type = x->getType();
  llvm::Value *a = b.floatMin(b.fabs(x), b.number(type, 9.1));
  auto [n, r] = reduceByLn2(b, b.CreateFAdd(a, a));
  llvm::Value *scale = powerOfTwo(b, wholeNumber(b, n));
  llvm::Value *less = b.CreateFSub(scale, b.number(type, 1));
  llvm::Value *e = b.mad(expm1OfReduced(b, r), scale, less);
  return b.copySign(b.CreateFDiv(e, b.CreateFAdd(e, b.number(type, 2))), x);
}

llvm::Value *emitSigmoid(OpBuilder &b, MathArgs args) {
  llvm::Value *x = args[0];
  llvm::Type *type = x->getType();
  llvm::Value *one = b.number(type, 1);
  llvm::Value *e = emitExp(b, {b.CreateFNeg(b.fabs(x))});
  llvm::Value *top = b.CreateSelect(b.CreateFCmpOLT(x, b.number(type, 0)), e, one);
  return b.CreateFDiv(top, b.CreateFAdd(one, e));
}

// From 3.92 on erf rounds to 1. The quotient may be a step below it, and 1 + erf(x), which Gelu
// multiplies with x, would never be 0.
llvm::Value *emitErf(OpBuilder &b, MathArgs args) {
  llvm::Value *x = args[0];
  llvm::Type *type = x->getType();
  llvm::Value *z = b.CreateFMul(x, x);
  llvm::Value *top = b.CreateFMul(x, polynomial(b, z, kErfTop));
  llvm::Value *quotient = clamp(b, b.CreateFDiv(top, polynomial(b, z, kErfBottom)), -1, 1);
  llvm::Value *isOne = b.CreateFCmpOGE(b.fabs(x), b.number(type, 3.92));
  return b.CreateSelect(isOne, b.copySign(b.number(type, 1), x), quotient);
}

llvm::Value *emitAsin(OpBuilder &b, MathArgs args) {
  llvm::Type *type = args[0]->getType();
  auto [isBig, arc] = arcOf(b, args[0]);
  llvm::Value *big = b.CreateFSub(b.number(type, kHalfPi), b.CreateFAdd(arc, arc));
  big = b.CreateFAdd(big, b.number(type, kHalfPiLow));
  return b.copySign(b.CreateSelect(isBig, big, arc), args[0]);
}

llvm::Value *emitAcos(OpBuilder &b, MathArgs args) {
  llvm::Type *type = args[0]->getType();
  auto [isBig, arc] = arcOf(b, args[0]);
  llvm::Value *arcOfX = b.copySign(arc, args[0]);
  llvm::Value *small =
      b.CreateFSub(b.number(type, kHalfPi), b.CreateFSub(arcOfX, b.number(type, kHalfPiLow)));
  llvm::Value *twice = b.CreateFAdd(arc, arc);
  llvm::Value *left = b.CreateFSub(b.number(type, 2 * kHalfPi),
                                   b.CreateFSub(twice, b.number(type, 2 * kHalfPiLow)));
  llvm::Value *isLeft = b.CreateFCmpOLT(args[0], b.number(type, 0));
  return b.CreateSelect(isBig, b.CreateSelect(isLeft, left, twice), small);
}

// Beyond 1 the arc of -1/|x|, added to pi/2.
llvm::Value *emitAtan(OpBuilder &b, MathArgs args) {
  llvm::Type *type = args[0]->getType();
  llvm::Value *a = b.fabs(args[0]), *one = b.number(type, 1);
  llvm::Value *isBig = b.CreateFCmpOGT(a, one);
  llvm::Value *t =
      b.CreateFDiv(b.CreateSelect(isBig, b.number(type, -1), a), b.CreateSelect(isBig, a, one));
  llvm::Value *z = b.CreateFMul(t, t);
  llvm::Value *arc = b.mad(b.CreateFMul(t, z), polynomial(b, z, kAtan), t);
  llvm::Value *big =
      b.CreateFAdd(b.number(type, kHalfPi), b.CreateFAdd(arc, b.number(type, kHalfPiLow)));
  return b.copySign(b.CreateSelect(isBig, big, arc), args[0]);
}

} // namespace cameo
