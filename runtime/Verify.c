/*
 * CAMEO_VERIFY: whether the library and its weights are what the compiler wrote. A loaded library
 * is not its file any more (addresses have been filled in), so it is the file that is checked, all
 * of it; the system says which that is. A model that was linked into a program has no such file.
 */
#include "Checksum.h"
#include "Os.h"
#include "Runtime.h"

static uint64_t checksumOf(const uint8_t *data, int64_t size) {
  struct cameo_checksum sum = {0};
  cameo_checksum_add(&sum, data, size);
  return cameo_checksum_end(&sum);
}

/* What is wrong with a library's file, or NULL. */
static const char *wrongFile(const uint8_t *data, int64_t size) {
  const int64_t end = size - CAMEO_CHECKSUM_TRAILER;
  int32_t has = end >= 0;
  for (int32_t i = 0; i < 8 && has; i++)
    has = data[end + i] == (uint8_t)CAMEO_CHECKSUM_MAGIC[i];
  if (!has)
    return "cannot verify '%s': it does not end in a checksum";
  return cameo_checksum_word(data + end + 8, 8) == checksumOf(data, end)
             ? NULL
             : "'%s' is damaged: its bytes do not have the checksum at its end";
}

int32_t cameo_verify_library(const cameo_model *model, const cameo_options *options) {
  char path[4096];
  int64_t size = 0;
  struct cameo_words words = {.s = path};
  if (!(options->flags & CAMEO_VERIFY))
    return CAMEO_OK;
  int64_t length = cameo_os_module(model, path, sizeof path);
  const uint8_t *data = length > 0 ? cameo_os_map(path, &size) : NULL;
  const char *wrong =
      data ? wrongFile(data, size) : "cannot verify: the library's file is not there";
  if (data)
    cameo_os_unmap(data, size);
  if (wrong)
    cameo_say(options->message, options->message_size, wrong, &words);
  return wrong ? CAMEO_DAMAGED : CAMEO_OK;
}

int32_t cameo_verify_weights(const struct cameo_private *self, const cameo_options *options) {
  struct cameo_words words = {0};
  int64_t size = self->head.model->weights_size;
  if (!(options->flags & CAMEO_VERIFY) || !self->code->weights_id || !size ||
      checksumOf(self->frame.weights, size) == self->code->weights_id)
    return CAMEO_OK;
  cameo_say(options->message, options->message_size,
            "the weights are damaged: they do not have the checksum that the model knows", &words);
  return CAMEO_DAMAGED;
}
