/*
 * RandomNormal, RandomUniform, their Like forms, Bernoulli, Multinomial. Element i is a function of
 * the stream and i alone; the stream is the node's attribute `seed`, or comes of its name, the
 * context's seed and the number of the run.
 */
#include "kernels/Kernel.h"
#include "support/Support.h"

static uint64_t streamOf(const cameo_call *call) {
  const double *given;
  uint64_t seed;
  if (cameo_call_floats(call, "seed", &given) > 0) {
    memcpy(&seed, given, sizeof seed);
    return seed;
  }
  seed = cameo_call_seed(call);
  /* FNV-1a over the name, so that two nodes of a run draw different numbers. */
  for (const char *letter = cameo_call_string(call, "name", ""); *letter; letter++)
    seed = (seed ^ (uint8_t)*letter) * 0x100000001b3;
  return seed;
}

/* In [0, 1). The finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
   generators). */
static double uniform(uint64_t stream, uint64_t i) {
  uint64_t z = stream + (i + 1) * 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return (double)((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

/* Normal with mean 0 and deviation 1 (Box and Muller). */
static double normal(uint64_t stream, uint64_t i) {
  double radius = __builtin_sqrt(-2 * cameo_log(1 - uniform(stream, 2 * i)));
  return radius * cameo_cos(2 * 3.14159265358979323846 * uniform(stream, 2 * i + 1));
}

/* The shape is attribute `shape`, or that of the operand. */
int32_t cameo_kernel_random(cameo_call *call) {
  struct cameo_array like = {0};
  const int64_t *dims = 0;
  int64_t rank = cameo_call_ints(call, "shape", &dims);
  if (rank < 0) {
    if (cameo_kernel_operand(call, 0, &like))
      return 1;
    rank = like.rank, dims = like.dims;
  }
  int32_t dtype = (int32_t)cameo_call_int(call, "to", CAMEO_FLOAT32);
  void *y = cameo_call_tensor(call, 0, dtype, (int32_t)rank, dims);
  if (!y)
    return 1;
  uint64_t stream = streamOf(call);
  int32_t isNormal = (int32_t)cameo_call_int(call, "normal", 0);
  double mean = cameo_call_float(call, "mean", 0), deviation = cameo_call_float(call, "scale", 1);
  double low = cameo_call_float(call, "low", 0), high = cameo_call_float(call, "high", 1);
  for (int64_t i = 0, count = cameo_call_count((int32_t)rank, dims); i < count; i++)
    cameo_kernel_store_real(dtype, y, i,
                            isNormal ? mean + deviation * normal(stream, (uint64_t)i)
                                     : low + (high - low) * uniform(stream, (uint64_t)i));
  return 0;
}

/* Stores 0 or 1, whatever the type is. */
static void storeBit(int32_t dtype, void *to, int64_t i, int32_t bit) {
  switch (dtype) {
  case CAMEO_FLOAT16:
  case CAMEO_BFLOAT16:
  case CAMEO_FLOAT32:
  case CAMEO_FLOAT64:
    cameo_kernel_store_real(dtype, to, i, bit);
    break;
  case CAMEO_INT64:
  case CAMEO_UINT64:
    ((int64_t *)to)[i] = bit;
    break;
  case CAMEO_INT32:
  case CAMEO_UINT32:
    ((int32_t *)to)[i] = bit;
    break;
  case CAMEO_INT16:
  case CAMEO_UINT16:
    ((int16_t *)to)[i] = (int16_t)bit;
    break;
  default:
    ((int8_t *)to)[i] = (int8_t)bit;
  }
}

/* Operand: probabilities of 1. */
int32_t cameo_kernel_bernoulli(cameo_call *call) {
  struct cameo_array x;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  int32_t dtype = (int32_t)cameo_call_int(call, "to", x.dtype);
  void *y = cameo_call_tensor(call, 0, dtype, x.rank, x.dims);
  if (!y)
    return 1;
  uint64_t stream = streamOf(call);
  for (int64_t i = 0; i < x.count; i++)
    storeBit(dtype, y, i, uniform(stream, (uint64_t)i) < cameo_kernel_load_real(&x, i));
  return 0;
}

/* The class that a part `left` of the weights' sum falls into. */
static int64_t classAt(const double *weights, int64_t classes, double left) {
  int64_t chosen = 0;
  while (chosen < classes - 1 && left >= weights[chosen])
    left -= weights[chosen++];
  return chosen;
}

/* Operand: unnormalized log probabilities [batch, classes]. */
int32_t cameo_kernel_multinomial(cameo_call *call) {
  struct cameo_array x;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.rank != 2)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, 2);
  int64_t classes = x.dims[1], samples = cameo_call_int(call, "sample_size", 1);
  int64_t dims[] = {x.dims[0], samples};
  int32_t dtype = (int32_t)cameo_call_int(call, "to", CAMEO_INT32);
  void *y = cameo_call_tensor(call, 0, dtype, 2, dims);
  if (!y || cameo_call_count(2, dims) == 0)
    return !y;
  if (classes == 0)
    return cameo_call_fail(call, "there are no classes");
  double *weights = cameo_kernel_memory(call, classes, sizeof *weights);
  if (!weights)
    return 1;
  uint64_t stream = streamOf(call);
  for (int64_t b = 0; b < dims[0]; b++) {
    double top = -__builtin_inf(), total = 0;
    for (int64_t i = 0; i < classes; i++) {
      weights[i] = cameo_kernel_load_real(&x, b * classes + i);
      top = weights[i] > top ? weights[i] : top;
    }
    for (int64_t i = 0; i < classes; i++)
      total += weights[i] = cameo_exp(weights[i] - top);
    for (int64_t s = b * samples; s < (b + 1) * samples; s++) {
      int64_t chosen = classAt(weights, classes, uniform(stream, (uint64_t)s) * total);
      if (dtype == CAMEO_INT64)
        ((int64_t *)y)[s] = chosen;
      else
        ((int32_t *)y)[s] = (int32_t)chosen;
    }
  }
  return 0;
}
