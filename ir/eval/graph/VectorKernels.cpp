// Each kernel is written once over vectors of a given number of lanes; see VectorKernels.h.
#include "ir/eval/graph/VectorKernels.h"

namespace cameo::eval {
namespace {

template <int kLanes> struct Lanes {
  typedef double Vector
      __attribute__((vector_size(kLanes * sizeof(double)), aligned(8), may_alias));
};

/// kRows rows at a time: as many accumulators as the registers hold.
template <int kLanes, int kRows>
[[gnu::always_inline]] inline void tile(const double *a, const double *b, double *c, int64_t ldc,
                                        int64_t k) {
  using Vector = typename Lanes<kLanes>::Vector;
  constexpr int kVectors = kPanel / kLanes;
  for (int row = 0; row < kPanel; row += kRows) {
    Vector sum[kRows][kVectors] = {};
    for (int64_t p = 0; p < k; p++) {
      const Vector *bp = reinterpret_cast<const Vector *>(b + p * kPanel);
#pragma GCC unroll 8
      for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
        for (int v = 0; v < kVectors; v++)
          sum[r][v] += a[p * kPanel + row + r] * bp[v];
    }
#pragma GCC unroll 8
    for (int r = 0; r < kRows; r++)
#pragma GCC unroll 8
      for (int v = 0; v < kVectors; v++)
        *reinterpret_cast<Vector *>(c + (row + r) * ldc + v * kLanes) += sum[r][v];
  }
}

template <int kLanes>
[[gnu::always_inline]] inline double dot(const double *a, const double *b, int64_t n) {
  using Vector = typename Lanes<kLanes>::Vector;
  constexpr int kSums = 16, kVectors = kSums / kLanes;
  Vector sum[kVectors] = {};
  int64_t i = 0;
  for (; i + kSums <= n; i += kSums)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++)
      sum[v] += *reinterpret_cast<const Vector *>(a + i + v * kLanes) *
                *reinterpret_cast<const Vector *>(b + i + v * kLanes);
  double total = 0;
  for (int v = 0; v < kVectors; v++)
    for (int lane = 0; lane < kLanes; lane++)
      total += sum[v][lane];
  for (; i < n; i++)
    total += a[i] * b[i];
  return total;
}

/// kVectors vectors of addRows.
template <int kLanes, int kVectors>
[[gnu::always_inline]] inline void addBlock(double *y, const double *x, const int64_t *offsets,
                                            const double *weights, int64_t count) {
  using Vector = typename Lanes<kLanes>::Vector;
  Vector sum[kVectors];
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; v++)
    sum[v] = *reinterpret_cast<const Vector *>(y + v * kLanes);
  for (int64_t t = 0; t < count; t++)
#pragma GCC unroll 8
    for (int v = 0; v < kVectors; v++)
      sum[v] += weights[t] * *reinterpret_cast<const Vector *>(x + offsets[t] + v * kLanes);
#pragma GCC unroll 8
  for (int v = 0; v < kVectors; v++)
    *reinterpret_cast<Vector *>(y + v * kLanes) = sum[v];
}

template <int kLanes>
[[gnu::always_inline]] inline void addRows(double *y, int64_t n, const double *x,
                                           const int64_t *offsets, const double *weights,
                                           int64_t count) {
  int64_t j = 0;
  for (; j + 4 * kLanes <= n; j += 4 * kLanes)
    addBlock<kLanes, 4>(y + j, x + j, offsets, weights, count);
  for (; j + 2 * kLanes <= n; j += 2 * kLanes)
    addBlock<kLanes, 2>(y + j, x + j, offsets, weights, count);
  for (; j + kLanes <= n; j += kLanes)
    addBlock<kLanes, 1>(y + j, x + j, offsets, weights, count);
  for (; j < n; j++)
    addBlock<1, 1>(y + j, x + j, offsets, weights, count);
}

// One set of the kernels for an instruction set: `target` is the attribute of its functions.
#define VECTOR_KERNELS(name, target, lanes, rows)                                                  \
  target void tile##name(const double *a, const double *b, double *c, int64_t ldc, int64_t k) {    \
    tile<lanes, rows>(a, b, c, ldc, k);                                                            \
  }                                                                                                \
  target double dot##name(const double *a, const double *b, int64_t n) {                           \
    return dot<lanes>(a, b, n);                                                                    \
  }                                                                                                \
  target void addRows##name(double *y, int64_t n, const double *x, const int64_t *offsets,         \
                            const double *weights, int64_t count) {                                \
    addRows<lanes>(y, n, x, offsets, weights, count);                                              \
  }                                                                                                \
  constexpr VectorKernels kKernels##name = {tile##name, dot##name, addRows##name};

VECTOR_KERNELS(Base, , 2, 2)
#if defined(__x86_64__)
VECTOR_KERNELS(Avx2, __attribute__((target("avx2,fma"))), 4, 4)
VECTOR_KERNELS(Avx512, __attribute__((target("avx512f,prefer-vector-width=512"))), 8, 8)
#endif
#undef VECTOR_KERNELS

const VectorKernels &choose() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return kKernelsAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return kKernelsAvx2;
#endif
  return kKernelsBase;
}

} // namespace

const VectorKernels &vectorKernels() {
  static const VectorKernels &chosen = choose();
  return chosen;
}

} // namespace cameo::eval
