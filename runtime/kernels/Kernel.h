/*
 * What the C kernels share: small steps on operands and results. Each kernel is one function,
 * int32_t cameo_kernel_NAME(cameo_call *), NAME being the operator's in snake case; operands,
 * results and attributes are those of ONNX's newest version, and the semantics are those of the
 * reference interpreter in ir/eval/graph. A kernel is only in the library of a model that uses it.
 *
 * Functions that return int32_t return nonzero after a fault, which they have recorded.
 */
#ifndef CAMEO_RUNTIME_KERNELS_KERNEL_H
#define CAMEO_RUNTIME_KERNELS_KERNEL_H

#include "Boxes.h"

/* A tensor of numbers or strings as `count` elements. */
struct cameo_array {
  int32_t kind; /* CAMEO_TENSOR or CAMEO_STRINGS */
  int32_t dtype;
  int32_t rank;
  const int64_t *dims;
  int64_t count;
  int64_t width; /* bytes of an element; 0 for strings */
  const uint8_t *data;
  const char *const *strings;
  const int64_t *lengths;
};

/* The dims before an axis, along it and behind it. Of an array without elements only `size` counts:
   the others are 0, so that nothing goes through them. */
struct cameo_split {
  int64_t outer, size, inner;
};

/* Memory for `count` entries of so many bytes that is freed after the call; NULL after a fault. */
static inline void *cameo_kernel_memory(cameo_call *call, int64_t count, size_t bytes) {
  return cameo_call_scratch(call, cameo_times(count, (int64_t)bytes));
}

/* How many threads may share the work of a call. */
int32_t cameo_kernel_threads(const cameo_call *call);
/* Does parts 0 to parts - 1 of some work, any of them on any of these threads. What they do may not
   ask anything of the call. */
void cameo_kernel_share(cameo_call *call, void (*work)(void *argument, int64_t part),
                        void *argument, int64_t parts);

/* Whether the operand is there. */
int32_t cameo_kernel_has(const cameo_call *call, int32_t input);

/* A value as an array; a fault when it is neither a tensor nor strings. */
int32_t cameo_kernel_array(cameo_call *call, const cameo_value *value, struct cameo_array *array);
/* The same of an operand, which must be there. */
int32_t cameo_kernel_operand(cameo_call *call, int32_t input, struct cameo_array *array);

/* An axis counted from the front. */
int32_t cameo_kernel_axis(cameo_call *call, int64_t axis, int32_t rank, int32_t *result);
struct cameo_split cameo_kernel_split(const struct cameo_array *x, int32_t axis);

/* The only element of an operand of integers; `otherwise` where it is absent. */
int32_t cameo_kernel_int(cameo_call *call, int32_t input, int64_t otherwise, int64_t *result);
/* Element i of an array of integers. */
int64_t cameo_kernel_load_int(const struct cameo_array *x, int64_t i);
/* The same of an array of floats, of any of the four types, and storing one. */
double cameo_kernel_load_real(const struct cameo_array *x, int64_t i);
void cameo_kernel_store_real(int32_t dtype, void *to, int64_t i, double value);

/* Ints for a result [count]. */
int64_t *cameo_kernel_ints(cameo_call *call, int32_t output, int64_t count);

/* Makes a result of strings: `data` and `lengths` of as many as the dims say. */
int32_t cameo_kernel_strings(cameo_call *call, int32_t output, int32_t rank, const int64_t *dims,
                             const char *const *data, const int64_t *lengths);

/*
 * Makes a result of x with `count` slices along an axis, those that `chosen` lists; axis -1 takes
 * x as one dim.
 */
int32_t cameo_kernel_pick(cameo_call *call, int32_t output, const struct cameo_array *x,
                          int32_t axis, const int64_t *chosen, int64_t count);

/*
 * Sorts `order`, a list of n indices, stably: `before(context, a, b)` says whether a must come
 * before b. O(n log n) calls.
 */
int32_t cameo_kernel_sort(cameo_call *call, int64_t *order, int64_t n,
                          int32_t (*before)(const void *context, int64_t a, int64_t b),
                          const void *context);

#endif
