/* Texts as characters: UTF-8, of which bytes that are none count as one character each. */
#ifndef CAMEO_RUNTIME_KERNELS_UTF8_H
#define CAMEO_RUNTIME_KERNELS_UTF8_H

#include <stdint.h>

struct text {
  const char *data;
  int64_t length;
};

static inline void cameo_text_skip(struct text *text, int64_t bytes) {
  text->data += bytes;
  text->length -= bytes;
}

/* The character at the beginning of a text that has one; it goes from the text. */
static inline uint32_t cameo_text_character(struct text *text) {
  uint8_t lead = (uint8_t)*text->data;
  int64_t more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
  uint32_t point = more ? lead & (0x3fu >> more) : lead;
  int32_t valid = more < text->length && lead < 0xf8;
  for (int64_t k = 1; valid && k <= more; k++) {
    uint8_t next = (uint8_t)text->data[k];
    valid = (next & 0xc0) == 0x80;
    point = point << 6 | (next & 0x3f);
  }
  cameo_text_skip(text, valid ? more + 1 : 1);
  return valid ? point : lead;
}

#endif
