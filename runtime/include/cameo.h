/*
 * The C API of libraries made by Cameo, ABI version 2.
 *
 * A generated library exports one function, named after the model:
 *
 *     const cameo_model *resnet50(void);
 *
 * and a shared library exports it a second time under the name CAMEO_MODEL_SYMBOL, for dlsym. The
 * model is an immutable object that any number of threads may share. A context, made from it by
 * cameo_create, holds the memory and the threads of one inference and belongs to one caller at a
 * time. Nothing here prints or exits; every failure is a status code, with a sentence to go with
 * it.
 *
 *     cameo_context *context;
 *     cameo_options options = cameo_default_options();
 *     options.threads = 2;
 *     if (cameo_create(resnet50(), &options, &context) != CAMEO_OK) ...
 *     if (cameo_run(context, inputs, outputs) != CAMEO_OK) puts(cameo_last_error(context));
 *     cameo_destroy(context);
 *
 * The functions live inside the generated library and are reached through the model object, so that
 * many models link into one program whatever versions of Cameo made them.
 */
#ifndef CAMEO_H
#define CAMEO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CAMEO_ABI_VERSION 2
#define CAMEO_MODEL_SYMBOL "cameo_model"

/* Of functions in headers; C89 has no word for it. */
#if defined(__cplusplus) || (defined(__STDC_VERSION__) && __STDC_VERSION__ >= 199901L)
#define CAMEO_INLINE static inline
#elif defined(__GNUC__)
#define CAMEO_INLINE static __inline__
#else
#define CAMEO_INLINE static
#endif

/* What every function below returns. New codes are only ever added at the end. */
enum cameo_status {
  CAMEO_OK = 0,
  CAMEO_INVALID_ARGUMENT = 1, /* a null pointer, a bad option, overlapping or misaligned buffers */
  CAMEO_WRONG_KIND = 2,       /* a tensor given where a sequence is expected, or the like */
  CAMEO_WRONG_DTYPE = 3,      /* element type differs from the model's */
  CAMEO_WRONG_RANK = 4,       /* number of dims differs from the model's */
  CAMEO_WRONG_SHAPE = 5, /* a dim differs from the model's, or two dims of one symbol disagree */
  CAMEO_TOO_SMALL = 6,   /* an output buffer is too small; its dims are filled in as far as known */
  CAMEO_BUSY = 7,        /* another thread is inside cameo_run with this context */
  CAMEO_OUT_OF_MEMORY = 8,    /* the system or the caller's workspace has too little memory */
  CAMEO_OVERFLOW = 9,         /* a size does not fit 64 bits, or the address space */
  CAMEO_MISSING_FEATURE = 10, /* the model was compiled for a CPU that this one is not */
  CAMEO_NO_THREADS = 11,      /* threads were asked for and the program or system has none */
  CAMEO_NO_WEIGHTS = 12,      /* the weights were not found, or are those of another model */
  CAMEO_RUN_FAILED = 13,      /* an operator met a value it cannot work with, e.g. a bad index */
  CAMEO_WRONG_VERSION = 14,   /* the model was made for another version of this ABI */
  CAMEO_CANCELLED = 15,       /* cameo_cancel was called during the run */
  CAMEO_LIMIT = 16,           /* the run came to options.max_iterations or max_seconds */
  CAMEO_DAMAGED = 17          /* CAMEO_VERIFY: code or weights are not what the compiler wrote */
};

/* Element types, numbered as in ONNX (TensorProto.DataType). */
enum cameo_dtype {
  CAMEO_UNDEFINED = 0,
  CAMEO_FLOAT32 = 1,
  CAMEO_UINT8 = 2,
  CAMEO_INT8 = 3,
  CAMEO_UINT16 = 4,
  CAMEO_INT16 = 5,
  CAMEO_INT32 = 6,
  CAMEO_INT64 = 7,
  CAMEO_STRING = 8,
  CAMEO_BOOL = 9, /* one byte: 0 is false, everything else true; outputs hold 0 or 1 */
  CAMEO_FLOAT16 = 10,
  CAMEO_FLOAT64 = 11,
  CAMEO_UINT32 = 12,
  CAMEO_UINT64 = 13,
  CAMEO_COMPLEX64 = 14,
  CAMEO_COMPLEX128 = 15,
  CAMEO_BFLOAT16 = 16,
  CAMEO_FLOAT8E4M3FN = 17,
  CAMEO_FLOAT8E4M3FNUZ = 18,
  CAMEO_FLOAT8E5M2 = 19,
  CAMEO_FLOAT8E5M2FNUZ = 20,
  CAMEO_UINT4 = 21, /* types under 8 bits are packed, first element in the low bits */
  CAMEO_INT4 = 22,
  CAMEO_FLOAT4E2M1 = 23,
  CAMEO_FLOAT8E8M0 = 24,
  CAMEO_UINT2 = 25,
  CAMEO_INT2 = 26
};

