/*
 * Teams: the services that team functions call.
 *
 * The members of a team come to the same sections in the same order. A section is a number of units
 * of work: each thread has a share of them, the same in every run, which it claims first; then it
 * claims the shares that others have not come to. So the same units stay with the same thread, but
 * nobody waits for a thread that the system does not let run, unless that has begun its share. A
 * barrier waits until all units have been done, not until all members are there: one that comes
 * late finds everything claimed and catches up. Each member alone would bring the team to its end.
 * Shares are claimed whole, because units that follow each other may share work.
 */
#include "Runtime.h"
#include "Signal.h"

/* Elements that take one thread about as long as a team needs to start and to end. */
enum { LEAST_WORK = 16384 };

struct member {
  _Alignas(CACHE_LINE) uint64_t claimed; /* the last section in which its share was claimed */
  _Alignas(CACHE_LINE) uint64_t section; /* what follows is the member's own */
  uint64_t target;                       /* shares of all sections up to this one */
  int32_t inSection;
  int32_t victim; /* distance to the thread whose share it claims next */
};

struct cameo_team_state {
  void *base; /* what malloc gave */
  int32_t threads, spin;
  _Alignas(CACHE_LINE) uint64_t done; /* shares, of all sections */
  struct signal progress;             /* changes with `done` while somebody sleeps */
  struct member members[];
};

/* Where the share of a thread begins: units * thread / threads, rounded up, so that the caller does
   a single unit itself. Does not overflow. */
static int64_t shareBegin(int64_t units, int64_t thread, int64_t threads) {
  return units / threads * thread + (units % threads * thread + threads - 1) / threads;
}

