/*
 * sin, cos and tan for doubles: the angle's multiple of pi/2 is taken off and the Taylor series
 * does the rest.
 *
 * Up to 2^20 quarter turns pi/2 is subtracted in three parts (Cody and Waite); beyond, and where
 * the difference nearly vanishes, the angle is multiplied with as many bits of 2/pi as matter
 * (Payne and Hanek, SIGNUM 18, 1983).
 */
#include "support/Bits.h"
#include "support/Support.h"

static const uint32_t twoOverPi[] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041, 0xfe5163ab, 0xdebbc561,
    0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c, 0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484,
    0xe99c7026, 0xb45f7e41, 0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d, 0x7527bac7, 0xebe5f17b,
    0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08, 0x56033046, 0xfc7b6bab, 0xf0cfbc20, 0x9af4361d,
};

static const struct pair halfPi = {0x1.921fb54442d18p+0, 0x1.1a62633145c07p-54};

/* 32 bits of 2/pi from bit `at` on, bit 1 weighing one half; what lies before bit 1 is 0. */
static uint32_t bitsOfTwoOverPi(int32_t at) {
  int32_t first = at - 1, index = first >> 5, shift = first & 31;
  uint32_t high = index >= 0 ? twoOverPi[index] : 0, low = index >= -1 ? twoOverPi[index + 1] : 0;
  return shift ? high << shift | low >> (32 - shift) : high;
}

/* |x| >= 1: the quarter turns in x, modulo 4, and the rest in radians */
static int32_t reduceLarge(double x, struct pair *rest) {
  uint64_t bits = bitsOf(x) & INT64_MAX, mantissa = (bits & ((1ull << 52) - 1)) | 1ull << 52;
  int32_t exponent = (int32_t)(bits >> 52) - 1075; /* |x| = mantissa 2^exponent */
  uint32_t low = (uint32_t)mantissa, high = (uint32_t)(mantissa >> 32);
  /* 224 bits of the product modulo 4, least significant word first. The first bit of 2/pi taken
     weighs 2 when multiplied with 2^exponent; heavier ones only add multiples of 4. */
  uint32_t words[7] = {0};
  uint64_t carry = 0;
  for (int32_t i = 0; i < 7; i++) {
    uint32_t now = bitsOfTwoOverPi(exponent - 1 + 32 * (6 - i));
    uint32_t before = i ? bitsOfTwoOverPi(exponent - 1 + 32 * (7 - i)) : 0;
    uint64_t a = (uint64_t)now * low, b = (uint64_t)before * high;
    uint64_t total = (a & 0xffffffff) + (b & 0xffffffff) + (carry & 0xffffffff);
    words[i] = (uint32_t)total;
    carry = (total >> 32) + (a >> 32) + (b >> 32) + (carry >> 32);
  }
  int32_t turns = (int32_t)(words[6] >> 30);
  uint32_t negative = words[6] >> 29 & 1; /* the rest is at least half: go up to the next turn */
  turns += (int32_t)negative;
  words[6] &= 0x3fffffff;
  if (negative) {
    for (int32_t i = 0; i < 7; i++)
      words[i] = ~words[i]; /* off by one in bit 2^-222 */
    words[6] &= 0x3fffffff;
  }
  /* The fraction, words 6 .. 0 with 30 + 6 * 32 bits behind the point, as a sum of doubles. */
  double scale = 0x1p-30;
  struct pair fraction = {0, 0};
  for (int32_t i = 6; i >= 0; i--, scale *= 0x1p-32) {
    struct pair s = sum(fraction.hi, words[i] * scale);
    fraction = quickSum(s.hi, s.lo + fraction.lo);
  }
  *rest = multiplyPairs(fraction, halfPi);
  if (negative != (bits != bitsOf(x))) {
    rest->hi = -rest->hi;
    rest->lo = -rest->lo;
  }
  return (bits != bitsOf(x) ? -turns : turns) & 3;
}

/* The quarter turns nearest to x, modulo 4, and the rest, |rest| <= pi/4 and a little. Finite x. */
static int32_t reduce(double x, struct pair *rest) {
  double size = absolute(x);
  rest->hi = x;
  rest->lo = 0;
  if (size <= 0.78)
    return 0;
  if (size < 0x1p20) {
    double n = nearest(x * 0x1.45f306dc9c883p-1);
    struct pair r = sum(x - n * 0x1.921fb544p+0, -n * 0x1.0b4611a6p-34);
    *rest = quickSum(r.hi, r.lo - n * 0x1.3198a2e037073p-69);
    if (absolute(rest->hi) > 0x1p-20)
      return (int32_t)n & 3;
  }
  return reduceLarge(x, rest);
}

/* sin r as a pair */
static struct pair sine(struct pair r) {
  static const double tail[] = {
      -1. / 6,        1. / 120,        -1. / 5040,         1. / 362880,
      -1. / 39916800, 1. / 6227020800, -1. / 1307674368e3, 1. / 355687428096e3};
  double z = r.hi * r.hi;
  return quickSum(r.hi, r.hi * z * polynomial(z, tail, 8) + r.lo * (1 - z / 2));
}

/* cos r as a pair */
static struct pair cosine(struct pair r) {
  static const double tail[] = {
      1. / 24,        -1. / 720,         1. / 40320,         -1. / 3628800,
      1. / 479001600, -1. / 87178291200, 1. / 20922789888e3, -1. / 6402373705728e3};
  struct pair z = product(r.hi, r.hi), one = quickSum(1, -z.hi / 2);
  double rest = z.hi * z.hi * polynomial(z.hi, tail, 8) - z.lo / 2 - r.hi * r.lo;
  return quickSum(one.hi, one.lo + rest);
}

static double turned(struct pair r, int32_t turns) {
  struct pair v = turns & 1 ? cosine(r) : sine(r);
  return turns & 2 ? -v.hi : v.hi;
}

double cameo_sin(double x) {
  struct pair r;
  if (absolute(x) < 0x1p-27 || !(absolute(x) < __builtin_inf()))
    return absolute(x) < 1 ? x : x - x;
  int32_t turns = reduce(x, &r);
  return turned(r, turns);
}

double cameo_cos(double x) {
  struct pair r;
  if (!(absolute(x) < __builtin_inf()))
    return x - x;
  int32_t turns = reduce(x, &r);
  return turned(r, turns + 1);
}

double cameo_tan(double x) {
  struct pair r;
  if (absolute(x) < 0x1p-27 || !(absolute(x) < __builtin_inf()))
    return absolute(x) < 1 ? x : x - x;
  int32_t turns = reduce(x, &r);
  struct pair a = sine(r), b = cosine(r);
  if (turns & 1) {
    struct pair c = a;
    a.hi = -b.hi;
    a.lo = -b.lo;
    b = c;
  }
  double q = a.hi / b.hi;
  struct pair back = product(q, b.hi);
  return q + ((a.hi - back.hi) - back.lo + a.lo - q * b.lo) / b.hi;
}
