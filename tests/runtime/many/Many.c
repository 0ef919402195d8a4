/*
 * One model in four threads and four contexts at once, a pool that contexts share, and contexts
 * made and destroyed a thousand times: the bits that one thread computes, and no memory is kept.
 *
 * run.sh builds this twice: with a model's archive, and for ThreadSanitizer with the runtime's
 * sources and the model's LLVM IR, all of it instrumented. There INSTRUMENTED is defined, and the
 * weights, which are not in the IR, are this file's.
 */
#define _POSIX_C_SOURCE 200809L
#include <cameo.h>
#include <digits.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CALLERS = 4, LARGEST = 5, PIXELS = 64, DIGITS = 10 };

#ifdef INSTRUMENTED
enum { ROUNDS = 3, CONTEXTS = 20 };
_Alignas(64) float modelWeights[1 << 18];
#else
enum { ROUNDS = 50, CONTEXTS = 1000 };
#endif

static float image[LARGEST * PIXELS];
static float expected[LARGEST + 1][LARGEST * DIGITS]; /* by batch */

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static cameo_context *create(int threads, cameo_pool *pool) {
  char message[256] = "";
  cameo_options options = cameo_default_options();
  options.threads = threads;
  options.pool = pool;
  options.message = message;
  options.message_size = sizeof message;
  cameo_context *context;
  if (cameo_create(digits(), &options, &context))
    fail("create", message);
  return context;
}

static void run(cameo_context *context, int64_t batch, float *logits) {
  int64_t dims[] = {batch, 1, 8, 8}, dimsOut[2];
  cameo_value in = {0}, out = {0};
  in.as.tensor = (cameo_tensor){image, dims, sizeof image, CAMEO_FLOAT32, 4};
  out.as.tensor = (cameo_tensor){logits, dimsOut, LARGEST * DIGITS * 4, CAMEO_FLOAT32, 2};
  if (cameo_run(context, &in, &out))
    fail("run", cameo_last_error(context));
}

static void check(cameo_context *context, int64_t batch) {
  float logits[LARGEST * DIGITS];
  run(context, batch, logits);
  if (memcmp(logits, expected[batch], (size_t)batch * DIGITS * 4))
    fail("run", "other bits than with one thread");
}

/* A context after the other, with one thread to three, or those of the pool. */
static void *caller(void *pool) {
  for (int round = 0; round < ROUNDS; round++) {
    cameo_context *context = create(1 + round % 3, pool);
    for (int i = 0; i < 10; i++)
      check(context, 1 + (round + i) % LARGEST);
    cameo_destroy(context);
  }
  return NULL;
}

static void atOnce(cameo_pool *pool) {
  pthread_t callers[CALLERS];
  for (int i = 0; i < CALLERS; i++)
    if (pthread_create(&callers[i], NULL, caller, pool))
      fail("thread", "cannot be started");
  for (int i = 0; i < CALLERS; i++)
    pthread_join(callers[i], NULL);
}

/* Pages that the program has in memory. */
static long resident(void) {
  FILE *file = fopen("/proc/self/statm", "r");
  long size = 0, pages = 0;
  if (!file || fscanf(file, "%ld %ld", &size, &pages) != 2)
    fail("/proc/self/statm", "cannot be read");
  fclose(file);
  return pages;
}

static void manyTimes(void) {
  long before = 0;
  for (int i = 0; i < CONTEXTS; i++) {
    if (i == CONTEXTS / 5)
      before = resident();
    cameo_context *context = create(1 + i % 2, NULL);
    check(context, 1 + i % LARGEST);
    check(context, LARGEST);
    cameo_destroy(context);
  }
  long grown = resident() - before;
  printf("%d contexts: %ld more pages\n", CONTEXTS, grown);
#ifndef INSTRUMENTED
  if (grown > CONTEXTS / 10)
    fail("memory", "grows with every context");
#endif
}

int main(void) {
  for (int i = 0; i < LARGEST * PIXELS; i++)
    image[i] = (float)(i * 37 % 101) / 101;
#ifdef INSTRUMENTED
  for (int i = 0; i < 1 << 18; i++)
    modelWeights[i] = (float)(i * 29 % 103) / 1030 - 0.05f;
#endif
  cameo_context *context = create(1, NULL);
  for (int64_t batch = 1; batch <= LARGEST; batch++)
    run(context, batch, expected[batch]);
  cameo_destroy(context);
  atOnce(NULL);
  cameo_pool *pool;
  if (cameo_pool_create(digits(), 3, &pool))
    fail("pool", "cannot be made");
  atOnce(pool);
  cameo_pool_destroy(pool);
  manyTimes();
  return 0;
}
