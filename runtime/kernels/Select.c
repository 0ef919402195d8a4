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

/* So many elements are looked at together, in loops that become vector code. */
enum { CHUNK = 256 };

/* flags[i] = whether element begin + i is other than zero, for a chunk or what is left; how many
   elements that is. */
static int64_t flagChunk(const struct cameo_array *x, int64_t begin, uint64_t mask,
                         uint8_t flags[CHUNK]) {
  int64_t n = x->count - begin < CHUNK ? x->count - begin : CHUNK;
  const uint8_t *data = x->data + begin * x->width;
  switch (x->width) {
  case 0:
    for (int64_t i = 0; i < n; i++)
      flags[i] = x->lengths[begin + i] != 0;
    break;
  case 1:
    for (int64_t i = 0; i < n; i++)
      flags[i] = data[i] != 0;
    break;
  case 2:
    for (int64_t i = 0; i < n; i++)
      flags[i] = (((const uint16_t *)data)[i] & (uint16_t)mask) != 0;
    break;
  case 4:
    for (int64_t i = 0; i < n; i++)
      flags[i] = (((const uint32_t *)data)[i] & (uint32_t)mask) != 0;
    break;
  default:
    for (int64_t i = 0; i < n; i++)
      flags[i] = (((const uint64_t *)data)[i] & mask) != 0;
  }
  return n;
}

static int64_t countNonZero(const struct cameo_array *x, uint64_t mask) {
  uint8_t flags[CHUNK];
  int64_t count = 0;
  for (int64_t begin = 0; begin < x->count; begin += CHUNK) {
    int64_t n = flagChunk(x, begin, mask, flags);
    for (int64_t i = 0; i < n; i++)
      count += flags[i];
  }
  return count;
}

/* Coordinates, one row a dim, of the elements that are not zero, in row-major order. */
int32_t cameo_kernel_non_zero(cameo_call *call) {
  struct cameo_array x;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, CAMEO_MAX_RANK);
  uint64_t mask = significantBits(x.dtype);
  int64_t count = countNonZero(&x, mask), found = 0;
  int64_t dims[2] = {x.rank, count};
  int64_t *y = cameo_call_tensor(call, 0, CAMEO_INT64, 2, dims);
  if (!y || x.rank == 0)
    return !y;
  /* First the positions, in the row of the last dim: each is written, and stays if it counts. */
  int64_t *positions = y + (x.rank - 1) * count;
  uint8_t flags[CHUNK];
  for (int64_t begin = 0; found < count; begin += CHUNK) {
    int64_t n = flagChunk(&x, begin, mask, flags);
    for (int64_t i = 0; i < n && found < count; i++) {
      positions[found] = begin + i;
      found += flags[i];
    }
  }
  for (int64_t i = 0; i < count && x.rank > 1; i++) {
    int64_t position = positions[i];
    for (int32_t d = x.rank - 1; d >= 0; d--) {
      y[d * count + i] = position % x.dims[d];
      position /= x.dims[d];
    }
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
