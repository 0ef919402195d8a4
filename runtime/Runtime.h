/*
 * The runtime's own state and the functions its files share. See abi.h for what generated code sees
 * and include/cameo.h for what users see.
 */
#ifndef CAMEO_RUNTIME_RUNTIME_H
#define CAMEO_RUNTIME_RUNTIME_H

#include "abi.h"

/* The C library functions in use, declared here because most targets are built without headers. */
void *malloc(size_t size);
void free(void *pointer);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memset(void *to, int byte, size_t size);

enum { CAMEO_ALIGNMENT = 64, CAMEO_SLACK = 64, CAMEO_MESSAGE_SIZE = 320, CAMEO_MAX_THREADS = 1024 };
/* What a block of memory needs around the bytes that are used of it, wherever it begins. */
enum { CAMEO_BLOCK_MARGIN = 2 * CAMEO_SLACK + CAMEO_ALIGNMENT };

/* Memory of a context, kept from run to run; `data` is aligned and has slack on both sides. */
struct cameo_memory {
  uint8_t *data;
  int64_t size;   /* usable bytes at data */
  void *base;     /* what to free; NULL when empty or the caller's */
  int64_t mapped; /* bytes at base when they are pages, 0 when they are from malloc */
};

/* An output during a run. */
struct cameo_output {
  int64_t *dims;  /* the context's table for an output whose caller gave none */
  int64_t bytes;  /* of the output's dims; for one in a box, what may not overlap anything else */
  int64_t offset; /* in the context's output memory, -1 when written elsewhere */
};

struct cameo_private {
  cameo_context head;
  const struct cameo_code *code;
  struct cameo_frame frame;
  const uint8_t **inputs;        /* num_inputs; frame.inputs */
  int64_t *input_bytes;          /* num_inputs */
  uint8_t **outputs;             /* num_outputs; frame.outputs */
  struct cameo_output *results;  /* num_outputs */
  int64_t *symbols;              /* num_symbols, of the run being checked */
  struct cameo_boxes *boxes;     /* NULL when code->boxing is */
  cameo_pool *pool;              /* NULL with one thread */
  struct cameo_team_state *team; /* likewise */
  int32_t has_claimed;           /* with one thread: the section's units */
  struct cameo_memory workspace;
  struct cameo_memory results_memory;
  struct cameo_memory weights_copy;
  const uint8_t *weights_map;
  int64_t weights_map_size;
  struct cameo_fault fault;
  int32_t fault_taken;    /* atomic: who sets it writes `fault` */
  int32_t team_status;    /* of the pool, when a team could not be run */
  int64_t max_iterations; /* limits of a run, 0 for none; time in nanoseconds */
  int64_t max_time;
  int64_t iterations; /* of this run */
  int64_t started;
  uint64_t callers_float;  /* the mode that the caller of this run works in */
  int32_t busy;            /* atomic */
  int32_t prepared;        /* dims and workspace fit the symbols in dims[] */
  int64_t workspace_used;  /* bytes that the dims need */
  int64_t workspace_given; /* bytes of the caller's */
  int32_t owns_pool;
  int32_t owns_workspace;
  uint32_t flags;
  char message[CAMEO_MESSAGE_SIZE];
};

/*
 * Products and sums of sizes. What does not fit is INT64_MAX, so much memory that asking for it
 * fails; a product with a factor of 0 is 0.
 */
