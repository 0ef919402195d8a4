// The blocked matrix product and its register tile; see Gemm.h.
#include "ir/eval/Gemm.h"

#include "ir/eval/Elements.h"

#include <algorithm>

namespace cameo::eval {
namespace {

constexpr int64_t kBlockM = 256, kBlockN = 256, kBlockK = 256;

/// c[8][8] += a panel * b panel over k, on vectors of kLanes doubles, kRows rows at a time: as many
/// accumulators as the registers hold. Inlined into functions compiled for one instruction set.
template <int kLanes, int kRows>
[[gnu::always_inline]] inline void tile(const double *a, const double *b, double *c, int64_t ldc,
                                        int64_t k) {
  typedef double Vector __attribute__((vector_size(kLanes * sizeof(double)), aligned(8)));
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

using TileFn = void (*)(const double *a, const double *b, double *c, int64_t ldc, int64_t k);

void tileBase(const double *a, const double *b, double *c, int64_t ldc, int64_t k) {
  tile<2, 2>(a, b, c, ldc, k);
}

#if defined(__x86_64__)
__attribute__((target("avx2,fma"))) void tileAvx2(const double *a, const double *b, double *c,
                                                  int64_t ldc, int64_t k) {
  tile<4, 4>(a, b, c, ldc, k);
}
__attribute__((target("avx512f,prefer-vector-width=512"))) void
tileAvx512(const double *a, const double *b, double *c, int64_t ldc, int64_t k) {
  tile<8, 8>(a, b, c, ldc, k);
}
#endif

/// Products of two floats are exact in double, so fused multiply-add gives the same sums: the
/// choice only matters to f64 operands.
TileFn chooseTile() {
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx512f"))
    return tileAvx512;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return tileAvx2;
#endif
  return tileBase;
}

/// Doubles from one packed panel to the next: an odd number of cache lines, so that the same row of
/// many panels does not fall into one set of the cache.
int64_t panelStride(int64_t kc) { return kPanel * (kc | 1); }

int64_t roundUp(int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

/// Panels of 8 rows: element (i, p) of panel at [p * 8 + i]. Rows past the end stay zero.
void packA(const GemmProblem &problem, int64_t i0, int64_t rows, int64_t k0, int64_t kc,
           double *to) {
  for (int64_t i = 0; i < roundUp(rows); i++) {
    double *panel = to + i / kPanel * panelStride(kc) + i % kPanel;
    if (i < rows) {
      problem.rowOfA(i0 + i, k0, kc, panel);
      continue;
    }
    for (int64_t p = 0; p < kc; p++)
      panel[p * kPanel] = 0;
  }
}

/// Panels of 8 columns: element (p, j) of panel at [p * 8 + j].
void packB(const GemmProblem &problem, int64_t j0, int64_t columns, int64_t k0, int64_t kc,
           double *to) {
  double row[kBlockN] = {};
  for (int64_t p = 0; p < kc; p++) {
    problem.rowOfB(k0 + p, j0, columns, row);
    for (int64_t j = 0; j < columns; j += kPanel)
      std::memcpy(to + j / kPanel * panelStride(kc) + p * kPanel, row + j, kPanel * sizeof(double));
  }
}

} // namespace

Result<void> gemm(EvalContext &c, const GemmProblem &problem) {
  static const TileFn tileOf = chooseTile();
  TRY(c.charge({problem.m, problem.n, problem.k}));
  int64_t blockM = std::min(kBlockM, roundUp(problem.m));
  int64_t blockN = std::min(kBlockN, roundUp(problem.n));
  int64_t blockK = std::min(kBlockK, problem.k);
  Tensor a = TRY(c.doubles({blockM / kPanel, panelStride(blockK)})),
         b = TRY(c.doubles({blockN / kPanel, panelStride(blockK)}));
  Tensor sums = TRY(c.doubles({blockM, blockN}));
  double *packedA = f64Out(a), *packedB = f64Out(b), *sum = f64Out(sums);
  for (int64_t j0 = 0; j0 < problem.n; j0 += blockN)
    for (int64_t i0 = 0; i0 < problem.m; i0 += blockM) {
      int64_t columns = std::min(blockN, problem.n - j0), rows = std::min(blockM, problem.m - i0);
      std::fill_n(sum, blockM * blockN, 0.0);
      for (int64_t k0 = 0; k0 < problem.k; k0 += blockK) {
        int64_t kc = std::min(blockK, problem.k - k0);
        packA(problem, i0, rows, k0, kc, packedA);
        packB(problem, j0, columns, k0, kc, packedB);
        for (int64_t j = 0; j < columns; j += kPanel)
          for (int64_t i = 0; i < rows; i += kPanel)
            tileOf(packedA + i / kPanel * panelStride(kc), packedB + j / kPanel * panelStride(kc),
                   sum + i * blockN + j, blockN, kc);
      }
      for (int64_t i = 0; i < rows; i++)
        problem.store(i0 + i, j0, columns, sum + i * blockN);
    }
  return {};
}

} // namespace cameo::eval
