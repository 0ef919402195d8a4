/*
 * Linux: threads from the C library, everything else by system call, so that the only symbols a
 * generated library needs are malloc, free, syscall and, weakly, pthread_create and pthread_join.
 *
 * Structures and constants are the kernel's (include/uapi); none needs the C library's headers.
 */
#include "Os.h"
#include "Runtime.h"

long syscall(long number, ...);
/* pthread_t is a word in every Linux C library. Absent where libpthread is a library apart. */
__attribute__((weak)) int pthread_create(uintptr_t *thread, const void *attributes,
                                         void *(*function)(void *), void *argument);
__attribute__((weak)) int pthread_join(uintptr_t thread, void **result);

enum {
#if defined(__x86_64__)
  CALL_READ = 0,
  CALL_CLOSE = 3,
  CALL_LSEEK = 8,
  CALL_MMAP = 9,
  CALL_MUNMAP = 11,
  CALL_SIGPROCMASK = 14,
  CALL_MADVISE = 28,
  CALL_GETPID = 39,
  CALL_ARCH_PRCTL = 158,
  CALL_FUTEX = 202,
  CALL_GETAFFINITY = 204,
  CALL_CLOCK = 228,
  CALL_OPENAT = 257,
  CALL_READLINKAT = 267,
#elif defined(__arm__)
  CALL_READ = 3,
  CALL_CLOSE = 6,
  CALL_LSEEK = 19,
  CALL_MMAP = 192, /* mmap2: the offset, always 0 here, counts pages */
  CALL_MUNMAP = 91,
  CALL_SIGPROCMASK = 175,
  CALL_MADVISE = 220,
  CALL_GETPID = 20,
  CALL_FUTEX = 240,
  CALL_GETAFFINITY = 242,
  CALL_CLOCK = 263,
  CALL_OPENAT = 322,
  CALL_READLINKAT = 332,
#else /* the generic table: aarch64, riscv */
  CALL_READ = 63,
  CALL_CLOSE = 57,
  CALL_LSEEK = 62,
  CALL_MMAP = 222,
  CALL_MUNMAP = 215,
  CALL_SIGPROCMASK = 135,
  CALL_MADVISE = 233,
  CALL_GETPID = 172,
  CALL_FUTEX = 98,
  CALL_CLOCK = 113,
  CALL_GETAFFINITY = 123,
  CALL_OPENAT = 56,
  CALL_READLINKAT = 78,
#endif
  CURRENT_FOLDER = -100,
  OPEN_FLAGS = 02004000, /* read only, closed by exec; a FIFO is not waited for */
  PROT_READ = 1,
  PROT_READ_WRITE = 3,
  MAP_PRIVATE = 2,
  MAP_PRIVATE_ANONYMOUS = 0x22,
  ADVICE_HUGE_PAGES = 14,
  MONOTONIC = 1,
  FUTEX_WAIT_PRIVATE = 128,
  FUTEX_WAKE_PRIVATE = 129
};

static const int64_t HUGE_PAGE = 2 << 20;

static uint8_t *mapMemory(int64_t size, int protection, int flags, long file) {
  long address = syscall(CALL_MMAP, NULL, (size_t)size, protection, flags, file, 0L);
  return address == -1 ? NULL : (uint8_t *)address;
}

void *cameo_os_pages(int64_t size) {
  if (size <= 0 || size > (int64_t)(SIZE_MAX / 2) - 2 * HUGE_PAGE)
    return NULL;
  size = (size + 4095) & ~(int64_t)4095;
  uint8_t *base = mapMemory(size + HUGE_PAGE, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, -1);
  if (!base)
    return NULL;
  int64_t before = (int64_t)((uintptr_t)HUGE_PAGE - (uintptr_t)base % (uintptr_t)HUGE_PAGE);
  if (before)
    syscall(CALL_MUNMAP, base, (size_t)before);
  if (before != HUGE_PAGE)
    syscall(CALL_MUNMAP, base + before + size, (size_t)(HUGE_PAGE - before));
  syscall(CALL_MADVISE, base + before, (size_t)size, ADVICE_HUGE_PAGES);
  return base + before;
}