static inline int64_t cameo_times(int64_t a, int64_t b) {
  int64_t product;
  return __builtin_mul_overflow(a, b, &product) ? INT64_MAX : product;
}
static inline int64_t cameo_plus(int64_t a, int64_t b) {
  int64_t sum;
  return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

static inline struct cameo_private *cameo_private_of(const struct cameo_frame *frame) {
  return (struct cameo_private *)((char *)frame - __builtin_offsetof(struct cameo_private, frame));
}

/*
 * What a run needs of boxes and of values that are no tensors. A table, so that a model without
 * them does not have the code. `begin` and `end` are called once a run.
 */
struct cameo_boxing {
  int32_t (*create)(struct cameo_private *self);
  void (*destroy)(struct cameo_private *self);
  void (*begin)(struct cameo_private *self);
  void (*end)(struct cameo_private *self);
  /* Checks an input that is no tensor. */
  int32_t (*read)(struct cameo_private *self, int32_t input, const cameo_value *value);
  /* Whether data is in a box. */
  int32_t (*holds)(const struct cameo_private *self, const void *data);
  /* After `main`: fills in an output that is in a box, or says why not. */
  int32_t (*finish)(struct cameo_private *self, int32_t output, cameo_value *value);
};

/* Values for a message: text may use %s, %t, %a, %b and %c. */
struct cameo_words {
  const char *s;
  const char *t;
  int64_t a;
  int64_t b;
  int64_t c;
};

/* Writes at most size bytes, the ending zero included; `out` may be NULL. */
void cameo_say(char *out, int64_t size, const char *text, const struct cameo_words *words);
void cameo_say_fault(char *out, int64_t size, const struct cameo_code *code,
                     const struct cameo_fault *fault);
const char *cameo_dtype_name(int32_t dtype);
const char *cameo_rt_status_string(int32_t status);

/* Says why a run fails, and returns `status`. */
int32_t cameo_run_fail(struct cameo_private *self, int32_t status, const char *text,
                       const struct cameo_words *words);

/* The limits of the runs to come. */
void cameo_set_limits(struct cameo_private *self, const cameo_options *options);
/* From here on the run can be ended by what Stop.c says. */
void cameo_begin(struct cameo_private *self);
/* Ends the run when its time is over. From the caller's thread. */
void cameo_check_time(struct cameo_private *self);

/* What the threads of a context's pool share, Team.c. A status. */
int32_t cameo_team_create(struct cameo_private *self);
void cameo_team_destroy(struct cameo_private *self);
/* Does parts 0 to parts - 1 of what a function in C has to do, any of them on any thread. */
void cameo_team_share(struct cameo_private *self, void (*work)(void *argument, int64_t part),
                      void *argument, int64_t parts);
/* What the run comes to after `main`, with its message. */
int32_t cameo_end(struct cameo_private *self);

/* Checks the rank and dims of an input and binds the symbols that they stand for. */
int32_t cameo_bind_dims(struct cameo_private *self, const cameo_io *io, int32_t rank,
                        const int64_t *dims);
/* Whether data is aligned for one element; complex numbers are as two. */
int32_t cameo_is_aligned(const void *data, int32_t dtype);

/* Sets the rank of an output, which until then is the number of entries that its dims have. */
int32_t cameo_set_rank(struct cameo_private *self, const cameo_io *io, cameo_tensor *tensor,
                       int32_t rank);

/* The size that a dim of a cameo_io stands for in this run; -1 while it is not known. */
int64_t cameo_dim_of(const struct cameo_private *self, int64_t dim);
/* The dims as they are now; -1 for those not known yet. */
void cameo_fill_dims(const struct cameo_private *self, const cameo_io *io, int64_t *dims);

/* The largest rank of a value whose rank only the run knows. */
enum { CAMEO_MAX_RANK = 64 };
/* Whether it is a value with an owner (Boxes.h): no tensor, or one of a rank that only the run
   knows. */
static inline int32_t cameo_is_boxed(const cameo_io *io) {
  return io->kind != CAMEO_TENSOR || io->rank < 0;
}

/* Bytes of a dense tensor; CAMEO_OVERFLOW when they do not fit this machine's pointers. */
int32_t cameo_tensor_bytes(int32_t dtype, int32_t rank, const int64_t *dims, int64_t *bytes);
int32_t cameo_dtype_bits(int32_t dtype);

/* Makes room for size bytes; the contents are lost when it has to grow. */
int32_t cameo_memory_reserve(struct cameo_memory *memory, int64_t size);
/* The same, but the contents stay, and when it grows it at least doubles. */
int32_t cameo_memory_grow(struct cameo_memory *memory, int64_t size);
void cameo_memory_free(struct cameo_memory *memory);
/* Whether a pointer is to these bytes or right behind them. */
int32_t cameo_memory_holds(const struct cameo_memory *memory, const void *data);

int32_t cameo_rt_create(const cameo_model *model, const cameo_options *options,
                        cameo_context **context);
void cameo_rt_destroy(cameo_context *context);
const char *cameo_rt_last_error(const cameo_context *context);
int32_t cameo_rt_run(cameo_context *context, const cameo_value *inputs, cameo_value *outputs);
int64_t cameo_rt_workspace_size(const cameo_model *model, const int64_t *symbols, int32_t threads);
int32_t cameo_rt_pool_create(int32_t threads, cameo_pool **pool);
void cameo_rt_cancel(cameo_context *context);

/* Fills in where the weights are, by the options; says why when there are none. */
int32_t cameo_weights_open(struct cameo_private *self, const cameo_options *options);
void cameo_weights_close(struct cameo_private *self);

/* With CAMEO_VERIFY: CAMEO_DAMAGED, with a sentence, unless all is as the compiler wrote it. */
int32_t cameo_verify_library(const cameo_model *model, const cameo_options *options);
/* The weights in frame.weights, where the model knows their checksum. */
int32_t cameo_verify_weights(const struct cameo_private *self, const cameo_options *options);

/* The name of a feature that the code needs and this CPU lacks, or NULL. */
const char *cameo_cpu_missing(const struct cameo_code *code);

/* Modes of floating-point arithmetic, rounding to nearest: with denormals, for functions in C; and
   that of generated code, which on x86 gives 0 for denormal results. */
enum cameo_float { CAMEO_FLOAT_EXACT, CAMEO_FLOAT_FAST };
/* Returns the mode before, for cameo_cpu_restore_float. */
uint64_t cameo_cpu_set_float(enum cameo_float mode);
void cameo_cpu_restore_float(uint64_t mode);

#endif
