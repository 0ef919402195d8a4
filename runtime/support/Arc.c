/*
 * asin, acos and atan for doubles.
 *
 * asin and acos: a polynomial on [0, 1/2] and asin x = pi/2 - 2 asin(sqrt((1 - x) / 2)) above, with
 * the square root's rounding error made good (the method of Sun's fdlibm, 1993). atan: the series
 * around the nearest eighth. Numbers from coefficients.py.
 */
#include "support/Bits.h"
#include "support/Support.h"

/* largest error 1.5e-17 */
static const double asinTail[] = {
    0x1.5555555555556p-3, 0x1.3333333332ecap-4, 0x1.6db6db6e31f13p-5, 0x1.f1c71c1db0623p-6,
    0x1.6e8bb1c8209a2p-6, 0x1.1c4d35cf95421p-6, 0x1.c9cf07674736ap-7, 0x1.782651caa6547p-7,
    0x1.52420b04b37bep-7, 0x1.65a9c4dfcf8b2p-8, 0x1.1d189408314eep-6, -0x1.e6aaa8a0a04ccp-7,
    0x1.d72b2bc8155f8p-6,
};

static const struct pair halfPi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* asin s for s = sqrt z, as s + what is returned, given s rounded to fewer bits */
static struct pair asinOfRoot(double z) {
  double s = __builtin_sqrt(z), high = upperHalf(s), low = (z - high * high) / (s + high);
  struct pair r = {high, low + s * z * polynomial(z, asinTail, 13)};
  return z == 0 ? (struct pair){0, 0} : r;
}

double cameo_asin(double x) {
  double size = absolute(x);
  if (!(size <= 1))
    return __builtin_nan("");
  if (size < 0x1p-27)
    return x;
  if (size <= 0.5)
    return x + x * (x * x) * polynomial(x * x, asinTail, 13);
  struct pair half = asinOfRoot((1 - size) / 2), r = sum(halfPi.hi, -2 * half.hi);
  return withSign(r.hi + (r.lo + halfPi.lo - 2 * half.lo), x);
}

double cameo_acos(double x) {
  double size = absolute(x);
  if (!(size <= 1))
    return __builtin_nan("");
  if (size <= 0.5) {
    struct pair r = sum(halfPi.hi, -x);
    return r.hi + (r.lo + halfPi.lo - x * (x * x) * polynomial(x * x, asinTail, 13));
  }
  struct pair half = asinOfRoot((1 - size) / 2);
  if (x > 0)
    return 2 * (half.hi + half.lo);
  struct pair r = sum(2 * halfPi.hi, -2 * half.hi);
  return r.hi + (r.lo + 2 * halfPi.lo - 2 * half.lo);
}

double cameo_atan(double x) {
  static const struct pair eighths[] = {
      {0, 0},
      {0x1.fd5ba9aac2f6ep-4, -0x1.cd37686760c17p-59},
      {0x1.f5b75f92c80ddp-3, 0x1.8ab6e3cf7afbdp-57},
      {0x1.6f61941e4def1p-2, -0x1.c63aae6f6e918p-56},
      {0x1.dac670561bb4fp-2, 0x1.a2b7f222f65e2p-56},
      {0x1.1e00babdefeb4p-1, -0x1.928df287a668fp-58},
      {0x1.4978fa3269ee1p-1, 0x1.2419a87f2a458p-56},
      {0x1.700a7c5784634p-1, -0x1.8c34d25aadef6p-56},
      {0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55},
  };
  static const double tail[] = {-1. / 3,  1. / 5,  -1. / 7,  1. / 9,  -1. / 11, 1. / 13,
                                -1. / 15, 1. / 17, -1. / 19, 1. / 21, -1. / 23};
  double size = absolute(x);
  if (isNan(x) || size < 0x1p-27)
    return x;
  if (size > 0x1p60)
    return withSign(halfPi.hi, x);
  /* size or its reciprocal, as a fraction with numerator and denominator */
  double top = size > 1 ? 1 : size, bottom = size > 1 ? size : 1;
  int32_t i = (int32_t)(8 * (top / bottom) + 0.5);
  if (8 * top < 1.5 * bottom)
    i = 0;
  double c = i / 8.;
  struct pair over = product(c, bottom), under = product(c, top);
  struct pair n = sum(top, -over.hi), d = sum(bottom, under.hi);
  n.lo -= over.lo;
  d.lo += under.lo;
  double t = (n.hi + n.lo) / d.hi, z = t * t;
  struct pair back = product(t, d.hi);
  double rest = ((((n.hi - back.hi) - back.lo) + n.lo) - t * d.lo) / d.hi;
  rest += t * z * polynomial(z, tail, 11);
  struct pair r = sum(eighths[i].hi, t);
  r.lo += eighths[i].lo + rest;
  if (size > 1) {
    struct pair quarter = sum(halfPi.hi, -r.hi);
    r.hi = quarter.hi;
    r.lo = quarter.lo + halfPi.lo - r.lo;
  }
  return withSign(r.hi + r.lo, x);
}
