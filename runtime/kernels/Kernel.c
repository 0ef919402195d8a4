/* See Kernel.h. */
#include "kernels/Kernel.h"
#include "support/Support.h"

int32_t cameo_kernel_threads(const cameo_call *call) {
  const struct cameo_private *self = ((const struct cameo_call_state *)call)->self;
  return self->pool ? self->frame.threads : 1;
}

void cameo_kernel_share(cameo_call *call, void (*work)(void *argument, int64_t part),
                        void *argument, int64_t parts) {
  cameo_team_share(((struct cameo_call_state *)call)->self, work, argument, parts);
}

int32_t cameo_kernel_has(const cameo_call *call, int32_t input) {
  return input < call->num_inputs && call->inputs[input];
}

int32_t cameo_kernel_array(cameo_call *call, const cameo_value *value, struct cameo_array *array) {
  *array = (struct cameo_array){.kind = value->kind};
  int32_t overflow;
  if (value->kind == CAMEO_TENSOR) {
    const cameo_tensor *tensor = &value->as.tensor;
    array->dtype = tensor->dtype;
    array->rank = tensor->rank;
    array->dims = tensor->dims;
    array->width = cameo_dtype_bits(tensor->dtype) / 8;
    array->data = tensor->data;
    overflow = cameo_tensor_bytes(CAMEO_UINT8, tensor->rank, tensor->dims, &array->count);
  } else if (value->kind == CAMEO_STRINGS) {
    const cameo_strings *strings = &value->as.strings;
    array->dtype = CAMEO_STRING;
    array->rank = strings->rank;
    array->dims = strings->dims;
    array->strings = strings->data;
    array->lengths = strings->lengths;
    overflow = cameo_string_count(strings, &array->count);
  } else {
    return cameo_call_fail(call, "expected a tensor or strings");
  }
  return overflow ? cameo_call_fault(call, CAMEO_FAULT_SIZE_OVERFLOW, 0, 0) : 0;
}

int32_t cameo_kernel_operand(cameo_call *call, int32_t input, struct cameo_array *array) {
  if (!cameo_kernel_has(call, input))
    return cameo_call_fault(call, CAMEO_FAULT_NO_OPERAND, input, 0);
  return cameo_kernel_array(call, call->inputs[input], array);
}

int32_t cameo_kernel_axis(cameo_call *call, int64_t axis, int32_t rank, int32_t *result) {
  if (axis < -rank || axis >= rank)
    return cameo_call_fault(call, CAMEO_FAULT_AXIS, axis, rank);
  *result = (int32_t)(axis < 0 ? axis + rank : axis);
  return 0;
}

struct cameo_split cameo_kernel_split(const struct cameo_array *x, int32_t axis) {
  int64_t any = x->count > 0;
  struct cameo_split split = {any, axis < 0 ? x->count : x->dims[axis], any};
  for (int32_t i = 0; i < axis; i++)
    split.outer = cameo_times(split.outer, x->dims[i]);
  for (int32_t i = axis + 1; axis >= 0 && i < x->rank; i++)
    split.inner = cameo_times(split.inner, x->dims[i]);
  return split;
}

int64_t cameo_kernel_load_int(const struct cameo_array *x, int64_t i) {
  const uint8_t *at = x->data + i * x->width;
  switch (x->dtype) {
  case CAMEO_INT8:
    return (int8_t)*at;
  case CAMEO_UINT8:
  case CAMEO_BOOL:
    return *at;
  case CAMEO_INT16:
    return *(const int16_t *)at;
  case CAMEO_UINT16:
    return *(const uint16_t *)at;
  case CAMEO_INT32:
    return *(const int32_t *)at;
  case CAMEO_UINT32:
    return *(const uint32_t *)at;
  default:
    return *(const int64_t *)at;
  }
}

double cameo_kernel_load_real(const struct cameo_array *x, int64_t i) {
  switch (x->dtype) {
  case CAMEO_FLOAT32:
    return ((const float *)x->data)[i];
  case CAMEO_FLOAT64:
    return ((const double *)x->data)[i];
  case CAMEO_FLOAT16:
    return cameo_half_to_double(((const uint16_t *)x->data)[i]);
  default:
    return cameo_bfloat_to_double(((const uint16_t *)x->data)[i]);
  }
}