void cameo_os_free_pages(void *pages, int64_t size) {
  syscall(CALL_MUNMAP, pages, (size_t)((size + 4095) & ~(int64_t)4095));
}

void cameo_os_advise_pages(const void *data, int64_t size) {
  if (size >= HUGE_PAGE)
    syscall(CALL_MADVISE, data, (size_t)size, ADVICE_HUGE_PAGES);
}

static long openFile(const char *path) {
  return syscall(CALL_OPENAT, CURRENT_FOLDER, path, OPEN_FLAGS, 0);
}

const uint8_t *cameo_os_map(const char *path, int64_t *size) {
  long file = openFile(path);
  if (file < 0)
    return NULL;
  *size = syscall(CALL_LSEEK, file, 0L, 2);
  uint8_t *data = *size > 0 ? mapMemory(*size, PROT_READ, MAP_PRIVATE, file) : NULL;
  syscall(CALL_CLOSE, file);
  return data;
}

void cameo_os_unmap(const uint8_t *data, int64_t size) { syscall(CALL_MUNMAP, data, (size_t)size); }

int64_t cameo_os_read(const char *path, void *data, int64_t capacity) {
  int64_t used = 0;
  long file = openFile(path);
  if (file < 0)
    return -1;
  while (used < capacity) {
    long count = syscall(CALL_READ, file, (uint8_t *)data + used, (size_t)(capacity - used));
    if (count <= 0)
      break;
    used += count;
  }
  syscall(CALL_CLOSE, file);
  return used;
}

int64_t cameo_os_program(char *path, int64_t capacity) {
  long length =
      syscall(CALL_READLINKAT, CURRENT_FOLDER, "/proc/self/exe", path, (size_t)(capacity - 1));
  if (length < 0 || length >= capacity - 1)
    return -1;
  path[length] = 0;
  return length;
}

/* A file of text, read byte by byte. */
struct reader {
  long file, used, at;
  char buffer[1024];
};

/* The next byte, 0 at the end. */
static char next(struct reader *text) {
  if (text->at == text->used) {
    text->used = syscall(CALL_READ, text->file, text->buffer, sizeof text->buffer);
    text->at = 0;
  }
  return text->used > 0 ? text->buffer[text->at++] : 0;
}

static uintptr_t nextHex(struct reader *text) {
  uintptr_t value = 0;
  for (;;) {
    char c = next(text);
    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
      return value;
    value = value << 4 | (uintptr_t)(c <= '9' ? c - '0' : c - 'a' + 10);
  }
}

/* Lines of /proc/self/maps: BEGIN-END PERMISSIONS OFFSET DEVICE INODE   PATH. */
int64_t cameo_os_module(const void *address, char *path, int64_t capacity) {
  struct reader maps = {.file = openFile("/proc/self/maps")};
  int64_t length = -1;
  if (maps.file < 0)
    return -1;
  do {
    uintptr_t begin = nextHex(&maps), end = nextHex(&maps);
    int32_t inside = (uintptr_t)address >= begin && (uintptr_t)address < end, fields = 0;
    char c = ' ';
    for (int64_t used = 0; (c = next(&maps)) && c != '\n';) {
      fields += c == ' ' && fields < 4;
      if (!inside || fields < 4 || (c == ' ' && !used) || used + 1 >= capacity)
        continue;
      path[used++] = c;
      path[length = used] = 0;
    }
  } while (length < 0 && maps.used > 0);
  syscall(CALL_CLOSE, maps.file);
  return length;
}

int32_t cameo_os_has_threads(void) { return pthread_create && pthread_join; }

int32_t cameo_os_start(cameo_os_thread *thread, void *(*function)(void *), void *argument) {
  if (!cameo_os_has_threads())
    return 0;
  /* Signals for the program go to its own threads. Left alone: faults of the thread itself
     (SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV) and 32 to 34, which C libraries use. */
  uint64_t blocked =
      ~(1ull << 3 | 1ull << 4 | 1ull << 5 | 1ull << 6 | 1ull << 7 | 1ull << 10 | 7ull << 31);
  uint64_t old = 0;
  long changed = syscall(CALL_SIGPROCMASK, 0, &blocked, &old, sizeof blocked);
  int failed = pthread_create(thread, NULL, function, argument);
  if (changed == 0)
    syscall(CALL_SIGPROCMASK, 2, &old, NULL, sizeof old);
  return !failed;
}

