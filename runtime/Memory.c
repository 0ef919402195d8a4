/*
 * Blocks of memory that a context keeps: aligned to a cache line, with slack on both sides because
 * kernels load whole vectors. Large ones come in huge pages straight from the system.
 */
#include "Os.h"
#include "Runtime.h"

static const int64_t PAGES_FROM = 4 << 20;

void cameo_memory_free(struct cameo_memory *memory) {
  if (memory->mapped)
    cameo_os_free_pages(memory->base, memory->mapped);
  else
    free(memory->base);
  *memory = (struct cameo_memory){0};
}

int32_t cameo_memory_reserve(struct cameo_memory *memory, int64_t size) {
  if (memory->data && size <= memory->size)
    return CAMEO_OK;
  cameo_memory_free(memory);
  if (size > INT64_MAX / 2)
    return CAMEO_OVERFLOW;
  int64_t total = size + CAMEO_BLOCK_MARGIN;
  if (total > (int64_t)(SIZE_MAX / 2))
    return CAMEO_OUT_OF_MEMORY;
  uint8_t *base = NULL;
  if (size >= PAGES_FROM && (base = cameo_os_pages(total)))
    memory->mapped = total;
  if (!base && !(base = malloc((size_t)total)))
    return CAMEO_OUT_OF_MEMORY;
  uintptr_t start = (uintptr_t)base + CAMEO_SLACK + CAMEO_ALIGNMENT - 1;
  memory->base = base;
  memory->data = base + ((start & ~(uintptr_t)(CAMEO_ALIGNMENT - 1)) - (uintptr_t)base);
  memory->size = size;
  return CAMEO_OK;
}

int32_t cameo_memory_grow(struct cameo_memory *memory, int64_t size) {
  struct cameo_memory larger = {0};
  if (memory->data && size <= memory->size)
    return CAMEO_OK;
  if (memory->size <= INT64_MAX / 4 && size < 2 * memory->size)
    size = 2 * memory->size;
  int32_t status = cameo_memory_reserve(&larger, size);
  if (status)
    return status;
  if (memory->data)
    memcpy(larger.data, memory->data, (size_t)memory->size);
  cameo_memory_free(memory);
  *memory = larger;
  return CAMEO_OK;
}

int32_t cameo_memory_holds(const struct cameo_memory *memory, const void *data) {
  uintptr_t offset = (uintptr_t)data - (uintptr_t)memory->data;
  return memory->data && offset < (uintptr_t)memory->size + 1;
}
