// The innermost loops of matrix products and convolutions, compiled for several instruction sets
// and chosen once. Every sum is taken in the same order whatever the set; products of two floats
// are exact in double, so fused multiply-add gives the same sums too (but for f64 operands).
#pragma once

#include <cstdint>

namespace cameo::eval {

/// Rows and columns of a packed panel of a matrix.
inline constexpr int64_t kPanel = 8;

struct VectorKernels {
  /// c[8][8] += the product of packed panels: a[p * 8 + row], b[p * 8 + column], p < k. Rows of c
  /// are ldc apart.
  void (*tile)(const double *a, const double *b, double *c, int64_t ldc, int64_t k);
  /// The sum of a[i] * b[i], as 16 interleaved partial sums.
  double (*dot)(const double *a, const double *b, int64_t n);
  /// y[j] += the sum over t < count of weights[t] * x[offsets[t] + j], for j < n.
  void (*addRows)(double *y, int64_t n, const double *x, const int64_t *offsets,
                  const double *weights, int64_t count);
};

const VectorKernels &vectorKernels();

} // namespace cameo::eval