void cameo_os_join(cameo_os_thread thread) {
  if (pthread_join)
    pthread_join(thread, NULL);
}

void cameo_os_wait(uint32_t *word, uint32_t expected) {
  syscall(CALL_FUTEX, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void cameo_os_wake(uint32_t *word) {
  syscall(CALL_FUTEX, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

int64_t cameo_os_clock(void) {
  long time[2] = {0}; /* seconds and nanoseconds */
  return syscall(CALL_CLOCK, MONOTONIC, time) ? -1 : time[0] * (int64_t)1000000000 + time[1];
}

int32_t cameo_os_process(void) { return (int32_t)syscall(CALL_GETPID); }

/* Reads digits at *text and moves behind them; -1 when there are none. */
static int64_t readNumber(const char **text) {
  int64_t value = -1;
  for (; **text >= '0' && **text <= '9' && value < INT64_MAX / 16; ++*text)
    value = (value < 0 ? 0 : value * 10) + (**text - '0');
  return value;
}

/* CPUs that a control group file grants, "QUOTA PERIOD" of version 2, at least 1; 0: no limit. */
static int64_t quotaOf(const char *path) {
  char text[64];
  int64_t length = cameo_os_read(path, text, sizeof text - 1);
  if (length <= 0)
    return 0;
  text[length] = 0;
  const char *at = text;
  int64_t quota = readNumber(&at);
  at += *at == ' ';
  int64_t period = readNumber(&at);
  if (quota < 0 || period <= 0)
    return 0;
  return quota < period ? 1 : quota / period;
}

/* The quota of the process's own control group, or of the one a container is mounted at. */
static int64_t quota(void) {
  static const char root[] = "/sys/fs/cgroup", file[] = "/cpu.max";
  char group[512], path[sizeof root + sizeof group + sizeof file];
  int64_t length = cameo_os_read("/proc/self/cgroup", group, sizeof group - 1);
  if (length > 4 && group[0] == '0' && group[1] == ':' && group[2] == ':') {
    int64_t end = 3, used = sizeof root - 1;
    while (end < length && group[end] != '\n')
      end++;
    memcpy(path, root, sizeof root - 1);
    memcpy(path + used, group + 3, (size_t)(end - 3));
    memcpy(path + used + end - 3, file, sizeof file);
    int64_t cpus = quotaOf(path);
    if (cpus)
      return cpus;
  }
  return quotaOf("/sys/fs/cgroup/cpu.max");
}

int32_t cameo_os_cpus(void) {
  uint8_t mask[1024];
  long bytes = syscall(CALL_GETAFFINITY, 0, sizeof mask, mask);
  int32_t count = 0;
  for (long i = 0; i < bytes; i++)
    for (uint32_t bits = mask[i]; bits; bits &= bits - 1)
      count++;
  int64_t limit = quota();
  if (limit && limit < count)
    count = (int32_t)limit;
  return count > 0 ? count : 1;
}

int32_t cameo_os_ask_tiles(void) {
#if defined(__x86_64__)
  enum { REQUEST_STATE = 0x1023, TILE_DATA = 18 }; /* ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA */
  return syscall(CALL_ARCH_PRCTL, (long)REQUEST_STATE, (long)TILE_DATA) == 0;
#else
  return 0;
#endif
}

int32_t cameo_os_auxv(uint64_t entry, uint64_t *value) {
  uintptr_t vector[128];
  int64_t bytes = cameo_os_read("/proc/self/auxv", vector, sizeof vector);
  for (int64_t i = 0; i + 1 < bytes / (int64_t)sizeof vector[0]; i += 2)
    if (vector[i] == entry) {
      *value = vector[i + 1];
      return 1;
    }
  return 0;
}
