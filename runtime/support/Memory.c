/*
 * memcpy, memmove, memset and memcmp, because compilers call them and a generated library shall not
 * depend on a C library's. Sixteen bytes at a time with an overlapping last piece; no alignment is
 * needed on the targets served.
 */
#include <stddef.h>
#include <stdint.h>

typedef uint8_t block __attribute__((vector_size(16), aligned(1), may_alias));
typedef uint64_t word __attribute__((aligned(1), may_alias));
typedef uint32_t halfWord __attribute__((aligned(1), may_alias));
typedef uint16_t quarterWord __attribute__((aligned(1), may_alias));

void *memmove(void *to, const void *from, size_t size) {
  uint8_t *d = to;
  const uint8_t *s = from;
  if (size >= 16) {
    block last = *(const block *)(s + size - 16), first = *(const block *)s;
    if ((uintptr_t)d - (uintptr_t)s >= size) { /* also when d lies before s */
      for (size_t i = 0; i + 16 < size; i += 16)
        *(block *)(d + i) = *(const block *)(s + i);
      *(block *)(d + size - 16) = last;
    } else {
      for (size_t i = size; i > 16; i -= 16)
        *(block *)(d + i - 16) = *(const block *)(s + i - 16);
      *(block *)d = first;
    }
  } else if (size >= 8) {
    word first = *(const word *)s, last = *(const word *)(s + size - 8);
    *(word *)d = first;
    *(word *)(d + size - 8) = last;
  } else if (size >= 4) {
    halfWord first = *(const halfWord *)s, last = *(const halfWord *)(s + size - 4);
    *(halfWord *)d = first;
    *(halfWord *)(d + size - 4) = last;
  } else if (size >= 2) {
    quarterWord first = *(const quarterWord *)s, last = *(const quarterWord *)(s + size - 2);
    *(quarterWord *)d = first;
    *(quarterWord *)(d + size - 2) = last;
  } else if (size) {
    *d = *s;
  }
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size) {
  uint8_t *d = to;
  const uint8_t *s = from;
  if (size < 64)
    return memmove(to, from, size);
  size_t i = 0;
  for (; i + 64 <= size; i += 64) {
    block a = *(const block *)(s + i), b = *(const block *)(s + i + 16);
    block c = *(const block *)(s + i + 32), e = *(const block *)(s + i + 48);
    *(block *)(d + i) = a;
    *(block *)(d + i + 16) = b;
    *(block *)(d + i + 32) = c;
    *(block *)(d + i + 48) = e;
  }
  for (; i + 16 <= size; i += 16)
    *(block *)(d + i) = *(const block *)(s + i);
  *(block *)(d + size - 16) = *(const block *)(s + size - 16);
  return to;
}

void *memset(void *to, int byte, size_t size) {
  uint8_t *d = to;
  uint64_t value = 0x0101010101010101ull * (uint8_t)byte;
  if (size < 8) {
    for (size_t i = 0; i < size; i++)
      d[i] = (uint8_t)byte;
    return to;
  }
  for (size_t i = 0; i + 8 < size; i += 8)
    *(word *)(d + i) = value;
  *(word *)(d + size - 8) = value;
  return to;
}

int memcmp(const void *a, const void *b, size_t size) {
  const uint8_t *x = a, *y = b;
  size_t i = 0;
  while (i + 8 <= size && *(const word *)(x + i) == *(const word *)(y + i))
    i += 8;
  for (; i < size; i++)
    if (x[i] != y[i])
      return x[i] < y[i] ? -1 : 1;
  return 0;
}
