// See Peaks.h. Loops are written once, over a vector type; functions that are compiled for an
// instruction set each inline them.
#include "bench/Peaks.h"

#include <cstddef>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cameo {

namespace {

// Enough sums in flight for the latency of a multiply-add on two pipes; vectors of 64, 32 and 16
// bytes leave that many registers.
constexpr int kManySums = 16, kFewSums = 12;

/// The compiler must take the value for used, and for changed.
template <class V> [[gnu::always_inline]] inline void keep(V &value) {
  asm volatile("" : "+m"(value));
}

template <class V, int Sums> [[gnu::always_inline]] inline double multiplyAdd(int64_t steps) {
  V sums[Sums] = {}, x = V{} + 0.5F, y = V{} + 0.25F;
  keep(x);
  keep(y);
  for (V &sum : sums)
    keep(sum); // else all are one
  for (int64_t step = 0; step < steps; ++step)
#pragma GCC unroll 16
    for (int i = 0; i < Sums; ++i)
      sums[i] = sums[i] * x + y;
  for (V &sum : sums)
    keep(sum);
  return 2.0 * static_cast<double>(steps) * Sums * (sizeof(V) / sizeof(float));
}

// Vectors that are accessed at once.
constexpr int64_t kUnrolled = 8;

template <class V> [[gnu::always_inline]] inline void readAll(const char *from, int64_t bytes) {
  const V *p = reinterpret_cast<const V *>(from);
  V seen[kUnrolled] = {};
  for (int64_t i = 0, n = bytes / static_cast<int64_t>(sizeof(V)); i < n; i += kUnrolled)
#pragma GCC unroll 8
    for (int64_t j = 0; j < kUnrolled; ++j)
      seen[j] |= p[i + j];
  for (V &value : seen)
    keep(value);
}

template <class V> [[gnu::always_inline]] inline void writeAll(char *to, int64_t bytes) {
  V *p = reinterpret_cast<V *>(to);
  V value = {};
  keep(value); // else this would be a call of memset
  for (int64_t i = 0, n = bytes / static_cast<int64_t>(sizeof(V)); i < n; i += kUnrolled)
#pragma GCC unroll 8
    for (int64_t j = 0; j < kUnrolled; ++j)
      p[i + j] = value;
}

template <class V>
[[gnu::always_inline]] inline void copyAll(char *to, const char *from, int64_t bytes) {
  V *p = reinterpret_cast<V *>(to);
  const V *q = reinterpret_cast<const V *>(from);
  V value = {};
  keep(value); // else this would be a call of memcpy
  for (int64_t i = 0, n = bytes / static_cast<int64_t>(sizeof(V)); i < n; i += kUnrolled)
#pragma GCC unroll 8
    for (int64_t j = 0; j < kUnrolled; ++j)
      p[i + j] = q[i + j] | value;
}

template <class Element, int Bytes> struct Vector {
  typedef Element type __attribute__((vector_size(Bytes), may_alias));
};
template <int Bytes> using Floats = typename Vector<float, Bytes>::type;
template <int Bytes> using Words = typename Vector<int32_t, Bytes>::type;

// What vectors of a size can do, compiled for an instruction set.
#define PEAK_LOOPS(name, isa, bytes, sums)                                                         \
  isa double multiplyAdd##name(int64_t steps) { return multiplyAdd<Floats<bytes>, sums>(steps); }  \
  isa void read##name(const char *from, int64_t n) { readAll<Words<bytes>>(from, n); }             \
  isa void write##name(char *to, int64_t n) { writeAll<Words<bytes>>(to, n); }                     \
  isa void copy##name(char *to, const char *from, int64_t n) { copyAll<Words<bytes>>(to, from, n); }

PEAK_LOOPS(16, , 16, kFewSums)

#if defined(__x86_64__)
#define ISA(features) __attribute__((target(features)))

PEAK_LOOPS(32, ISA("avx2,fma"), 32, kFewSums)
PEAK_LOOPS(64, ISA("avx512f"), 64, kManySums)

// An instruction that adds products of the elements of two vectors to each of many sums. As text,
// because of intrinsics the compiler makes copies of the sums as well.
#define DOT_LOOP(name, isa, instruction, V, sums, operations)                                      \
  isa double name(int64_t steps) {                                                                 \
    V sum[sums] = {}, x = {}, y = {};                                                              \
    for (int64_t step = 0; step < steps; ++step)                                                   \
      _Pragma("GCC unroll 16") for (int i = 0; i < sums; ++i) asm volatile(                        \
          instruction " %1, %2, %0" : "+v"(sum[i]) : "v"(x), "v"(y));                              \
    return static_cast<double>(steps) * sums * operations;                                         \
  }

DOT_LOOP(vnni64, ISA("avx512f,avx512vnni"), "vpdpbusd", Words<64>, kManySums, 128)
DOT_LOOP(vnni32, ISA("avx2,avxvnni"), "%{vex%} vpdpbusd", Words<32>, kFewSums, 64)
DOT_LOOP(bf16Pairs, ISA("avx512f,avx512bf16"), "vdpbf16ps", Floats<64>, kManySums, 64)

// What configures eight tile registers (Intel AMX) of 16 rows of 64 bytes: palette 1, from byte 16
// on the bytes of a row, from byte 48 on the rows.
struct alignas(64) TileConfiguration {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t rowBytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
  uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
constexpr TileConfiguration kTiles;

// The same with tile registers, whose products are those of 16 rows and 16 columns. Four sums hide
// the latency; the contents are zeros, which configuring makes them. The compiler uses none of
// these registers by itself.
#define TILE_LOOP(name, instruction, operations)                                                   \
  double name(int64_t steps) {                                                                     \
    asm volatile("ldtilecfg %0" : : "m"(kTiles));                                                  \
    for (int64_t step = 0; step < steps; ++step)                                                   \
      asm volatile(instruction " %tmm5, %tmm4, %tmm0\n\t" instruction                              \
                               " %tmm5, %tmm4, %tmm1\n\t" instruction                              \
                               " %tmm5, %tmm4, %tmm2\n\t" instruction " %tmm5, %tmm4, %tmm3");     \
    asm volatile("tilerelease");                                                                   \
    return static_cast<double>(steps) * 4 * 16 * 16 * operations;                                  \
  }

TILE_LOOP(tilesOfBytes, "tdpbusd", 128)
TILE_LOOP(tilesOfBf16, "tdpbf16ps", 64)

/// Whether there are tile registers with products of bytes and of bf16, and the system lets this
/// process use them, which has to ask.
bool hasTiles() {
  enum { kRequestState = 0x1023, kTileData = 18 }; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  constexpr unsigned kTilesAndProducts = 1U << 22 | 1U << 24 | 1U << 25;
  unsigned a = 0, b = 0, c = 0, d = 0;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kTilesAndProducts) == kTilesAndProducts &&
         ::syscall(SYS_arch_prctl, kRequestState, kTileData) == 0;
}
#endif

} // namespace

PeakLoops peakLoops() {
  PeakLoops loops = {multiplyAdd16, nullptr, nullptr, read16, write16, copy16};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    loops = {multiplyAdd32, nullptr, nullptr, read32, write32, copy32};
  if (__builtin_cpu_supports("avx512f"))
    loops = {multiplyAdd64, nullptr, nullptr, read64, write64, copy64};
  if (__builtin_cpu_supports("avx512bf16"))
    loops.bf16 = bf16Pairs;
  if (__builtin_cpu_supports("avx512vnni"))
    loops.int8 = vnni64;
  else if (__builtin_cpu_supports("avxvnni"))
    loops.int8 = vnni32;
  if (hasTiles())
    loops.bf16 = tilesOfBf16, loops.int8 = tilesOfBytes;
#endif
  return loops;
}

} // namespace cameo