/* What a cameo_value holds. */
enum cameo_kind {
  CAMEO_TENSOR = 0,
  CAMEO_STRINGS = 1,
  CAMEO_SEQUENCE = 2,
  CAMEO_MAP = 3,
  CAMEO_OPTIONAL = 4
};

typedef struct cameo_model cameo_model;
typedef struct cameo_context cameo_context;
typedef struct cameo_pool cameo_pool;
typedef struct cameo_value cameo_value;

/*
 * A dense row-major tensor. Data needs the alignment of one element and is never read or written
 * past its end. An input's data may be NULL only when it has no elements.
 *
 * As an output, `data` NULL asks for memory of the context, valid until its next run; otherwise
 * `capacity` says how many bytes there are. `dims` NULL asks for the context's table likewise;
 * otherwise `rank` says how many entries there are. The run fills in dtype, rank and dims, and data
 * where it was NULL. An output of a rank that only the run knows takes up to 64 dims. A value still
 * holding the context's own pointers from the run before counts as NULL, so the same array of
 * outputs can be passed again; to another context it must not go as it is.
 */
typedef struct cameo_tensor {
  void *data;
  int64_t *dims;
  int64_t capacity; /* bytes at data; for an input 0 means not stated */
  int32_t dtype;    /* enum cameo_dtype; for an output 0 accepts whatever the model makes */
  int32_t rank;
} cameo_tensor;

/* A tensor of strings: UTF-8, `lengths` in bytes, or NULL where all are terminated by a zero. */
typedef struct cameo_strings {
  const char *const *data;
  const int64_t *lengths;
  int64_t *dims;
  int32_t rank;
  int32_t reserved;
} cameo_strings;

typedef struct cameo_sequence {
  cameo_value *items;
  int64_t count;
} cameo_sequence;

/* `keys` is a rank 1 tensor or strings; `values` has the same length. */
typedef struct cameo_map {
  cameo_value *keys;
  cameo_value *values;
} cameo_map;

/* `value` is NULL when the optional is empty. */
typedef struct cameo_optional {
  cameo_value *value;
} cameo_optional;

struct cameo_value {
  int32_t kind; /* enum cameo_kind */
  int32_t reserved;
  union {
    cameo_tensor tensor;
    cameo_strings strings;
    cameo_sequence sequence;
    cameo_map map;
    cameo_optional optional;
    int64_t space[5];
  } as;
};

/*
 * One input or output of a model. Each of its dims is a constant, 0 or greater, or an entry of the
 * model's dims table, stored as a negative number: entry cameo_dim_entry(d), whose name is
 * model->dim_names[entry]. For a sequence or an optional type, rank and dims are those of the
 * tensors in it; a dim that is an entry then says nothing, each tensor may have its own.
 */
typedef struct cameo_io {
  const char *name;
  const int64_t *dims;
  int32_t kind;  /* enum cameo_kind */
  int32_t dtype; /* enum cameo_dtype; of the elements for a sequence or an optional */
  int32_t rank;  /* -1: not known before the run */
  int32_t boxed; /* 1: an output whose dims are known only after the run, or that is no tensor */
} cameo_io;

CAMEO_INLINE int32_t cameo_dim_is_entry(int64_t dim) { return dim < 0; }
CAMEO_INLINE int64_t cameo_dim_entry(int64_t dim) { return -1 - dim; }

/*
 * Fills [offset, offset + size) of the weights at `data`; returns 0, or anything else to fail.
 * Called from cameo_create only.
 */
typedef int32_t (*cameo_read_weights)(void *user, int64_t offset, void *data, int64_t size);

/* Option flags. */
#define CAMEO_HUGE_PAGES 1u /* copy the weights to huge pages, one copy a context */
#define CAMEO_POISON 2u     /* for tests: fill the workspace with NaN before each run */
#define CAMEO_VERIFY 4u     /* check the library's file, and a weights file, by their checksums */

