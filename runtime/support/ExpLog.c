/*
 * exp, log and pow, and what is built on them, for doubles.
 *
 * exp: x = k ln 2 + r, |r| < 0.347, and the Taylor series of exp r. log: x = 2^k m with m around 1
 * and 2 atanh((m - 1) / (m + 1)), its first terms in pairs of doubles, so that pow keeps enough
 * bits for the product with y. (Muller, Elementary Functions, chapters 3 and 10.)
 */
#include "support/Bits.h"
#include "support/Support.h"

static const double ln2Hi = 0x1.62e42fefa2000p-1; /* 40 bits: times k it is exact */
static const double ln2Lo = 0x1.9ef35793c7673p-41;
static const double log2e = 0x1.71547652b82fep+0;
static const double infinity = __builtin_inf();

/* 1/2!, 1/3!, ... */
static const double expTail[] = {1. / 2,       1. / 6,        1. / 24,        1. / 120,
                                 1. / 720,     1. / 5040,     1. / 40320,     1. / 362880,
                                 1. / 3628800, 1. / 39916800, 1. / 479001600, 1. / 6227020800};

/* exp(hi + lo) - 1 = 2^k (1 + v) - 1; returns v. |hi| < 800. */
static struct pair reduceExp(double hi, double lo, int32_t *k) {
  double n = nearest(hi * log2e);
  struct pair r = sum(hi - n * ln2Hi, lo - n * ln2Lo);
  *k = (int32_t)n;
  double tail = r.hi * r.hi * polynomial(r.hi, expTail, 12);
  struct pair v = {r.hi, tail + r.lo * (1 + r.hi)};
  return v;
}

/* 2^scale exp(hi + lo), to about half an ulp */
double cameo_exp_pair(double hi, double lo, int32_t scale) {
  if (hi > 720)
    return infinity;
  if (hi < -760)
    return 0;
  int32_t k;
  struct pair v = reduceExp(hi, lo, &k), one = quickSum(1, v.hi);
  double result = one.hi + (one.lo + v.lo);
  k += scale;
  if (k > 1000)
    return result * 0x1p1000 * powerOf2(k - 1000);
  if (k < -1000)
    return result * 0x1p-1000 * powerOf2(k + 1000 < -1022 ? -1022 : k + 1000);
  return result * powerOf2(k);
}

double cameo_exp(double x) { return isNan(x) ? x : cameo_exp_pair(x, 0, 0); }

double cameo_expm1(double x) {
  if (isNan(x) || absolute(x) < 0x1p-54)
    return x;
  if (x > 700)
    return cameo_exp_pair(x, 0, 0);
  if (x < -40)
    return -1;
  int32_t k;
  struct pair v = reduceExp(x, 0, &k);
  if (k == 0)
    return v.hi + v.lo;
  double scale = powerOf2(k);
  struct pair one = sum(scale, -1), r = sum(one.hi, scale * v.hi);
  return r.hi + (r.lo + one.lo + scale * v.lo);
}

/* log x for finite x > 0, to about 100 bits for the leading terms, 2^-66 in all */
struct pair cameo_log_pair(double x) {
  static const double tail[] = {1. / 7,  1. / 9,  1. / 11, 1. / 13, 1. / 15,
                                1. / 17, 1. / 19, 1. / 21, 1. / 23, 1. / 25};
  static const struct pair third = {0x1.5555555555555p-2, 0x1.5555555555555p-56};
  static const struct pair fifth = {0x1.999999999999ap-3, -0x1.999999999999ap-57};
  int32_t k = 0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    k = -54;
  }
  uint64_t bits = bitsOf(x), root = 0x3fe6a09e667f3bcdull; /* sqrt 1/2 */
  int32_t shift = (int32_t)((int64_t)(bits - root) >> 52);
  double m = doubleOf(bits - ((uint64_t)(int64_t)shift << 52)), f = m - 1;
  k += shift;
  struct pair u = sum(m, 1), s;
  s.hi = f / u.hi;
  struct pair back = product(s.hi, u.hi);
  s.lo = (((f - back.hi) - back.lo) - s.hi * u.lo) / u.hi;
  struct pair z = multiplyPairs(s, s);
  struct pair q = sum(fifth.hi, z.hi * polynomial(z.hi, tail, 10));
  q.lo += fifth.lo;
  struct pair e = multiplyPairs(multiplyPairs(z, addPairs(third, multiplyPairs(z, q))), s);
  struct pair r = addPairs(s, e), base = sum(k * ln2Hi, k * ln2Lo);
  r.hi *= 2;
  r.lo *= 2;
  return addPairs(base, r);
}

double cameo_log(double x) {
  if (isNan(x) || x == infinity)
    return x;
  if (x <= 0)
    return x == 0 ? -infinity : __builtin_nan("");
  struct pair r = cameo_log_pair(x);
  return r.hi + r.lo;
}

double cameo_log1p(double x) {
  if (isNan(x) || x == infinity || absolute(x) < 0x1p-54)
    return x;
  if (x <= -1)
    return x == -1 ? -infinity : __builtin_nan("");
  struct pair u = sum(1, x), r = cameo_log_pair(u.hi);
  return r.hi + (r.lo + u.lo / u.hi);
}

/* What kind of integer y is: 0 none, 1 odd, 2 even. */
static int32_t parity(double y) {
  double size = absolute(y);
  if (size >= 0x1p53)
    return 2;
  if (size >= 0x1p52)
    return bitsOf(size) & 1 ? 1 : 2;
  if ((size + 0x1p52) - 0x1p52 != size)
    return 0;
  return (bitsOf(size + 0x1p52) & 1) ? 1 : 2;
}

double cameo_pow(double x, double y) {
  if (y == 0 || x == 1)
    return 1;
  if (isNan(x) || isNan(y))
    return x + y;
  double size = absolute(x);
  int32_t kind = parity(y);
  double sign = bitsOf(x) >> 63 && kind == 1 ? -1 : 1;
  if (size == 1 && (absolute(y) == infinity || kind))
    return sign;
  if (size == 0 || size == infinity)
    return (size == 0) == (y < 0) ? sign * infinity : sign * 0;
  if (x < 0 && !kind)
    if (absolute(y) != infinity)
      return __builtin_nan("");
  if (absolute(y) > 0x1p65) /* |log x| is at least 2^-53 */
    return (size > 1) == (y > 0) ? sign * infinity : sign * 0;
  struct pair log = cameo_log_pair(size), p = product(log.hi, y);
  if (!(absolute(p.hi) < 800))
    return p.hi > 0 ? sign * infinity : sign * 0;
  return sign * cameo_exp_pair(p.hi, p.lo + log.lo * y, 0);
}
