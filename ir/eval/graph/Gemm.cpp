// The blocked matrix product, and products with few rows or columns, where packing would cost more
// than it saves; see Gemm.h.
#include "ir/eval/graph/Gemm.h"

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/VectorKernels.h"

#include <algorithm>

namespace cameo::eval {
namespace {

constexpr int64_t kBlockM = 256, kBlockN = 256, kBlockK = 256;
/// Rows or columns that are too few for panels of 8.
constexpr int64_t kFew = 3;

/// Doubles from one packed panel to the next: an odd number of cache lines, so that the same row of
/// many panels does not fall into one set of the cache.
int64_t panelStride(int64_t kc) { return kPanel * (kc | 1); }

int64_t roundUp(int64_t n) { return (n + kPanel - 1) / kPanel * kPanel; }

/// Panels of 8 rows: element (i, p) of panel at [p * 8 + i]. Rows past the end are zero.
void packA(const GemmProblem &problem, int64_t i0, int64_t rows, int64_t k0, int64_t kc,
           double *to) {
  double block[kPanel][kBlockK] = {};
  for (int64_t i = 0; i < rows; i += kPanel) {
    double *panel = to + i / kPanel * panelStride(kc);
    for (int64_t r = 0; r < kPanel; r++) {
      if (i + r < rows)
        problem.rowOfA(i0 + i + r, k0, kc, block[r]);
      else
        std::fill_n(block[r], kc, 0.0);
    }
    for (int64_t p = 0; p < kc; p++)
      for (int64_t r = 0; r < kPanel; r++)
        panel[p * kPanel + r] = block[r][p];
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

Result<void> blocked(EvalContext &c, const GemmProblem &problem) {
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
            vectorKernels().tile(packedA + i / kPanel * panelStride(kc),
                                 packedB + j / kPanel * panelStride(kc), sum + i * blockN + j,
                                 blockN, kc);
      }
      for (int64_t i = 0; i < rows; i++)
        problem.store(i0 + i, j0, columns, sum + i * blockN);
    }
  return {};
}

/// Rows of B are scaled and added.
Result<void> fewRows(const GemmProblem &problem) {
  // Long parts of rows, as they may come from memory, and few of them.
  constexpr int64_t kColumns = 1024, kRows = 4;
  double sums[kFew][kColumns], b[kRows][kColumns], a[kRows];
  int64_t offsets[kRows];
  for (int64_t p = 0; p < kRows; p++)
    offsets[p] = p * kColumns;
  for (int64_t j0 = 0; j0 < problem.n; j0 += kColumns) {
    int64_t columns = std::min(kColumns, problem.n - j0);
    std::fill_n(sums[0], kFew * kColumns, 0.0);
    for (int64_t k0 = 0; k0 < problem.k; k0 += kRows) {
      int64_t count = std::min(kRows, problem.k - k0);
      for (int64_t p = 0; p < count; p++)
        problem.rowOfB(k0 + p, j0, columns, b[p]);
      for (int64_t i = 0; i < problem.m; i++) {
        problem.rowOfA(i, k0, count, a);
        vectorKernels().addRows(sums[i], columns, b[0], offsets, a, count);
      }
    }
    for (int64_t i = 0; i < problem.m; i++)
      problem.store(i, j0, columns, sums[i]);
  }
  return {};
}

/// Every element is the dot product of a row of A and a column of B.
Result<void> fewColumns(EvalContext &c, const GemmProblem &problem) {
  Tensor b = TRY(c.doubles({problem.n, problem.k}));
  double row[kBlockK] = {};
  for (int64_t p = 0; p < problem.k; p++) {
    problem.rowOfB(p, 0, problem.n, row);
    for (int64_t j = 0; j < problem.n; j++)
      f64Out(b)[j * problem.k + p] = row[j];
  }
  for (int64_t i = 0; i < problem.m; i++) {
    double sums[kFew] = {};
    for (int64_t k0 = 0; k0 < problem.k; k0 += kBlockK) {
      int64_t count = std::min(kBlockK, problem.k - k0);
      problem.rowOfA(i, k0, count, row);
      for (int64_t j = 0; j < problem.n; j++)
        sums[j] += vectorKernels().dot(row, f64(b) + j * problem.k + k0, count);
    }
    problem.store(i, 0, problem.n, sums);
  }
  return {};
}

} // namespace

Result<void> gemm(EvalContext &c, const GemmProblem &problem) {
  TRY(c.charge({problem.m, problem.n, problem.k}));
  if (problem.m == 0 || problem.n == 0)
    return {};
  if (problem.n <= kFew && problem.n <= problem.m)
    return fewColumns(c, problem);
  if (problem.m <= kFew)
    return fewRows(problem);
  return blocked(c, problem);
}

} // namespace cameo::eval