/* Options of cameo_create. Start from cameo_default_options(): fields may be added at the end. */
typedef struct cameo_options {
  uint32_t struct_size; /* sizeof(cameo_options) of the caller */
  uint32_t flags;
  int32_t threads; /* the caller's included; 0 is 1, negative is one for each usable CPU */
  int32_t reserved;
  cameo_pool *pool;       /* run on these threads instead of own ones; `threads` is then ignored */
  void *workspace;        /* memory of the caller used instead of own, or NULL */
  int64_t workspace_size; /* see cameo_workspace_size */
  /* Where the weights come from when not from the library: at most one of these three is set. */
  const char *weights_path; /* the weights file, to be mapped */
  /* the weights in memory kept by the caller: 64-byte aligned, and 64 readable bytes behind */
  const void *weights;
  cameo_read_weights read_weights;
  void *user;    /* first argument of read_weights */
  uint64_t seed; /* of random operators */
  char *message; /* where cameo_create writes its error message, or NULL */
  int64_t message_size;
  /* Limits of a run, which then ends with CAMEO_LIMIT. Iterations are those of all Loop and Scan
     nodes together; time is looked at between kernels and iterations. 0: no limit. */
  int64_t max_iterations;
  double max_seconds;
} cameo_options;

CAMEO_INLINE cameo_options cameo_default_options(void) {
  cameo_options options;
  options.struct_size = sizeof(cameo_options);
  options.flags = 0;
  options.threads = 1;
  options.reserved = 0;
  options.pool = NULL;
  options.workspace = NULL;
  options.workspace_size = 0;
  options.weights_path = NULL;
  options.weights = NULL;
  options.read_weights = NULL;
  options.user = NULL;
  options.seed = 0;
  options.message = NULL;
  options.message_size = 0;
  options.max_iterations = 0;
  options.max_seconds = 0;
  return options;
}

/*
 * Threads that several contexts share, also of different models. Teams of different contexts take
 * turns. A program may supply its own threads by filling this in: `run` calls task(argument, t, n)
 * for every t of 0 .. n-1, n at most `threads`, t = 0 on the calling thread, and returns when all
 * have returned, CAMEO_OK, or before any was called, another status. The calls should be at the
 * same time on n threads, but need not: each does what the others leave. `barrier` is not called
 * and may be NULL.
 */
struct cameo_pool {
  int32_t threads;
  int32_t reserved;
  int32_t (*run)(cameo_pool *pool, void (*task)(void *argument, int32_t thread, int32_t threads),
                 void *argument);
  void (*barrier)(cameo_pool *pool, int32_t thread);
  void (*destroy)(cameo_pool *pool);
};

/* The functions behind the wrappers below. */
typedef struct cameo_api {
  int32_t (*create)(const cameo_model *model, const cameo_options *options,
                    cameo_context **context);
  int32_t (*run)(cameo_context *context, const cameo_value *inputs, cameo_value *outputs);
  void (*destroy)(cameo_context *context);
  const char *(*last_error)(const cameo_context *context);
  const char *(*status_string)(int32_t status);
  int64_t (*workspace_size)(const cameo_model *model, const int64_t *symbols, int32_t threads);
  int32_t (*pool_create)(int32_t threads, cameo_pool **pool);
  void (*cancel)(cameo_context *context);
} cameo_api;

/* Something that the model's file says of itself, in UTF-8. */
typedef struct cameo_property {
  const char *key;
  const char *value;
} cameo_property;

/*
 * The model object. The first `num_symbols` entries of the dims table are the symbols that the
 * inputs define, in order of appearance; the others are computed from them or during the run, and
 * have a name (dim_names[i] not NULL) where an output's dims mention them.
 */
struct cameo_model {
  uint32_t abi_version; /* CAMEO_ABI_VERSION; check it before anything else */
  uint32_t struct_size; /* sizeof(cameo_model) when it was made */
  const char *name;
  const char *metadata;    /* JSON: metadata_props, opset, producer, compiler version and flags */
  const char *cpu;         /* the CPU feature set the code needs, e.g. "x86-64-v3+vnni" */
  const cameo_io *inputs;  /* num_inputs */
  const cameo_io *outputs; /* num_outputs */
  const char *const *dim_names; /* num_dims, each a name or NULL */
  int32_t num_inputs;
  int32_t num_outputs;
  int32_t num_symbols;
  int32_t num_dims;
  int64_t weights_size; /* bytes */
  const cameo_api *api;
  const struct cameo_code *code; /* private to the runtime */
  /* For cameo_metadata: the properties of the file's own, then the rest of the metadata. Libraries
     made before there was this have a smaller struct_size. */
  const cameo_property *properties; /* num_properties */
  int64_t num_properties;
};

