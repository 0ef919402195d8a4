/*
 * malloc and free of a wasm module, which has no C library: first fit in a list of free blocks in
 * the order of their addresses, neighbours merged. Few and large blocks are all a context asks for,
 * so the list stays short.
 */
#include "Runtime.h"

struct block {
  size_t size; /* header included, a multiple of UNIT */
  struct block *next;
  size_t unused[2]; /* data is aligned to UNIT */
};

enum { UNIT = 16, PAGE = 65536 };
_Static_assert(sizeof(struct block) == UNIT, "data would not be aligned");

extern uint8_t __heap_base; /* from the linker: the end of everything else in memory */

static struct block *list;
static uintptr_t end; /* of the memory that blocks have been made of */

void free(void *pointer) {
  if (!pointer)
    return;
  struct block *block = (struct block *)pointer - 1, **place = &list;
  struct block *before = NULL;
  while (*place && *place < block) {
    before = *place;
    place = &before->next;
  }
  block->next = *place;
  *place = block;
  if ((uint8_t *)block + block->size == (uint8_t *)block->next) {
    block->size += block->next->size;
    block->next = block->next->next;
  }
  if (before && (uint8_t *)before + before->size == (uint8_t *)block) {
    before->size += block->size;
    before->next = block->next;
  }
}

/* Makes a free block of at least size bytes at the end of memory; 0 when the engine has no more. */
static int32_t grow(size_t size) {
  if (!end)
    end = ((uintptr_t)&__heap_base + UNIT - 1) & ~(uintptr_t)(UNIT - 1);
  uint64_t top = (uint64_t)__builtin_wasm_memory_size(0) * PAGE;
  if (end + (uint64_t)size > top) {
    uint64_t pages = (end + (uint64_t)size - top + PAGE - 1) / PAGE;
    if (pages > 65536 || __builtin_wasm_memory_grow(0, (size_t)pages) == (size_t)-1)
      return 0;
    top += pages * PAGE;
  }
  /* The last page of 4 GB is not used up: the address behind it does not fit. */
  uintptr_t limit = top > UINTPTR_MAX ? UINTPTR_MAX & ~(uintptr_t)(UNIT - 1) : (uintptr_t)top;
  struct block *block = (struct block *)end;
  block->size = limit - end;
  if (block->size < size)
    return 0;
  end = limit;
  free(block + 1);
  return 1;
}

static void *take(size_t size) {
  for (struct block **place = &list; *place; place = &(*place)->next) {
    struct block *block = *place;
    if (block->size < size)
      continue;
    if (block->size == size) {
      *place = block->next;
    } else {
      struct block *rest = (struct block *)((uint8_t *)block + size);
      rest->size = block->size - size;
      rest->next = block->next;
      *place = rest;
      block->size = size;
    }
    return block + 1;
  }
  return NULL;
}

void *malloc(size_t size) {
  if (size > SIZE_MAX / 2)
    return NULL;
  size = (size + UNIT + UNIT - 1) & ~(size_t)(UNIT - 1);
  void *data = take(size);
  return data || !grow(size) ? data : take(size);
}
