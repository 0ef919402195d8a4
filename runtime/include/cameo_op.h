/*
 * Operators of your own: what a C function gets that stands for a node of a model. Version 1, with
 * the same promises as cameo.h.
 *
 * A node of domain "my.ops" and type "Scale" is the function my_ops_Scale: the two joined by an
 * underscore, with an underscore for every character that C identifiers cannot have. `cameo compile
 * model.onnx --ops libmyops.a` links it from a static library into the model's. It is called on
 * the thread that called cameo_run, once whenever the model comes by the node.
 *
 *     #include "cameo_op.h"
 *
 *     // Y = factor * X, for float32
 *     int32_t my_ops_Scale(cameo_call *call) {
 *       if (call->num_inputs < 1 || !call->inputs[0])
 *         return cameo_call_fail(call, "expected an input");
 *       const cameo_tensor *x = &call->inputs[0]->as.tensor;
 *       if (x->dtype != CAMEO_FLOAT32)
 *         return cameo_call_fail(call, "only float32 can be scaled");
 *       float *y = cameo_call_tensor(call, 0, CAMEO_FLOAT32, x->rank, x->dims);
 *       if (!y)
 *         return 1; // the reason is recorded
 *       float factor = (float)cameo_call_float(call, "factor", 1);
 *       for (int64_t i = 0, count = cameo_call_count(x->rank, x->dims); i < count; i++)
 *         y[i] = factor * ((const float *)x->data)[i];
 *       return 0;
 *     }
 */
#ifndef CAMEO_OP_H
#define CAMEO_OP_H

#include "cameo.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct cameo_call cameo_call;

/* The functions behind the wrappers below. */
typedef struct cameo_call_api {
  void *(*tensor)(cameo_call *call, int32_t output, int32_t dtype, int32_t rank,
                  const int64_t *dims);
  int32_t (*value)(cameo_call *call, int32_t output, const cameo_value *value);
  int64_t (*int_attr)(const cameo_call *call, const char *name, int64_t otherwise);
  double (*float_attr)(const cameo_call *call, const char *name, double otherwise);
  const char *(*string_attr)(const cameo_call *call, const char *name, const char *otherwise);
  int64_t (*ints_attr)(const cameo_call *call, const char *name, const int64_t **values);
  int64_t (*floats_attr)(const cameo_call *call, const char *name, const double **values);
  int64_t (*strings_attr)(const cameo_call *call, const char *name, const char *const **values);
  void *(*scratch)(cameo_call *call, int64_t bytes);
  int32_t (*fail)(cameo_call *call, const char *sentence);
} cameo_call_api;

/*
 * One call of an operator. Nothing of it may be kept after the function has returned. Inputs are
 * not to be written: they may be shared with other values of the model. A tensor's dims are never
 * NULL, its data is aligned to its elements and may be NULL only without elements; strings always
 * have lengths. The function returns 0 when it has made every output that is not NULL in `outputs`,
 * and anything else after a failure, which one of the functions has recorded.
 */
struct cameo_call {
  uint32_t struct_size; /* sizeof(cameo_call) of the library */
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t reserved;
  const cameo_value *const *inputs; /* num_inputs; NULL for those the node leaves out */
  const cameo_io *const *outputs;   /* num_outputs: what the model says of each, whose dims may be
                                       entries of a table out of reach; NULL where nobody wants it */
  const cameo_call_api *api;
};

/*
 * Memory for an output that is a tensor, to be filled in: dense, row-major, aligned to its
 * elements, not initialised. The type, rank and dims must be those the model declares, as far as it
 * does. An output that nobody wants gets memory that is thrown away. NULL after a failure, which is
 * recorded.
 */
CAMEO_INLINE void *cameo_call_tensor(cameo_call *call, int32_t output, int32_t dtype, int32_t rank,
                                     const int64_t *dims) {
  return call->api->tensor(call, output, dtype, rank, dims);
}

/*
 * Makes an output a copy of a value: an input, part of one, or a value of your own, which must be
 * all zero where nothing is said (cameo_value v = {0}). What is part of an input that is no tensor
 * is shared, not copied. Returns 0, or nonzero after a failure, which is recorded.
 */
CAMEO_INLINE int32_t cameo_call_value(cameo_call *call, int32_t output, const cameo_value *value) {
  return call->api->value(call, output, value);
}

/* The node's attributes; `otherwise` when it has none of that name and kind. */
CAMEO_INLINE int64_t cameo_call_int(const cameo_call *call, const char *name, int64_t otherwise) {
  return call->api->int_attr(call, name, otherwise);
}
CAMEO_INLINE double cameo_call_float(const cameo_call *call, const char *name, double otherwise) {
  return call->api->float_attr(call, name, otherwise);
}
CAMEO_INLINE const char *cameo_call_string(const cameo_call *call, const char *name,
                                           const char *otherwise) {
  return call->api->string_attr(call, name, otherwise);
}

/* Lists: how many values there are, -1 when the node has no such attribute. A single one counts. */
CAMEO_INLINE int64_t cameo_call_ints(const cameo_call *call, const char *name,
                                     const int64_t **values) {
  return call->api->ints_attr(call, name, values);
}
CAMEO_INLINE int64_t cameo_call_floats(const cameo_call *call, const char *name,
                                       const double **values) {
  return call->api->floats_attr(call, name, values);
}
CAMEO_INLINE int64_t cameo_call_strings(const cameo_call *call, const char *name,
                                        const char *const **values) {
  return call->api->strings_attr(call, name, values);
}

/* Memory, aligned to 16 bytes, that is freed after the call; NULL after a failure. */
CAMEO_INLINE void *cameo_call_scratch(cameo_call *call, int64_t bytes) {
  return call->api->scratch(call, bytes);
}

/*
 * Records why the call fails: one sentence, lower case, no full stop. The message of cameo_run is
 * "node 'NAME': SENTENCE". The first failure counts. Returns nonzero.
 */
CAMEO_INLINE int32_t cameo_call_fail(cameo_call *call, const char *sentence) {
  return call->api->fail(call, sentence);
}

/* Number of elements; INT64_MAX where it does not fit, which no input's does. */
CAMEO_INLINE int64_t cameo_call_count(int32_t rank, const int64_t *dims) {
  int32_t i;
  int64_t count = 1;
  for (i = 0; i < rank; i++)
    if (dims[i] == 0)
      return 0;
  for (i = 0; i < rank; i++)
    count = dims[i] > INT64_MAX / count ? INT64_MAX : count * dims[i];
  return count;
}

#ifdef __cplusplus
}
#endif

#endif
