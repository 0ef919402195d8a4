/*
 * Det: determinants by Gaussian elimination with partial pivoting, in double.
 */
#include "kernels/Kernel.h"

/* Of the matrix [n, n], which is overwritten. */
static double determinant(double *a, int64_t n) {
  double result = 1;
  for (int64_t k = 0; k < n; k++) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < n; i++)
      if (__builtin_fabs(a[i * n + k]) > __builtin_fabs(a[pivot * n + k]))
        pivot = i;
    double top = a[pivot * n + k];
    if (top == 0)
      return 0;
    result *= pivot == k ? top : -top;
    for (int64_t j = k; j < n && pivot != k; j++) {
      double other = a[pivot * n + j];
      a[pivot * n + j] = a[k * n + j];
      a[k * n + j] = other;
    }
    for (int64_t i = k + 1; i < n; i++) {
      double factor = a[i * n + k] / top;
      for (int64_t j = k; j < n; j++)
        a[i * n + j] -= factor * a[k * n + j];
    }
  }
  return result;
}

/* Operand X [..., n, n]. */
int32_t cameo_kernel_det(cameo_call *call) {
  struct cameo_array x;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.rank < 2)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, 2);
  int64_t n = x.dims[x.rank - 1], size = cameo_times(n, n), results = 1;
  if (x.dims[x.rank - 2] != n)
    return cameo_call_fault(call, CAMEO_FAULT_DIMS_DIFFER, x.dims[x.rank - 2], n);
  for (int32_t d = 0; d < x.rank - 2; d++)
    results = cameo_times(results, x.dims[d]);
  void *y = cameo_call_tensor(call, 0, x.dtype, x.rank - 2, x.dims);
  if (!y)
    return 1;
  double *matrix = results ? cameo_kernel_memory(call, size, sizeof *matrix) : 0;
  if (results && !matrix)
    return 1;
  for (int64_t i = 0; i < results; i++) {
    for (int64_t j = 0; j < size; j++)
      matrix[j] = cameo_kernel_load_real(&x, i * size + j);
    cameo_kernel_store_real(x.dtype, y, i, determinant(matrix, n));
  }
  return 0;
}
