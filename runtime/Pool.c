/*
 * Threads: a pool that runs one task on all its threads, and the team services on top of it that
 * generated code calls.
 *
 * A task is announced by raising `job`, a barrier is left when `phase` changes: both are words that
 * waiters watch for a while and then sleep on (futex). A waiter counts itself in before it sleeps,
 * so that nobody has to make a system call to wake nobody; word and count are both changed and read
 * in sequentially consistent order, hence either the waiter sees the new word or the waker sees the
 * waiter. With more threads than usable CPUs nobody watches: the thread waited for needs the CPU.
 *
 * A fork copies the pool without its threads; the next task notices by the process number and
 * starts new ones.
 */
#include "Os.h"
#include "Runtime.h"

/* Steps of about 20 to 100 ns: well above a barrier, well below what would show as load. */
enum { SPIN_STEPS = 1000, CACHE_LINE = 128 };

/* A word on its own cache lines with the number of those who sleep on it. */
struct signal {
  _Alignas(CACHE_LINE) uint32_t word;
  uint32_t sleepers;
};

struct worker {
  struct pool *pool;
  cameo_os_thread thread;
  uint32_t seen; /* the last job it need not do */
  int32_t index;
};

struct pool {
  cameo_pool head;
  int32_t process; /* whose threads these are; -1 while they are being started */
  int32_t spin;
  int32_t stop;
  void *base; /* what malloc gave */
  void (*task)(void *argument, int32_t thread, int32_t threads);
  void *argument;
  struct signal lock; /* 1 while a task runs */
  struct signal job;
  struct signal phase;
  struct signal done;                    /* workers that have finished the task */
  _Alignas(CACHE_LINE) uint32_t arrived; /* at the barrier */
  struct worker workers[];
};

static void relax(void) {
#if defined(__x86_64__)
  __asm__ volatile("pause");
#elif defined(__aarch64__)
  __asm__ volatile("isb"); /* yield is a no-op on most cores */
#elif defined(__arm__)
  __asm__ volatile("yield");
#else
  __asm__ volatile("");
#endif
}

static uint32_t get(const uint32_t *word) { return __atomic_load_n(word, __ATOMIC_SEQ_CST); }

static void awaitChange(const struct pool *pool, struct signal *signal, uint32_t old) {
  for (int32_t i = 0; i < pool->spin; i++) {
    if (get(&signal->word) != old)
      return;
    relax();
  }
  __atomic_add_fetch(&signal->sleepers, 1, __ATOMIC_SEQ_CST);
  while (get(&signal->word) == old)
    cameo_os_wait(&signal->word, old);
  __atomic_sub_fetch(&signal->sleepers, 1, __ATOMIC_SEQ_CST);
}

static void change(struct signal *signal, uint32_t word) {
  __atomic_store_n(&signal->word, word, __ATOMIC_SEQ_CST);
  if (get(&signal->sleepers))
    cameo_os_wake(&signal->word);
}

static void lock(struct pool *pool) {
  while (__atomic_exchange_n(&pool->lock.word, 1, __ATOMIC_SEQ_CST))
    awaitChange(pool, &pool->lock, 1);
}

static void *work(void *argument) {
  struct worker *self = argument;
  struct pool *pool = self->pool;
  int32_t threads = pool->head.threads;
  for (;;) {
    awaitChange(pool, &pool->job, self->seen);
    self->seen++;
    if (pool->stop)
      return NULL;
    pool->task(pool->argument, self->index, threads);
    if (__atomic_add_fetch(&pool->done.word, 1, __ATOMIC_SEQ_CST) == (uint32_t)threads - 1 &&
        get(&pool->done.sleepers))
      cameo_os_wake(&pool->done.word);
  }
}

/* Ends the first `count` workers. */
static void stopWorkers(struct pool *pool, int32_t count) {
  pool->stop = 1;
  change(&pool->job, pool->job.word + 1);
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
      pool->job.sleepers = pool->phase.sleepers = pool->done.sleepers = 0;
      pool->done.word = pool->arrived = 0;
      pool->stop = 0;
      status = startWorkers(pool);
      /* 0 is nobody's number: after a failure the next task tries again. */
      __atomic_store_n(&pool->process, status ? 0 : self, __ATOMIC_SEQ_CST);
      return status;
    }
    relax();
    owner = __atomic_load_n(&pool->process, __ATOMIC_SEQ_CST);
  }
  return status;
}

static int32_t runTask(cameo_pool *head, void (*task)(void *, int32_t, int32_t), void *argument) {
  struct pool *pool = (struct pool *)head;
  uint32_t workers = (uint32_t)head->threads - 1, done;
  int32_t status = revive(pool);
  if (status)
    return status;
  lock(pool);
  pool->task = task;
  pool->argument = argument;
  pool->done.word = 0;
  change(&pool->job, pool->job.word + 1);
  task(argument, 0, head->threads);
  while ((done = get(&pool->done.word)) != workers)
    awaitChange(pool, &pool->done, done);
  change(&pool->lock, 0);
  return CAMEO_OK;
}

static void barrier(cameo_pool *head, int32_t thread) {
  struct pool *pool = (struct pool *)head;
  uint32_t phase = get(&pool->phase.word);
  (void)thread;
  if (__atomic_add_fetch(&pool->arrived, 1, __ATOMIC_SEQ_CST) == (uint32_t)head->threads) {
    __atomic_store_n(&pool->arrived, 0, __ATOMIC_SEQ_CST);
    change(&pool->phase, phase + 1);
  } else {
    awaitChange(pool, &pool->phase, phase);
  }
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
  pool->head.barrier = barrier;
  pool->head.destroy = destroyPool;
  pool->base = base;
  pool->process = cameo_os_process();
  pool->spin = threads <= cpus ? SPIN_STEPS : 0;
  int32_t status = startWorkers(pool);
  if (status)
    free(base);
  else
    *out = &pool->head;
  return status;
}

struct teamTask {
  struct cameo_frame *frame;
  cameo_team team;
  int32_t members; /* atomic: how many threads have come */
};

/* What a thread of the pool does: the team function, in the float mode of a run. */
static void runMember(void *argument, int32_t thread, int32_t threads) {
  struct teamTask *task = argument;
  if (thread < 0 || thread >= threads || threads > task->frame->threads) {
    cameo_rt_fail(task->frame, CAMEO_FAULT_TEAM, -1, thread, threads);
    return;
  }
  __atomic_add_fetch(&task->members, 1, __ATOMIC_RELAXED);
  uint64_t mode = thread ? cameo_cpu_set_float() : 0;
  task->team(task->frame, thread, threads);
  if (thread)
    cameo_cpu_restore_float(mode);
}

void cameo_rt_team(struct cameo_frame *frame, cameo_team team) {
  struct cameo_private *self = cameo_private_of(frame);
  struct teamTask task = {frame, team, 0};
  cameo_check_time(self);
  if (cameo_rt_failed(frame))
    return;
  if (!self->pool) {
    team(frame, 0, 1);
    return;
  }
  int32_t status = self->pool->run(self->pool, runMember, &task);
  if (!status && !task.members)
    status = CAMEO_NO_THREADS;
  if (status) {
    self->team_status = status;
    cameo_rt_cancel(&self->head);
  }
}

void cameo_rt_barrier(struct cameo_frame *frame, int32_t thread) {
  struct cameo_private *self = cameo_private_of(frame);
  if (thread == 0)
    cameo_check_time(self);
  if (self->pool)
    self->pool->barrier(self->pool, thread);
}
