/*
 * The product of 128-bit integers, which LLVM calls by this name to see whether a product of 64-bit
 * ones overflows: wasm has no instruction for the upper half.
 */
#include <stdint.h>

typedef __int128 wide;
typedef unsigned __int128 unsignedWide;

/* All 128 bits of a product, from those of halves. */
static unsignedWide product(uint64_t a, uint64_t b) {
  uint64_t lowA = (uint32_t)a, highA = a >> 32, lowB = (uint32_t)b, highB = b >> 32;
  uint64_t low = lowA * lowB, middle = highA * lowB + (low >> 32);
  uint64_t cross = lowA * highB + (uint32_t)middle;
  uint64_t high = highA * highB + (middle >> 32) + (cross >> 32);
  return (unsignedWide)high << 64 | (cross << 32 | (uint32_t)low);
}

wide __multi3(wide a, wide b) {
  uint64_t lowA = (uint64_t)a, lowB = (uint64_t)b;
  uint64_t high =
      (uint64_t)((unsignedWide)a >> 64) * lowB + lowA * (uint64_t)((unsignedWide)b >> 64);
  return (wide)(product(lowA, lowB) + ((unsignedWide)high << 64));
}
