/*
 * NonZero and Compress: elements picked by what they or a condition are.
 */
#include "kernels/Kernel.h"

/* The bits of an element in which numbers other than zero have a one: the sign of floats is none.
 */
static uint64_t significantBits(int32_t dtype) {
  switch (dtype) {
  case CAMEO_FLOAT16:
  case CAMEO_BFLOAT16:
    return 0x7fff;
  case CAMEO_FLOAT32:
    return 0x7fffffff;
  case CAMEO_FLOAT64:
    return INT64_MAX;
  default:
    return UINT64_MAX;
  }
}

static int32_t isZero(const struct cameo_array *x, int64_t i, uint64_t mask) {
  switch (x->width) {
  case 0:
    return x->lengths[i] == 0;
  case 1:
    return !(x->data[i] & mask);
  case 2:
    return !(((const uint16_t *)x->data)[i] & mask);
  case 4:
    return !(((const uint32_t *)x->data)[i] & mask);
  default:
    return !(((const uint64_t *)x->data)[i] & mask);
  }
}

/* Coordinates, one row a dim, of the elements that are not zero, in row-major order. */
int32_t cameo_kernel_non_zero(cameo_call *call) {
  struct cameo_array x;
  int64_t index[CAMEO_MAX_RANK] = {0}, count = 0, found = 0;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, CAMEO_MAX_RANK);
  uint64_t mask = significantBits(x.dtype);
  for (int64_t i = 0; i < x.count; i++)
    count += !isZero(&x, i, mask);
  int64_t dims[2] = {x.rank, count};
  int64_t *y = cameo_call_tensor(call, 0, CAMEO_INT64, 2, dims);
  if (!y)
    return 1;
  for (int64_t i = 0; i < x.count; i++) {
    if (!isZero(&x, i, mask)) {
      for (int32_t d = 0; d < x.rank; d++)
        y[d * count + found] = index[d];
      found++;
    }
    for (int32_t d = x.rank - 1; d >= 0 && ++index[d] == x.dims[d]; d--)
      index[d] = 0;
  }
  return 0;
}

/* Operands input, condition. A condition shorter than the axis leaves out the rest. */
int32_t cameo_kernel_compress(cameo_call *call) {
  struct cameo_array x, condition;
  int32_t axis = -1;
  const int64_t *given;
  if (cameo_kernel_operand(call, 0, &x) || cameo_kernel_operand(call, 1, &condition))
    return 1;
  if (condition.rank != 1)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, condition.rank, 1);
  if (cameo_call_ints(call, "axis", &given) == 1 && cameo_kernel_axis(call, *given, x.rank, &axis))
    return 1;
  int64_t size = cameo_kernel_split(&x, axis).size, count = 0;
  if (condition.count < size)
    size = condition.count;
  int64_t *chosen = cameo_kernel_memory(call, size, sizeof *chosen);
  if (!chosen)
    return 1;
  for (int64_t i = 0; i < size; i++)
    if (condition.data[i])
      chosen[count++] = i;
  return cameo_kernel_pick(call, 0, &x, axis, chosen, count);
}
