/*
 * The checksum that ends a shared library and names a weights file: 64 bits, of any number of
 * bytes. Also used by codegen/, which writes it, and bench/.
 *
 * Each of four lanes takes every fourth word. A step is one to one in the lane's state and in the
 * word, so that damage to a single word is always found; any other goes unnoticed once in 2^64.
 */
#ifndef CAMEO_RUNTIME_CHECKSUM_H
#define CAMEO_RUNTIME_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* What ends a library: the magic, and the checksum of all bytes before it in little endian. */
#define CAMEO_CHECKSUM_MAGIC "cameosum"
enum { CAMEO_CHECKSUM_TRAILER = 16, CAMEO_CHECKSUM_BLOCK = 32 };

struct cameo_checksum {
  uint64_t lanes[4];
  uint64_t bytes;
};

static inline uint64_t cameo_checksum_step(uint64_t state, uint64_t word) {
  uint64_t product = (state ^ word) * 0x9e3779b97f4a7c15u;
  return product << 29 | product >> 35;
}

/* Up to 8 bytes as a number; all machines concerned are little endian. */
static inline uint64_t cameo_checksum_word(const uint8_t *data, int64_t bytes) {
  uint64_t word = 0;
  if (bytes >= 8)
    __builtin_memcpy(&word, data, 8);
  else if (bytes > 0)
    __builtin_memcpy(&word, data, (size_t)bytes);
  return word;
}

/* Adds the bytes that follow. All parts but the last are whole blocks. */
static inline void cameo_checksum_add(struct cameo_checksum *sum, const uint8_t *data,
                                      int64_t bytes) {
  sum->bytes += (uint64_t)bytes;
  for (; bytes > 0; data += CAMEO_CHECKSUM_BLOCK, bytes -= CAMEO_CHECKSUM_BLOCK)
    for (int64_t lane = 0; lane < 4; lane++)
      sum->lanes[lane] = cameo_checksum_step(
          sum->lanes[lane], cameo_checksum_word(data + lane * 8, bytes - lane * 8));
}

static inline uint64_t cameo_checksum_end(const struct cameo_checksum *sum) {
  uint64_t state = sum->bytes;
  for (int32_t lane = 0; lane < 4; lane++)
    state = cameo_checksum_step(state, sum->lanes[lane]);
  return state;
}

#endif
