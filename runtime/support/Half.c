/*
 * Conversions between float16, bfloat16 and wider floats, in integers: exact, independent of the
 * CPU's rounding and denormal modes, and the same on every target.
 */
#include "support/Bits.h"
#include "support/Support.h"

float cameo_half_to_float(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000) << 16, rest = half & 0x7fff;
  if (rest >= 0x7c00) /* infinity and NaN; the quiet bit is set for the latter */
    return floatOf(sign | 0x7f800000 | (rest & 0x3ff) << 13 | (rest > 0x7c00 ? 0x400000 : 0));
  if (rest >= 0x400)
    return floatOf(sign | ((rest << 13) + ((127 - 15) << 23)));
  if (!rest)
    return floatOf(sign);
  uint32_t shift = (uint32_t)__builtin_clz(rest) - 21; /* brings the leading one to bit 10 */
  return floatOf(sign | (113 - shift) << 23 | (rest << shift & 0x3ff) << 13);
}

double cameo_half_to_double(uint16_t half) { return cameo_half_to_float(half); }

float cameo_bfloat_to_float(uint16_t bfloat) {
  uint32_t bits = (uint32_t)bfloat << 16;
  return floatOf(bits | ((bits & 0x7fffffff) > 0x7f800000 ? 0x400000 : 0));
}

double cameo_bfloat_to_double(uint16_t bfloat) { return cameo_bfloat_to_float(bfloat); }

/*
 * Narrows a float given as sign-free bits with `mantissa` fraction bits and exponent bias `bias` to
 * `to` fraction bits with bias `toBias`. Rounding up may carry into the exponent, up to infinity:
 * that is right as it stands.
 */
static uint16_t narrow(uint64_t bits, int32_t mantissa, int32_t bias, int32_t to, int32_t toBias) {
  uint64_t infinity = (uint64_t)(2 * bias + 1) << mantissa;
  uint16_t largest = (uint16_t)((2 * toBias + 1) << to);
  if (bits > infinity)
    return (uint16_t)(largest | 1 << (to - 1) |
                      ((bits >> (mantissa - to)) & (uint64_t)((1 << to) - 1)));
  int32_t exponent = (int32_t)(bits >> mantissa) - bias + toBias;
  if (exponent > 2 * toBias)
    return largest;
  uint64_t fraction = bits & ((1ull << mantissa) - 1);
  int32_t drop = mantissa - to;
  uint64_t base = 0;
  if (bits >> mantissa)
    fraction |= 1ull << mantissa;
  if (exponent <= 0)
    drop += 1 - exponent; /* a denormal of the target; a wider denormal counts as exponent 1 */
  else
    base = (uint64_t)(exponent - 1) << to; /* the leading one adds the last 1 to the exponent */
  if (drop > mantissa + 1)
    return 0;
  uint64_t kept = fraction >> drop, lost = fraction & ((1ull << drop) - 1),
           half = 1ull << (drop - 1);
  kept += lost > half || (lost == half && (kept & 1));
  return (uint16_t)(base + kept);
}

uint16_t cameo_float_to_half(float value) {
  uint32_t bits = floatBits(value);
  return (uint16_t)(bits >> 16 & 0x8000) | narrow(bits & 0x7fffffff, 23, 127, 10, 15);
}

uint16_t cameo_double_to_half(double value) {
  uint64_t bits = bitsOf(value);
  return (uint16_t)(bits >> 48 & 0x8000) | narrow(bits & INT64_MAX, 52, 1023, 10, 15);
}

uint16_t cameo_float_to_bfloat(float value) {
  uint32_t bits = floatBits(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return (uint16_t)(bits >> 16 | 0x40);
  return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

uint16_t cameo_double_to_bfloat(double value) {
  uint64_t bits = bitsOf(value);
  return (uint16_t)(bits >> 48 & 0x8000) | narrow(bits & INT64_MAX, 52, 1023, 7, 127);
}
