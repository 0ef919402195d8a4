/*
 * What 32-bit ARM has no instructions for: division (optional in ARMv7-A), 64-bit integers to and
 * from floats, and the run-time ABI's names for the memory functions. Names, argument orders and
 * the rule that floats travel in integer registers: Run-time ABI for the Arm Architecture
 * (RTABI32). Division by zero gives zero and the dividend; generated code never divides by it.
 */
#include "support/Bits.h"

#include <stddef.h>

#if defined(__arm__)

#define BASE __attribute__((pcs("aapcs")))

/* Two results in r0 .. r3: a 16-byte vector is how C says that. */
typedef uint64_t twoWords __attribute__((vector_size(16)));
typedef int64_t twoInts __attribute__((vector_size(16)));

static uint64_t divide(uint64_t n, uint64_t d, uint64_t *rest) {
  uint64_t quotient = 0;
  if (d && d <= n) {
    int32_t shift = __builtin_clzll(d) - __builtin_clzll(n);
    d <<= shift;
    for (; shift >= 0; shift--, d >>= 1) {
      quotient <<= 1;
      if (n >= d) {
        n -= d;
        quotient |= 1;
      }
    }
  }
  *rest = n;
  return quotient;
}

static uint32_t divideShort(uint32_t n, uint32_t d, uint32_t *rest) {
  uint32_t quotient = 0;
  if (d && d <= n) {
    int32_t shift = __builtin_clz(d) - __builtin_clz(n);
    d <<= shift;
    for (; shift >= 0; shift--, d >>= 1) {
      quotient <<= 1;
      if (n >= d) {
        n -= d;
        quotient |= 1;
      }
    }
  }
  *rest = n;
  return quotient;
}

static uint64_t sizeOf(int64_t x) { return x < 0 ? 0 - (uint64_t)x : (uint64_t)x; }

BASE twoWords __aeabi_uldivmod(uint64_t n, uint64_t d) {
  uint64_t rest, quotient = divide(n, d, &rest);
  return (twoWords){quotient, rest};
}

BASE twoInts __aeabi_ldivmod(int64_t n, int64_t d) {
  uint64_t rest, quotient = divide(sizeOf(n), sizeOf(d), &rest);
  return (twoInts){(int64_t)((n ^ d) < 0 ? 0 - quotient : quotient),
                   (int64_t)(n < 0 ? 0 - rest : rest)};
}

BASE uint64_t __aeabi_uidivmod(uint32_t n, uint32_t d) {
  uint32_t rest, quotient = divideShort(n, d, &rest);
  return quotient | (uint64_t)rest << 32;
}

BASE uint32_t __aeabi_uidiv(uint32_t n, uint32_t d) {
  uint32_t rest;
  return divideShort(n, d, &rest);
}

BASE uint64_t __aeabi_idivmod(int32_t n, int32_t d) {
  uint32_t rest, quotient;
  quotient = divideShort(n < 0 ? 0 - (uint32_t)n : (uint32_t)n,
                         d < 0 ? 0 - (uint32_t)d : (uint32_t)d, &rest);
  quotient = (n ^ d) < 0 ? 0 - quotient : quotient;
  return quotient | (uint64_t)(n < 0 ? 0 - rest : rest) << 32;
}

BASE int32_t __aeabi_idiv(int32_t n, int32_t d) { return (int32_t)__aeabi_idivmod(n, d); }

/* Only the last addition rounds; its operands are exact. */
BASE double __aeabi_ul2d(uint64_t x) {
  return (double)(uint32_t)(x >> 32) * 0x1p32 + (double)(uint32_t)x;
}

BASE double __aeabi_l2d(int64_t x) {
  return (double)(int32_t)(x >> 32) * 0x1p32 + (double)(uint32_t)x;
}

/* 53 bits that a float's rounding cannot tell from all 64: the lost ones are gathered in the last.
 */
BASE float __aeabi_ul2f(uint64_t x) {
  if (x >> 53)
    x = (x & ~0x7ffull) | ((x & 0x7ff) ? 0x800 : 0);
  return (float)__aeabi_ul2d(x);
}

BASE float __aeabi_l2f(int64_t x) {
  float size = __aeabi_ul2f(sizeOf(x));
  return x < 0 ? -size : size;
}

/* Towards zero, for values in range. */
BASE uint64_t __aeabi_d2ulz(double x) {
  uint64_t bits = bitsOf(x), mantissa = (bits & ((1ull << 52) - 1)) | 1ull << 52;
  int32_t exponent = (int32_t)(bits >> 52 & 0x7ff) - 1075;
  if (exponent < -63 || exponent > 11)
    return 0;
  return exponent < 0 ? mantissa >> -exponent : mantissa << exponent;
}

BASE int64_t __aeabi_d2lz(double x) {
  uint64_t size = __aeabi_d2ulz(absolute(x));
  return (int64_t)(x < 0 ? 0 - size : size);
}

BASE uint64_t __aeabi_f2ulz(float x) { return __aeabi_d2ulz(x); }
BASE int64_t __aeabi_f2lz(float x) { return __aeabi_d2lz(x); }

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);

void __aeabi_memcpy(void *to, const void *from, size_t size) { memcpy(to, from, size); }
void __aeabi_memcpy4(void *to, const void *from, size_t size) { memcpy(to, from, size); }
void __aeabi_memcpy8(void *to, const void *from, size_t size) { memcpy(to, from, size); }
void __aeabi_memmove(void *to, const void *from, size_t size) { memmove(to, from, size); }
void __aeabi_memmove4(void *to, const void *from, size_t size) { memmove(to, from, size); }
void __aeabi_memmove8(void *to, const void *from, size_t size) { memmove(to, from, size); }
void __aeabi_memset(void *to, size_t size, int byte) { memset(to, byte, size); }
void __aeabi_memset4(void *to, size_t size, int byte) { memset(to, byte, size); }
void __aeabi_memset8(void *to, size_t size, int byte) { memset(to, byte, size); }
void __aeabi_memclr(void *to, size_t size) { memset(to, 0, size); }
void __aeabi_memclr4(void *to, size_t size) { memset(to, 0, size); }
void __aeabi_memclr8(void *to, size_t size) { memset(to, 0, size); }

#endif
