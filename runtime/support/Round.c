/*
 * Rounding to integers and the floating-point remainder, under the C library's names: LLVM calls
 * them where a target has no instruction. Adding and subtracting 2^52 rounds to nearest even; the
 * rest are corrections of that.
 */
#include "support/Bits.h"

static double evenOf(double x) {
  double size = absolute(x);
  return size < 0x1p52 ? withSign((size + 0x1p52) - 0x1p52, x) : x;
}

static float evenOfFloat(float x) {
  float size = floatOf(floatBits(x) & 0x7fffffff);
  if (!(size < 0x1p23f))
    return x;
  return floatOf(floatBits((size + 0x1p23f) - 0x1p23f) | (floatBits(x) & 0x80000000));
}

double rint(double x) { return evenOf(x); }
double nearbyint(double x) { return evenOf(x); }
double roundeven(double x) { return evenOf(x); }
float rintf(float x) { return evenOfFloat(x); }
float nearbyintf(float x) { return evenOfFloat(x); }
float roundevenf(float x) { return evenOfFloat(x); }

double floor(double x) {
  double r = evenOf(x);
  return r > x ? r - 1 : r;
}

double ceil(double x) {
  double r = evenOf(x);
  return r < x ? withSign(r + 1, x) : r;
}

double trunc(double x) {
  double size = absolute(x), r = evenOf(size);
  return withSign(r > size ? r - 1 : r, x);
}

/* halves away from zero */
double round(double x) {
  double size = absolute(x), r = evenOf(size);
  return withSign(size - r == 0.5 ? r + 1 : r, x);
}

/* A float's integer part is a float, so the double versions serve; only the last loses nothing by
   it because 0.5 and its neighbours are exact too. */
float floorf(float x) { return (float)floor(x); }
float ceilf(float x) { return (float)ceil(x); }
float truncf(float x) { return (float)trunc(x); }
float roundf(float x) { return (float)round(x); }

/*
 * x - n * y for the integer n towards zero, exactly: the mantissas' remainder, taken as many bits
 * at a time as fit a word.
 */
double fmod(double x, double y) {
  uint64_t a = bitsOf(x) & INT64_MAX, b = bitsOf(y) & INT64_MAX;
  const uint64_t infinity = 0x7ffull << 52, one = 1ull << 52;
  if (a >= infinity || b > infinity || !b)
    return (x * y) / (x * y);
  if (a < b)
    return x;
  int32_t ea = (int32_t)(a >> 52), eb = (int32_t)(b >> 52);
  a = ea ? (a & (one - 1)) | one : a;
  b = eb ? (b & (one - 1)) | one : b;
  ea += !ea;
  eb += !eb;
  a %= b;
  for (int32_t left = ea - eb; left > 0 && a;) {
    int32_t step = left < 11 ? left : 11;
    a = (a << step) % b;
    left -= step;
  }
  if (!a)
    return withSign(0, x);
  int32_t shift = __builtin_clzll(a) - 11; /* brings the leading one to bit 52 */
  if (shift >= eb)
    return withSign(doubleOf(a << (eb - 1)), x);
  return withSign(doubleOf(((a << shift) & (one - 1)) | (uint64_t)(eb - shift) << 52), x);
}

/* Exact as well: the remainder of two floats is a float. */
float fmodf(float x, float y) { return (float)fmod(x, y); }
