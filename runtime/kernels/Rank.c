/*
 * Values of unknown rank: what their rank is, what it has to be, and Squeeze of all dims of size 1.
 */
#include "kernels/Kernel.h"

int32_t cameo_kernel_rank(cameo_call *call) {
  struct cameo_array x;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  int64_t *y = cameo_call_tensor(call, 0, CAMEO_INT64, 0, NULL);
  if (y)
    *y = x.rank;
  return !y;
}

/* Sizes are compared with those of the result, like those of any. */
int32_t cameo_kernel_expect(cameo_call *call) {
  struct cameo_array x;
  const int64_t *shape;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  struct cameo_words words = {.s = cameo_call_string(call, "expected", ""), .a = x.rank};
  if (x.rank != cameo_call_ints(call, "shape", &shape))
    return cameo_call_failed(call, "expected %s, got rank %a", &words);
  return cameo_call_value(call, 0, call->inputs[0]);
}

/* Without axes: all dims of size 1 go. */
int32_t cameo_kernel_squeeze(cameo_call *call) {
  struct cameo_array x;
  int64_t dims[CAMEO_MAX_RANK];
  int32_t rank = 0;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, CAMEO_MAX_RANK);
  for (int32_t i = 0; i < x.rank; i++)
    if (x.dims[i] != 1)
      dims[rank++] = x.dims[i];
  cameo_value y = *call->inputs[0];
  if (y.kind == CAMEO_STRINGS) {
    y.as.strings.rank = rank;
    y.as.strings.dims = dims;
  } else {
    y.as.tensor.rank = rank;
    y.as.tensor.dims = dims;
  }
  return cameo_call_value(call, 0, &y);
}