void cameo_kernel_store_real(int32_t dtype, void *to, int64_t i, double value) {
  switch (dtype) {
  case CAMEO_FLOAT32:
    ((float *)to)[i] = (float)value;
    break;
  case CAMEO_FLOAT64:
    ((double *)to)[i] = value;
    break;
  case CAMEO_FLOAT16:
    ((uint16_t *)to)[i] = cameo_double_to_half(value);
    break;
  default:
    ((uint16_t *)to)[i] = cameo_double_to_bfloat(value);
  }
}

int32_t cameo_kernel_int(cameo_call *call, int32_t input, int64_t otherwise, int64_t *result) {
  struct cameo_array array;
  *result = otherwise;
  if (!cameo_kernel_has(call, input))
    return 0;
  if (cameo_kernel_operand(call, input, &array))
    return 1;
  struct cameo_words words = {.a = input, .b = array.count};
  if (array.count != 1)
    return cameo_call_failed(call, "operand %a: expected one element, got %b", &words);
  *result = cameo_kernel_load_int(&array, 0);
  return 0;
}

int64_t *cameo_kernel_ints(cameo_call *call, int32_t output, int64_t count) {
  return cameo_call_tensor(call, output, CAMEO_INT64, 1, &count);
}

int32_t cameo_kernel_strings(cameo_call *call, int32_t output, int32_t rank, const int64_t *dims,
                             const char *const *data, const int64_t *lengths) {
  cameo_value value = {.kind = CAMEO_STRINGS};
  value.as.strings = (cameo_strings){data, lengths, (int64_t *)dims, rank, 0};
  return cameo_call_value(call, output, &value);
}

static void pickBytes(uint8_t *to, const struct cameo_array *x, struct cameo_split split,
                      const int64_t *chosen, int64_t count) {
  int64_t bytes = split.inner * x->width;
  for (int64_t o = 0; o < split.outer; o++)
    for (int64_t i = 0; i < count; i++, to += bytes)
      memcpy(to, x->data + (o * split.size + chosen[i]) * bytes, (size_t)bytes);
}

int32_t cameo_kernel_pick(cameo_call *call, int32_t output, const struct cameo_array *x,
                          int32_t axis, const int64_t *chosen, int64_t count) {
  struct cameo_split split = cameo_kernel_split(x, axis);
  int64_t dims[CAMEO_MAX_RANK],
      elements = cameo_times(cameo_times(split.outer, split.inner), count);
  int32_t rank = axis < 0 ? 1 : x->rank;
  if (rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, rank, CAMEO_MAX_RANK);
  for (int32_t i = 0; i < rank; i++)
    dims[i] = i == axis || axis < 0 ? count : x->dims[i];
  if (x->kind == CAMEO_TENSOR) {
    uint8_t *to = cameo_call_tensor(call, output, x->dtype, rank, dims);
    if (to && elements)
      pickBytes(to, x, split, chosen, count);
    return !to;
  }
  const char **data = cameo_kernel_memory(call, elements, sizeof *data);
  int64_t *lengths = cameo_kernel_memory(call, elements, sizeof *lengths), n = 0;
  if (!data || !lengths)
    return 1;
  for (int64_t o = 0; o < split.outer && elements; o++)
    for (int64_t i = 0; i < count; i++)
      for (int64_t k = 0; k < split.inner; k++, n++) {
        int64_t from = (o * split.size + chosen[i]) * split.inner + k;
        data[n] = x->strings[from];
        lengths[n] = x->lengths[from];
      }
  return cameo_kernel_strings(call, output, rank, dims, data, lengths);
}

/* Merges two sorted runs. */
static void merge(int64_t *to, const int64_t *a, int64_t countA, const int64_t *b, int64_t countB,
                  int32_t (*before)(const void *context, int64_t a, int64_t b),
                  const void *context) {
  while (countA || countB) {
    int32_t second = countB && (!countA || before(context, *b, *a));
    *to++ = second ? *b++ : *a++;
    countB -= second;
    countA -= !second;
  }
}

/* Bottom-up merge sort. */
int32_t cameo_kernel_sort(cameo_call *call, int64_t *order, int64_t n,
                          int32_t (*before)(const void *context, int64_t a, int64_t b),
                          const void *context) {
  int64_t *other = cameo_kernel_memory(call, n, sizeof *other);
  if (!other)
    return 1;
  for (int64_t run = 1; run < n; run *= 2) {
    for (int64_t i = 0; i < n; i += 2 * run) {
      int64_t middle = i + run < n ? i + run : n, end = i + 2 * run < n ? i + 2 * run : n;
      merge(other + i, order + i, middle - i, order + middle, end - middle, before, context);
    }
    memcpy(order, other, (size_t)n * sizeof *order);
  }
  return 0;
}
