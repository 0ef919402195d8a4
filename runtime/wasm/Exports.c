/*
 * What a wasm module exports beside its memory and `cameo_model`: the C interface of
 * include/cameo.h, whose functions are inline in C, and the heap. js/cameo.mjs is the caller; it
 * relies on the layouts asserted here.
 */
#include "Runtime.h"
#include "include/cameo_bundle.h"

#define EXPORT(name) __attribute__((export_name(#name), used))

EXPORT(cameo_malloc) void *cameo_wasm_malloc(size_t size) { return malloc(size); }

EXPORT(cameo_free) void cameo_wasm_free(void *pointer) { free(pointer); }

EXPORT(cameo_create)
int32_t cameo_wasm_create(const cameo_model *model, const cameo_options *options,
                          cameo_context **context) {
  return cameo_create(model, options, context);
}

EXPORT(cameo_run)
int32_t cameo_wasm_run(cameo_context *context, const cameo_value *inputs, cameo_value *outputs) {
  return cameo_run(context, inputs, outputs);
}

EXPORT(cameo_destroy) void cameo_wasm_destroy(cameo_context *context) { cameo_destroy(context); }

EXPORT(cameo_last_error) const char *cameo_wasm_last_error(const cameo_context *context) {
  return cameo_last_error(context);
}

EXPORT(cameo_status_string)
const char *cameo_wasm_status_string(const cameo_model *model, int32_t status) {
  return cameo_status_string(model, status);
}

#define AT(type, field, offset)                                                                    \
  _Static_assert(__builtin_offsetof(type, field) == offset, #type "." #field)
_Static_assert(CAMEO_ABI_VERSION == 2, "the version that js/cameo.mjs expects");
AT(cameo_model, abi_version, 0);
AT(cameo_model, name, 8);
AT(cameo_model, metadata, 12);
AT(cameo_model, inputs, 20);
AT(cameo_model, outputs, 24);
AT(cameo_model, dim_names, 28);
AT(cameo_model, num_inputs, 32);
AT(cameo_model, num_outputs, 36);
AT(cameo_bundle, models, 12);
AT(cameo_bundle, properties, 16);
AT(cameo_bundle, num_models, 20);
AT(cameo_bundle, num_properties, 24);
AT(cameo_bundle_property, value, 4);
AT(cameo_bundle_property, model, 8);
_Static_assert(sizeof(cameo_bundle_property) == 16, "cameo_bundle_property");
AT(cameo_io, name, 0);
AT(cameo_io, dims, 4);
AT(cameo_io, kind, 8);
AT(cameo_io, dtype, 12);
AT(cameo_io, rank, 16);
_Static_assert(sizeof(cameo_io) == 24, "cameo_io");
AT(cameo_value, as.tensor.data, 8);
AT(cameo_value, as.tensor.dims, 12);
AT(cameo_value, as.tensor.capacity, 16);
AT(cameo_value, as.tensor.dtype, 24);
AT(cameo_value, as.tensor.rank, 28);
_Static_assert(sizeof(cameo_value) == 48, "cameo_value");
AT(cameo_options, threads, 8);
AT(cameo_options, seed, 48);
AT(cameo_options, message, 56);
AT(cameo_options, message_size, 64);
AT(cameo_options, max_iterations, 72);
_Static_assert(sizeof(cameo_options) == 88, "cameo_options");