/* Sections only grow, so that a late member claims nothing of a later one. */
static int32_t claimShare(uint64_t *claimed, uint64_t section) {
  uint64_t last = __atomic_load_n(claimed, __ATOMIC_SEQ_CST);
  while (last < section)
    if (__atomic_compare_exchange_n(claimed, &last, section, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
      return 1;
  return 0;
}

/* A share has been done. */
static void finish(struct cameo_team_state *team) {
  __atomic_add_fetch(&team->done, 1, __ATOMIC_SEQ_CST);
  if (cameo_signal_sleepers(&team->progress)) {
    __atomic_add_fetch(&team->progress.word, 1, __ATOMIC_SEQ_CST);
    cameo_signal_wake(&team->progress);
  }
}

static int32_t isReached(const struct cameo_team_state *team, uint64_t target) {
  return __atomic_load_n(&team->done, __ATOMIC_SEQ_CST) >= target;
}

/* With one thread, the first of two calls claims all. */
static int32_t claimAlone(struct cameo_private *self, int64_t units, int64_t range[2]) {
  self->has_claimed = !self->has_claimed && units > 0;
  range[0] = 0;
  range[1] = units;
  return self->has_claimed;
}

int32_t cameo_rt_claim(struct cameo_frame *frame, int32_t thread, int64_t units, int64_t range[2]) {
  struct cameo_private *self = cameo_private_of(frame);
  struct cameo_team_state *team = self->team;
  if (!team)
    return claimAlone(self, units, range);
  struct member *member = &team->members[thread];
  int64_t threads = team->threads;
  if (member->inSection) {
    finish(team);
  } else {
    member->inSection = 1;
    member->section++;
    member->target += (uint64_t)(units < threads ? units : threads);
    member->victim = 0;
  }
  while (member->victim < threads && !isReached(team, member->target)) {
    int64_t owner = (thread + member->victim++) % threads;
    range[0] = shareBegin(units, owner, threads);
    range[1] = shareBegin(units, owner + 1, threads);
    if (range[0] < range[1] && claimShare(&team->members[owner].claimed, member->section))
      return 1;
  }
  member->inSection = 0;
  return 0;
}

static void await(struct cameo_team_state *team, uint64_t target) {
  for (int32_t i = 0; i < team->spin; i++) {
    if (isReached(team, target))
      return;
    cameo_relax();
  }
  __atomic_add_fetch(&team->progress.sleepers, 1, __ATOMIC_SEQ_CST);
  for (;;) {
    uint32_t seen = cameo_signal_get(&team->progress);
    if (isReached(team, target))
      break;
    cameo_os_wait(&team->progress.word, seen);
  }
  __atomic_sub_fetch(&team->progress.sleepers, 1, __ATOMIC_SEQ_CST);
}

void cameo_rt_barrier(struct cameo_frame *frame, int32_t thread) {
  struct cameo_private *self = cameo_private_of(frame);
  if (thread == 0)
    cameo_check_time(self);
  if (self->team)
    await(self->team, self->team->members[thread].target);
}

int32_t cameo_team_create(struct cameo_private *self) {
  int32_t threads = self->frame.threads;
  size_t size = sizeof(struct cameo_team_state) + sizeof(struct member) * (size_t)threads;
  uint8_t *base = malloc(size + CACHE_LINE);
  if (!base)
    return CAMEO_OUT_OF_MEMORY;
  self->team = (struct cameo_team_state *)(base + (CACHE_LINE - (uintptr_t)base % CACHE_LINE));
  memset(self->team, 0, size);
  self->team->base = base;
  self->team->threads = threads;
  self->team->spin = cameo_spin_steps(threads);
  return CAMEO_OK;
}

void cameo_team_destroy(struct cameo_private *self) {
  if (self->team)
    free(self->team->base);
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
  uint64_t mode = cameo_cpu_set_float(CAMEO_FLOAT_FAST);
  task->team(task->frame, thread, threads);
  cameo_cpu_restore_float(mode);
}

static void runAlone(struct cameo_private *self, cameo_team team) {
  struct cameo_team_state *others = self->team;
  self->team = NULL;
  team(&self->frame, 0, 1);
  self->team = others;
}

/* Has the pool run a task in the caller's float mode, as it may have its threads do other things,
   and goes on in `mode`. */
static int32_t runOnPool(struct cameo_private *self, void (*task)(void *, int32_t, int32_t),
                         void *argument, enum cameo_float mode) {
  cameo_cpu_restore_float(self->callers_float);
  int32_t status = self->pool->run(self->pool, task, argument);
  cameo_cpu_set_float(mode);
  return status;
}

void cameo_rt_team(struct cameo_frame *frame, cameo_team team, int64_t work) {
  struct cameo_private *self = cameo_private_of(frame);
  struct teamTask task = {frame, team, 0};
  cameo_check_time(self);
  if (cameo_rt_failed(frame))
    return;
  if (!self->pool || work < LEAST_WORK) {
    runAlone(self, team);
    return;
  }
  self->team->done = 0;
  memset(self->team->members, 0, sizeof(struct member) * (size_t)self->team->threads);
  int32_t status = runOnPool(self, runMember, &task, CAMEO_FLOAT_FAST);
  if (!status && !task.members)
    status = CAMEO_NO_THREADS;
  if (status) {
    self->team_status = status;
    cameo_rt_cancel(&self->head);
  }
}

struct sharedWork {
  void (*work)(void *argument, int64_t part);
  void *argument;
  int64_t parts;
  int64_t next; /* atomic: the part that nobody has begun */
};

static void workOn(struct sharedWork *shared) {
  int64_t part;
  while ((part = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED)) < shared->parts)
    shared->work(shared->argument, part);
}

/* What a thread of the pool does: in the float mode of functions in C. */
static void shareMember(void *argument, int32_t thread, int32_t threads) {
  (void)thread, (void)threads;
  uint64_t mode = cameo_cpu_set_float(CAMEO_FLOAT_EXACT);
  workOn(argument);
  cameo_cpu_restore_float(mode);
}

void cameo_team_share(struct cameo_private *self, void (*work)(void *argument, int64_t part),
                      void *argument, int64_t parts) {
  struct sharedWork shared = {work, argument, parts, 0};
  if (self->pool && parts > 1)
    runOnPool(self, shareMember, &shared, CAMEO_FLOAT_EXACT);
  workOn(&shared); /* what a pool that failed has left */
}
