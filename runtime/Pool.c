/*
 * Threads: a pool that runs one task on its threads.
 *
 * A task is announced by raising `job` and is open to the workers until the caller has done its own
 * part; then the caller waits for the workers that have come. A worker that the system has not let
 * run until then misses the task, which therefore must not need it (Team.c).
 *
 * A fork copies the pool without its threads; the next task notices by the process number and
 * starts new ones.
 */
#include "Runtime.h"
#include "Signal.h"

/* In pool.members: workers may join. The other bits count those that have. */
#define OPEN 0x80000000u

struct worker {
  struct pool *pool;
  cameo_os_thread thread;
  uint32_t seen; /* the last job it need not do */
  int32_t index;
};

/* Workers look for the next task so much longer than a thread looks for others at a barrier: some
   hundreds of microseconds, in which most callers prepare their next run. To wake a worker costs a
   run about a tenth of a millisecond. */
enum { PATIENCE = 30 };

struct pool {
  cameo_pool head;
  int32_t process; /* whose threads these are; -1 while they are being started */
  int32_t spin;
  int32_t stop; /* atomic: a worker that was late for a task may read it at any time */
  void *base;   /* what malloc gave */
  void (*task)(void *argument, int32_t thread, int32_t threads);
  void *argument;
  struct signal lock; /* 1 while a task runs */
  struct signal job;
  struct signal members;
  struct worker workers[];
};

static void lock(struct pool *pool) {
  while (__atomic_exchange_n(&pool->lock.word, 1, __ATOMIC_SEQ_CST))
    cameo_signal_await(&pool->lock, 1, pool->spin);
}

/* Joins the task if it is open. */
static int32_t enter(struct pool *pool) {
  uint32_t members = cameo_signal_get(&pool->members);
  while (members & OPEN)
    if (__atomic_compare_exchange_n(&pool->members.word, &members, members + 1, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
      return 1;
  return 0;
}

static void *work(void *argument) {
  struct worker *self = argument;
  struct pool *pool = self->pool;
  for (;;) {
    cameo_signal_await(&pool->job, self->seen, PATIENCE * pool->spin);
    self->seen = cameo_signal_get(&pool->job);
    if (__atomic_load_n(&pool->stop, __ATOMIC_SEQ_CST))
      return NULL;
    if (!enter(pool))
      continue;
    self->seen = cameo_signal_get(&pool->job); /* it may be a later one, and stays from now on */
    pool->task(pool->argument, self->index, pool->head.threads);
    if (__atomic_sub_fetch(&pool->members.word, 1, __ATOMIC_SEQ_CST) == 0)
      cameo_signal_wake(&pool->members);
  }
}

/* Ends the first `count` workers. */
static void stopWorkers(struct pool *pool, int32_t count) {
  __atomic_store_n(&pool->stop, 1, __ATOMIC_SEQ_CST);
  cameo_signal_change(&pool->job, pool->job.word + 1);
  for (int32_t i = 0; i < count; i++)
    cameo_os_join(pool->workers[i].thread);
  pool->stop = 0;
}

static int32_t startWorkers(struct pool *pool) {
  for (int32_t i = 0; i < pool->head.threads - 1; i++) {
    struct worker *worker = &pool->workers[i];
    worker->pool = pool;
    worker->index = i + 1;
    worker->seen = pool->job.word;
    if (!cameo_os_start(&worker->thread, work, worker)) {
      stopWorkers(pool, i);
      return CAMEO_NO_THREADS;
    }
  }
  return CAMEO_OK;
}

/* Starts the threads again in a fork. One of its threads does, the others wait for that. */
static int32_t revive(struct pool *pool) {
  int32_t self = cameo_os_process(), status = CAMEO_OK;
  int32_t owner = __atomic_load_n(&pool->process, __ATOMIC_SEQ_CST);
  while (owner != self) {
    if (owner != -1 && __atomic_compare_exchange_n(&pool->process, &owner, -1, 0, __ATOMIC_SEQ_CST,
                                                   __ATOMIC_SEQ_CST)) {
      pool->lock.word = pool->lock.sleepers = 0;
      pool->members.word = pool->members.sleepers = pool->job.sleepers = 0;
      pool->stop = 0;
      status = startWorkers(pool);
      /* 0 is nobody's number: after a failure the next task tries again. */
      __atomic_store_n(&pool->process, status ? 0 : self, __ATOMIC_SEQ_CST);
      return status;
    }
    cameo_relax();
    owner = __atomic_load_n(&pool->process, __ATOMIC_SEQ_CST);
  }
  return status;
}

static int32_t runTask(cameo_pool *head, void (*task)(void *, int32_t, int32_t), void *argument) {
  struct pool *pool = (struct pool *)head;
  uint32_t members;
  int32_t status = revive(pool);
  if (status)
    return status;
  lock(pool);
  pool->task = task;
  pool->argument = argument;
  __atomic_store_n(&pool->members.word, OPEN, __ATOMIC_SEQ_CST);
  cameo_signal_change(&pool->job, pool->job.word + 1);
  task(argument, 0, head->threads);
  __atomic_and_fetch(&pool->members.word, ~OPEN, __ATOMIC_SEQ_CST);
  while ((members = cameo_signal_get(&pool->members)))
    cameo_signal_await(&pool->members, members, pool->spin);
  cameo_signal_change(&pool->lock, 0);
  return CAMEO_OK;
}

static void destroyPool(cameo_pool *head) {
  struct pool *pool = (struct pool *)head;
  if (pool->process == cameo_os_process())
    stopWorkers(pool, head->threads - 1);
  free(pool->base);
}

int32_t cameo_rt_pool_create(int32_t threads, cameo_pool **out) {
  int32_t cpus = cameo_os_cpus();
  if (threads > CAMEO_MAX_THREADS)
    return CAMEO_INVALID_ARGUMENT;
  if (threads < 0)
    threads = cpus < CAMEO_MAX_THREADS ? cpus : CAMEO_MAX_THREADS;
  if (threads == 0)
    threads = 1;
  size_t size = sizeof(struct pool) + sizeof(struct worker) * (size_t)(threads - 1);
  uint8_t *base = malloc(size + CACHE_LINE);
  if (!base)
    return CAMEO_OUT_OF_MEMORY;
  struct pool *pool = (struct pool *)(base + (CACHE_LINE - (uintptr_t)base % CACHE_LINE));
  memset(pool, 0, size);
  pool->head.threads = threads;
  pool->head.run = runTask;
  pool->head.destroy = destroyPool;
  pool->base = base;
  pool->process = cameo_os_process();
  pool->spin = cameo_spin_steps(threads);
  int32_t status = startWorkers(pool);
  if (status)
    free(base);
  else
    *out = &pool->head;
  return status;
}
