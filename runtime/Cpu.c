/*
 * What depends on the processor: whether it has the features the model was compiled for, and the
 * floating-point mode a run works in.
 *
 * Everything here is compiled for the baseline of its architecture, since it runs before the CPU is
 * known to be good enough. Where features cannot be found out they are taken to be there.
 */
#include "Os.h"
#include "Runtime.h"

#if defined(__x86_64__)

enum { ARCH = CAMEO_ARCH_X86 };

struct row {
  const char *name;
  uint32_t leaf;
  uint8_t subleaf, reg, bit, state;
};
#define CAMEO_FEATURE_X86(name, leaf, subleaf, reg, bit, state)                                    \
  {name, leaf, subleaf, reg, bit, state},
static const struct row rows[] = {
#include "Features.def"
};

static void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4]) {
  __asm__ volatile("cpuid"
                   : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
                   : "a"(leaf), "c"(subleaf));
}

static int32_t has(const struct row *row) {
  static const uint32_t saved[4] = {0, 0x6, 0xe6, 0x60000};
  uint32_t regs[4];
  cpuid(row->leaf & 0x80000000u, 0, regs);
  if (regs[0] < row->leaf)
    return 0;
  if (row->subleaf) {
    cpuid(row->leaf, 0, regs);
    if (regs[0] < row->subleaf)
      return 0;
  }
  cpuid(row->leaf, row->subleaf, regs);
  if (!(regs[row->reg] >> row->bit & 1))
    return 0;
  if (!row->state)
    return 1;
  cpuid(1, 0, regs);
  if (!(regs[2] >> 27 & 1)) /* OSXSAVE: xgetbv exists */
    return 0;
  uint32_t low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low & saved[row->state]) != saved[row->state])
    return 0;
  return row->state != 3 || cameo_os_ask_tiles();
}

#elif defined(__aarch64__) || defined(__arm__) || defined(__riscv)

struct row {
  const char *name;
  uint8_t word, bit;
};
#if defined(__aarch64__)
enum { ARCH = CAMEO_ARCH_AARCH64 };
#define CAMEO_FEATURE_AARCH64(name, word, bit) {name, word, bit},
#elif defined(__arm__)
enum { ARCH = CAMEO_ARCH_ARM };
#define CAMEO_FEATURE_ARM(name, word, bit) {name, word, bit},
#else
enum { ARCH = CAMEO_ARCH_RISCV };
#define CAMEO_FEATURE_RISCV(name, word, bit) {name, word, bit},
#endif
static const struct row rows[] = {
#include "Features.def"
};

static int32_t has(const struct row *row) {
  uint64_t value;
  return !cameo_os_auxv(row->word, &value) || (value >> row->bit & 1);
}

#else

enum { ARCH = CAMEO_ARCH_WASM };

#endif

const char *cameo_cpu_missing(const struct cameo_code *code) {
  if (code->arch != ARCH)
    return "architecture";
#ifndef __wasm__
  for (int32_t i = 0; i < (int32_t)(sizeof rows / sizeof rows[0]); i++)
    if ((code->features[i / 64] >> (i % 64) & 1) && !has(&rows[i]))
      return rows[i].name;
#endif
  return NULL;
}

uint64_t cameo_cpu_set_float(enum cameo_float mode) {
#if defined(__x86_64__)
  enum { EXACT = 0x1f80 /* all exceptions masked, nearest */, FTZ = 0x8000 };
  uint32_t old, now = mode == CAMEO_FLOAT_FAST ? EXACT | FTZ : EXACT;
  __asm__ volatile("stmxcsr %0" : "=m"(old));
  __asm__ volatile("ldmxcsr %0" : : "m"(now));
  return old;
#else
  (void)mode; /* denormals cost nothing extra, or cannot be flushed */
#if defined(__aarch64__)
  uint64_t old;
  __asm__ volatile("mrs %0, fpcr" : "=r"(old));
  if (old)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)0));
  return old;
#elif defined(__arm__)
  uint32_t old;
  __asm__ volatile("vmrs %0, fpscr" : "=r"(old));
  __asm__ volatile("vmsr fpscr, %0" : : "r"(0));
  return old;
#elif defined(__riscv)
  unsigned long old;
  __asm__ volatile("csrrwi %0, fcsr, 0" : "=r"(old));
  return old;
#else
  return 0;
#endif
#endif
}

void cameo_cpu_restore_float(uint64_t mode) {
#if defined(__x86_64__)
  uint32_t old = (uint32_t)mode;
  __asm__ volatile("ldmxcsr %0" : : "m"(old));
#elif defined(__aarch64__)
  if (mode)
    __asm__ volatile("msr fpcr, %0" : : "r"(mode));
#elif defined(__arm__)
  __asm__ volatile("vmsr fpscr, %0" : : "r"((uint32_t)mode));
#elif defined(__riscv)
  __asm__ volatile("csrw fcsr, %0" : : "r"((unsigned long)mode));
#else
  (void)mode;
#endif
}
