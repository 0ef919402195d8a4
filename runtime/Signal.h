/*
 * Waiting: a word that waiters watch for a while and then sleep on (futex).
 *
 * A waiter counts itself in before it sleeps, so that nobody has to make a system call to wake
 * nobody; word and count are both changed and read in sequentially consistent order, hence either
 * the waiter sees the new word or the waker sees the waiter. With more threads than usable CPUs
 * nobody watches: the thread waited for needs the CPU.
 */
#ifndef CAMEO_RUNTIME_SIGNAL_H
#define CAMEO_RUNTIME_SIGNAL_H

#include "Os.h"

enum { CACHE_LINE = 128 };

/* A word on its own cache lines with the number of those who sleep on it. */
struct signal {
  _Alignas(CACHE_LINE) uint32_t word;
  uint32_t sleepers;
};

/* How often to look before going to sleep, for a team of so many threads. A step takes about 20 to
   100 ns: together well above a barrier, well below what would show as load. */
static inline int32_t cameo_spin_steps(int32_t threads) {
  return threads <= cameo_os_cpus() ? 1000 : 0;
}

static inline void cameo_relax(void) {
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

static inline uint32_t cameo_signal_get(const struct signal *signal) {
  return __atomic_load_n(&signal->word, __ATOMIC_SEQ_CST);
}

static inline int32_t cameo_signal_sleepers(const struct signal *signal) {
  return __atomic_load_n(&signal->sleepers, __ATOMIC_SEQ_CST) != 0;
}

/* Waits until the word is another than `old`. */
static inline void cameo_signal_await(struct signal *signal, uint32_t old, int32_t spin) {
  for (int32_t i = 0; i < spin; i++) {
    if (cameo_signal_get(signal) != old)
      return;
    cameo_relax();
  }
  __atomic_add_fetch(&signal->sleepers, 1, __ATOMIC_SEQ_CST);
  while (cameo_signal_get(signal) == old)
    cameo_os_wait(&signal->word, old);
  __atomic_sub_fetch(&signal->sleepers, 1, __ATOMIC_SEQ_CST);
}

/* Wakes those who sleep, after the word has been changed. */
static inline void cameo_signal_wake(struct signal *signal) {
  if (cameo_signal_sleepers(signal))
    cameo_os_wake(&signal->word);
}

static inline void cameo_signal_change(struct signal *signal, uint32_t word) {
  __atomic_store_n(&signal->word, word, __ATOMIC_SEQ_CST);
  cameo_signal_wake(signal);
}

#endif
