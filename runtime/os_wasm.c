/*
 * WebAssembly: one thread, no files. Memory comes from the malloc that the module imports or is
 * linked with.
 */
#include "Os.h"
#include "Runtime.h"

void *cameo_os_pages(int64_t size) {
  (void)size;
  return NULL;
}

void cameo_os_free_pages(void *pages, int64_t size) {
  (void)pages;
  (void)size;
}

void cameo_os_advise_pages(const void *data, int64_t size) {
  (void)data;
  (void)size;
}

const uint8_t *cameo_os_map(const char *path, int64_t *size) {
  (void)path;
  *size = 0;
  return NULL;
}

void cameo_os_unmap(const uint8_t *data, int64_t size) {
  (void)data;
  (void)size;
}

int64_t cameo_os_read(const char *path, void *data, int64_t capacity) {
  (void)path;
  (void)data;
  (void)capacity;
  return -1;
}

int64_t cameo_os_program(char *path, int64_t capacity) {
  (void)path;
  (void)capacity;
  return -1;
}

int64_t cameo_os_module(const void *address, char *path, int64_t capacity) {
  (void)address;
  (void)path;
  (void)capacity;
  return -1;
}

int32_t cameo_os_has_threads(void) { return 0; }

int32_t cameo_os_start(cameo_os_thread *thread, void *(*function)(void *), void *argument) {
  (void)thread;
  (void)function;
  (void)argument;
  return 0;
}

void cameo_os_join(cameo_os_thread thread) { (void)thread; }

void cameo_os_wait(uint32_t *word, uint32_t expected) {
  (void)word;
  (void)expected;
}

void cameo_os_wake(uint32_t *word) { (void)word; }

int64_t cameo_os_clock(void) { return -1; }

int32_t cameo_os_process(void) { return 1; }

int32_t cameo_os_cpus(void) { return 1; }

int32_t cameo_os_auxv(uint64_t entry, uint64_t *value) {
  (void)entry;
  (void)value;
  return 0;
}