struct cameo_context {
  const cameo_model *model;
  /* The rest is private. */
};

/* Whether the functions of a model are those of this header: CAMEO_OK, or why not. */
CAMEO_INLINE int32_t cameo_check_model(const cameo_model *model) {
  if (!model)
    return CAMEO_INVALID_ARGUMENT;
  return model->abi_version == CAMEO_ABI_VERSION ? CAMEO_OK : CAMEO_WRONG_VERSION;
}

/*
 * What the model's file says under a key: a property of its own (ONNX metadata_props), or else
 * "producer_name", "opset" and the like, see docs/runtime.md. NULL if it says nothing.
 */
CAMEO_INLINE const char *cameo_metadata(const cameo_model *model, const char *key) {
  int64_t i, at;
  if (!key || cameo_check_model(model) ||
      model->struct_size < offsetof(cameo_model, num_properties) + sizeof(int64_t))
    return NULL;
  for (i = 0; i < model->num_properties; i++) {
    const char *own = model->properties[i].key;
    for (at = 0; own[at] == key[at]; at++)
      if (!key[at])
        return model->properties[i].value;
  }
  return NULL;
}

/*
 * Makes a context. On failure *context is NULL and the reason is in options->message. `options` may
 * be NULL: one thread, weights and memory of the library.
 */
CAMEO_INLINE int32_t cameo_create(const cameo_model *model, const cameo_options *options,
                                  cameo_context **context) {
  int32_t status = context ? cameo_check_model(model) : (int32_t)CAMEO_INVALID_ARGUMENT;
  if (context)
    *context = NULL;
  return status ? status : model->api->create(model, options, context);
}

/*
 * Runs the model: model->num_inputs values in, model->num_outputs values out. Outputs may overlap
 * neither inputs nor each other. After the first run with given sizes nothing is allocated. Unless
 * the status is CAMEO_OK the contents of the outputs are undefined. An input is checked before
 * anything is written.
 */
CAMEO_INLINE int32_t cameo_run(cameo_context *context, const cameo_value *inputs,
                               cameo_value *outputs) {
  return context ? context->model->api->run(context, inputs, outputs)
                 : (int32_t)CAMEO_INVALID_ARGUMENT;
}

/*
 * Makes the run that is in progress in this context, if there is one, end with CAMEO_CANCELLED
 * after the kernel that it is in. May be called from any thread and from a signal handler. The
 * context can be run again.
 */
CAMEO_INLINE void cameo_cancel(cameo_context *context) {
  if (context)
    context->model->api->cancel(context);
}

/* Frees a context; NULL is allowed. It must not be running. */
CAMEO_INLINE void cameo_destroy(cameo_context *context) {
  if (context)
    context->model->api->destroy(context);
}

/* One sentence on the last failed run of this context, "" if none; valid until the next run. */
CAMEO_INLINE const char *cameo_last_error(const cameo_context *context) {
  return context ? context->model->api->last_error(context) : "no context";
}

/* A few words for a status code. */
CAMEO_INLINE const char *cameo_status_string(const cameo_model *model, int32_t status) {
  return cameo_check_model(model) ? "unknown status" : model->api->status_string(status);
}

/*
 * Bytes of workspace a run needs when the model's symbols have these values (num_symbols of them),
 * any alignment slack included; or minus a status code.
 */
CAMEO_INLINE int64_t cameo_workspace_size(const cameo_model *model, const int64_t *symbols,
                                          int32_t threads) {
  int32_t status = cameo_check_model(model);
  return status ? -status : model->api->workspace_size(model, symbols, threads);
}

/*
 * Makes a pool of `threads` threads (the caller of a run counts as one; as in cameo_options), using
 * the model's code. On failure *pool is NULL.
 */
CAMEO_INLINE int32_t cameo_pool_create(const cameo_model *model, int32_t threads,
                                       cameo_pool **pool) {
  int32_t status = pool ? cameo_check_model(model) : (int32_t)CAMEO_INVALID_ARGUMENT;
  if (pool)
    *pool = NULL;
  return status ? status : model->api->pool_create(threads, pool);
}

/* Frees a pool that no context uses any more; NULL is allowed. */
CAMEO_INLINE void cameo_pool_destroy(cameo_pool *pool) {
  if (pool && pool->destroy)
    pool->destroy(pool);
}

#ifdef __cplusplus
}
#endif

#endif
