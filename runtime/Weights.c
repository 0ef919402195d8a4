/*
 * Where a context's weights come from: the library, the caller's memory or reading function, a file
 * given by path, or the file beside the program. However they arrive, kernels see one address.
 */
#include "Os.h"
#include "Runtime.h"

/* Behind the weights in a file: also the slack that kernels may load. */
enum { TRAILER = 64 };

/* Maps a weights file; 1 when it is there, *right says whether it is this model's. */
static int32_t mapFile(struct cameo_private *self, const char *path, int32_t *right) {
  int64_t size, want = self->head.model->weights_size;
  const uint8_t *data = cameo_os_map(path, &size);
  if (!data)
    return 0;
  static const char magic[8] = {'c', 'a', 'm', 'e', 'o', 'w', 't', 's'};
  *right = size == want + TRAILER;
  for (int32_t i = 0; *right && i < 8; i++)
    *right = data[want + i] == (uint8_t)magic[i] &&
             data[want + 8 + i] == (uint8_t)(self->code->weights_id >> (8 * i));
  self->weights_map = data;
  self->weights_map_size = size;
  self->frame.weights = data;
  return 1;
}

/* The file of the model's own choice: in the working folder, or where the program is. */
static int32_t mapBeside(struct cameo_private *self, int32_t *right) {
  char path[4096];
  const char *name = self->code->weights_file;
  if (!name)
    return 0;
  if (mapFile(self, name, right))
    return 1;
  int64_t length = cameo_os_program(path, sizeof path), extra = 0;
  while (name[extra])
    extra++;
  while (length > 0 && path[length - 1] != '/')
    length--;
  if (length <= 0 || length + extra >= (int64_t)sizeof path)
    return 0;
  memcpy(path + length, name, (size_t)extra + 1);
  return mapFile(self, path, right);
}

/* Puts the weights in memory of the context, by the caller's function or as a copy. */
static int32_t fillCopy(struct cameo_private *self, const cameo_options *options) {
  int64_t size = self->head.model->weights_size;
  int32_t status = cameo_memory_reserve(&self->weights_copy, size);
  if (status)
    return status;
  if (self->frame.weights)
    memcpy(self->weights_copy.data, self->frame.weights, (size_t)size);
  else if (options->read_weights(options->user, 0, self->weights_copy.data, size))
    return CAMEO_NO_WEIGHTS;
  self->frame.weights = self->weights_copy.data;
  return CAMEO_OK;
}

int32_t cameo_weights_open(struct cameo_private *self, const cameo_options *options) {
  struct cameo_words words = {0};
  int32_t right = 1, found = 1;
  if (self->head.model->weights_size == 0)
    return CAMEO_OK;
  if (options->weights)
    self->frame.weights = options->weights;
  else if (options->weights_path)
    found = mapFile(self, words.s = options->weights_path, &right);
  else if (!options->read_weights && !(self->frame.weights = self->code->weights))
    found = mapBeside(self, &right), words.s = self->code->weights_file;
  if (!found || !right) {
    cameo_say(options->message, options->message_size,
              found ? "weights file '%s' belongs to another model or version"
                    : "weights file '%s' was not found",
              &words);
    return CAMEO_NO_WEIGHTS;
  }
  if ((uintptr_t)self->frame.weights % CAMEO_ALIGNMENT) {
    cameo_say(options->message, options->message_size, "the weights are not aligned to 64 bytes",
              &words);
    return CAMEO_INVALID_ARGUMENT;
  }
  if (!self->frame.weights || (options->flags & CAMEO_HUGE_PAGES)) {
    int32_t status = fillCopy(self, options);
    if (status)
      cameo_say(options->message, options->message_size,
                status == CAMEO_NO_WEIGHTS ? "the weights could not be read"
                                           : "no memory for the weights",
                &words);
    return status;
  }
  if (!options->weights)
    cameo_os_advise_pages(self->frame.weights, self->head.model->weights_size);
  return CAMEO_OK;
}

void cameo_weights_close(struct cameo_private *self) {
  if (self->weights_map)
    cameo_os_unmap(self->weights_map, self->weights_map_size);
  cameo_memory_free(&self->weights_copy);
}
