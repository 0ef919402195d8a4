/*
 * Hyperbolic functions, their inverses and erf for doubles, from exp and log by their definitions,
 * arranged so that nothing cancels. Tables of erf from coefficients.py.
 */
#include "support/Bits.h"
#include "support/Support.h"

static const double infinity = __builtin_inf();

double cameo_sinh(double x) {
  /* 1/3!, 1/5!, ... */
  static const double tail[] = {
      1. / 6,          1. / 120,          1. / 5040,           1. / 362880,           1. / 39916800,
      1. / 6227020800, 1. / 1307674368e3, 1. / 355687428096e3, 1. / 121645100408832e3};
  double size = absolute(x);
  if (isNan(x) || size < 0x1p-27)
    return x;
  if (size < 1)
    return x + x * (x * x) * polynomial(x * x, tail, 9);
  double large = cameo_exp_pair(size, 0, -1);
  return withSign(size < 40 ? large - 0.25 / large : large, x);
}

double cameo_cosh(double x) {
  double size = absolute(x);
  if (isNan(x))
    return x;
  double large = cameo_exp_pair(size, 0, -1);
  return size < 40 ? large + 0.25 / large : large;
}

double cameo_tanh(double x) {
  double size = absolute(x);
  if (isNan(x) || size < 0x1p-27)
    return x;
  if (size > 22)
    return withSign(1, x);
  double t = cameo_expm1(2 * size);
  if (size >= 0.5)
    return withSign(1 - 2 / (t + 2), x);
  struct pair d = quickSum(2, t);
  double q = t / d.hi;
  return withSign(q - q * d.lo / d.hi, x);
}

/* log(2 x) for large x */
static double logOfTwice(double x) {
  struct pair r = cameo_log_pair(x);
  return r.hi + (r.lo + 0x1.62e42fefa39efp-1);
}

double cameo_asinh(double x) {
  double size = absolute(x);
  if (isNan(x) || size < 0x1p-27 || size == infinity)
    return x;
  if (size > 0x1p28)
    return withSign(logOfTwice(size), x);
  double z = size * size, root = __builtin_sqrt(1 + z);
  if (size > 2)
    return withSign(cameo_log(2 * size + 1 / (root + size)), x);
  return withSign(cameo_log1p(size + z / (1 + root)), x);
}

double cameo_acosh(double x) {
  if (!(x >= 1))
    return __builtin_nan("");
  if (x == infinity)
    return x;
  if (x > 0x1p28)
    return logOfTwice(x);
  if (x > 2)
    return cameo_log(2 * x - 1 / (x + __builtin_sqrt(x * x - 1)));
  double t = x - 1;
  return cameo_log1p(t + __builtin_sqrt(2 * t + t * t));
}

double cameo_atanh(double x) {
  double size = absolute(x);
  if (!(size <= 1))
    return __builtin_nan("");
  if (size < 0x1p-27)
    return x;
  if (size == 1)
    return withSign(infinity, x);
  double t = 2 * size;
  t = size < 0.5 ? t + t * size / (1 - size) : t / (1 - size);
  return withSign(cameo_log1p(t) / 2, x);
}

/* largest error 7.4e-18 */
static const double erfSmall[] = {
    0x1.06eba8214db68p-3,  -0x1.812746b0379c1p-2,  0x1.ce2f21a040f66p-4,  -0x1.b82ce31203772p-6,
    0x1.565bccfa44156p-8,  -0x1.c02db0665e53dp-11, 0x1.f9a2be4f731a1p-14, -0x1.f4ca838adb73bp-17,
    0x1.b981d78881a5dp-20, -0x1.5c131500d3f88p-23, 0x1.d76af6ca49787p-27, -0x1.ac9585a44fe29p-31,
};
/* largest error 7.0e-18 */
static const double erfc1[] = {
    0x1.494daffa2ad68p-2,  -0x1.4f1988444caf7p-3,  0x1.37ea271bc55a0p-4,  -0x1.0dc51d2941ee4p-5,
    0x1.b65944f32a576p-7,  -0x1.513ed75ff9ad6p-8,  0x1.ee705e987b820p-10, -0x1.5b0abff9c2a92p-11,
    0x1.d4508ae09730fp-13, -0x1.30c0e2f1726a0p-14, 0x1.7f9e4d674bd86p-16, -0x1.d41a7f9e3cd6fp-18,
    0x1.14b718ccbc836p-19, -0x1.3f46ec5c2de67p-21, 0x1.835e0a520b1cfp-23, -0x1.a7ba6423339dep-25,
};
/* largest error 3.2e-17 */
static const double erfc2[] = {
    0x1.8c9eb68ff27d6p-3,  -0x1.0305781330098p-4,  0x1.43b98bac83f03p-6,  -0x1.84e9ab30e7097p-8,
    0x1.c2c72fd626f6cp-10, -0x1.f99e41ebd4d5dp-12, 0x1.131bb1d2e3a05p-13, -0x1.2312b2badfeadp-15,
    0x1.2bfb299220ea4p-17, -0x1.2da2ff5b44ce9p-19, 0x1.2862a554f9330p-21, -0x1.1cd99b6f030b5p-23,
    0x1.0a918d9e5d9dfp-25, -0x1.ec2d2e6cba5f8p-28, 0x1.f41aec24044e4p-30, -0x1.bb1a1ce3fdbf3p-32,
};
/* largest error 2.2e-16 */
static const double erfc3[] = {
    0x1.dc603a3e77e8ep-4,  -0x1.81149bc4a1043p-6,  0x1.317c144f8f64ap-8,  -0x1.dc1af883a890ep-11,
    0x1.6cc10c0f34f30p-13, -0x1.12f174374d566p-15, 0x1.9818c50f2679cp-18, -0x1.2a625cfc1addcp-20,
    0x1.ae1e4a6ffac89p-23, -0x1.31c2fbf4067c1p-25, 0x1.ad3605c5f3d7ap-28, -0x1.293a6d961a158p-30,
    0x1.90cd7db80d5c8p-33, -0x1.0f091c3e44fb7p-35, 0x1.b31a06cd2a72cp-38, -0x1.1e4ee48aea4edp-40,
};

/* Below 1 the series of erf; above, 1 - erfc with erfc(x) exp(x^2) from a table by x. */
double cameo_erf(double x) {
  double size = absolute(x);
  if (isNan(x))
    return x;
  if (size < 1)
    return x + x * polynomial(x * x, erfSmall, 12);
  if (size >= 6)
    return withSign(1, x);
  const double *table = size < 2 ? erfc1 : size < 3.5 ? erfc2 : erfc3;
  double middle = size < 2 ? 1.5 : size < 3.5 ? 2.75 : 4.75;
  double rest = cameo_exp_pair(-size * size, 0, 0) * polynomial(size - middle, table, 16);
  return withSign(1 - rest, x);
}
