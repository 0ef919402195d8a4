/*
 * Helpers of the support functions: bit patterns, and pairs of doubles.
 *
 * A pair {hi, lo} stands for hi + lo with |lo| at most about half an ulp of hi, some 106 bits. Sums
 * and products are error-free in the sense of Knuth (TAOCP 2, 4.2.2) and Dekker (Numer. Math. 18,
 * 1971); they must not be contracted to fused operations, and operands stay below 2^990.
 */
#ifndef CAMEO_SUPPORT_BITS_H
#define CAMEO_SUPPORT_BITS_H

#include <stdint.h>

static inline uint64_t bitsOf(double x) {
  union {
    double d;
    uint64_t u;
  } v = {x};
  return v.u;
}

static inline double doubleOf(uint64_t bits) {
  union {
    uint64_t u;
    double d;
  } v = {bits};
  return v.d;
}

static inline uint32_t floatBits(float x) {
  union {
    float f;
    uint32_t u;
  } v = {x};
  return v.u;
}

static inline float floatOf(uint32_t bits) {
  union {
    uint32_t u;
    float f;
  } v = {bits};
  return v.f;
}

static inline double absolute(double x) { return doubleOf(bitsOf(x) & INT64_MAX); }

/* |x| with the sign of y */
static inline double withSign(double x, double y) {
  return doubleOf((bitsOf(x) & INT64_MAX) | (bitsOf(y) & (1ull << 63)));
}

static inline int32_t isNan(double x) { return x != x; }

/* x with the lower 27 bits of its mantissa cleared */
static inline double upperHalf(double x) { return doubleOf(bitsOf(x) & ~0x7ffffffull); }

/* 2^k, -1022 <= k <= 1023 */
static inline double powerOf2(int32_t k) { return doubleOf((uint64_t)(k + 1023) << 52); }

static inline double nearest(double x) {
  const double shift = 0x1.8p52; /* for |x| < 2^51 */
  return (x + shift) - shift;
}

struct pair {
  double hi, lo;
};

static inline struct pair sum(double a, double b) {
  double s = a + b, t = s - a;
  struct pair r = {s, (a - (s - t)) + (b - t)};
  return r;
}

/* the same for |a| >= |b| */
static inline struct pair quickSum(double a, double b) {
  double s = a + b;
  struct pair r = {s, b - (s - a)};
  return r;
}

static inline struct pair product(double a, double b) {
  double p = a * b, ah = upperHalf(a), al = a - ah, bh = upperHalf(b), bl = b - bh;
  struct pair r = {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
  return r;
}

static inline struct pair addPairs(struct pair a, struct pair b) {
  struct pair s = sum(a.hi, b.hi);
  return quickSum(s.hi, s.lo + (a.lo + b.lo));
}

static inline struct pair multiplyPairs(struct pair a, struct pair b) {
  struct pair p = product(a.hi, b.hi);
  return quickSum(p.hi, p.lo + (a.hi * b.lo + a.lo * b.hi));
}

static inline double polynomial(double x, const double *coefficients, int32_t count) {
  double sum = coefficients[count - 1];
  for (int32_t i = count - 2; i >= 0; i--)
    sum = sum * x + coefficients[i];
  return sum;
}

/* Pieces that several files use; see ExpLog.c. */
struct pair cameo_log_pair(double x);
double cameo_exp_pair(double hi, double lo, int32_t scale);

#endif
