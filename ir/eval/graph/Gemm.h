// Matrix product with double accumulation, for convolutions and matrix products of any element
// type whose values a double holds exactly. Callers supply the operands as functions that fetch
// parts of rows, so that a convolution never materializes its im2col matrix.
//
// Blocking follows Goto and van de Geijn, "Anatomy of high-performance matrix multiplication"
// (2008): panels of 8 rows and 8 columns, a block of A that stays in L2, one tile of registers at
// a time.
#pragma once

#include "ir/eval/graph/EvalContext.h"

#include <functional>

namespace cameo::eval {

struct GemmProblem {
  int64_t m = 0, n = 0, k = 0;
  /// Writes a[i, k0 + p] for p in [0, count) to to[p].
  std::function<void(int64_t i, int64_t k0, int64_t count, double *to)> rowOfA;
  /// Writes b[k, j0 + q] for q in [0, count) to to[q].
  std::function<void(int64_t k, int64_t j0, int64_t count, double *to)> rowOfB;
  /// Takes the finished c[i, j0 .. j0 + count).
  std::function<void(int64_t i, int64_t j0, int64_t count, double *row)> store;
};

/// c = a * b, each element summed in an order that depends on m, n and k alone. Charges m * n * k
/// operations.
Result<void> gemm(EvalContext &c, const GemmProblem &problem);

} // namespace cameo::eval
