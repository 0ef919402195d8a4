/*
 * What generated code and the runtime share. Private: both sides are compiled into the same
 * library, so nothing here is promised to users and any of it may change from one Cameo to the
 * next.
 *
 * codegen/ emits constants of exactly the shapes declared here and in cameo.h (cameo_model,
 * cameo_io, cameo_code), as ordinary non-packed LLVM structs in this field order: natural alignment
 * gives the same layout on both sides. The entry function it emits returns the address of the
 * cameo_model constant, whose `api` is @cameo_rt_api and whose `code` is the cameo_code constant.
 *
 * A run goes like this. The runtime checks the inputs, binds the symbols to dims[0 .. num_symbols),
 * calls `sizes`, checks the outputs' capacity, calls `workspace` and sees to the memory, and calls
 * `main` on the caller's thread. `sizes` and `workspace` are skipped when the symbols
 * are those of the run before, so they may depend on nothing else. After `main` the
 * outputs' dims are read from the dims table.
 *
 * Values whose size only the run knows, and values that are no tensors, live in boxes: memory of
 * the context that `main` makes room in (cameo_rt_reserve) or that a call of a C kernel fills
 * (cameo_rt_call).
 */
#ifndef CAMEO_RUNTIME_ABI_H
#define CAMEO_RUNTIME_ABI_H

#include "include/cameo_op.h"

/*
 * The run's state as generated code sees it. Pointers may be loaded once at the head of a function:
 * they do not change during a run, but for those `boxes` points to. The runtime's own state lies
 * behind it, so only its address is passed around.
 */
struct cameo_frame {
  const uint8_t *const *inputs; /* data of input i, element-aligned, never NULL */
  uint8_t *const *outputs;      /* where to write output i, element-aligned, never NULL; it does not
                                   overlap anything. Has room for its dims as of `sizes`. Not for
                                   outputs that are made in a box. */
  int64_t *dims;                /* num_dims entries: symbols of the inputs, entries computed by
                                   `sizes`, entries written during the run (NonZero counts) */
  uint8_t *workspace;           /* 64-byte aligned; 64 bytes before and behind may be loaded */
  const uint8_t *weights;       /* 64-byte aligned; 64 bytes behind may be loaded */
  uint8_t *const *boxes;        /* data of box i, aligned and with slack as the workspace, or NULL;
                                   changes only between team functions, by cameo_rt_reserve and
                                   cameo_rt_call */
  uint64_t seed;                /* of random ops: options.seed */
  uint64_t run;                 /* counts the context's runs from 0: a counter for random ops */
  int32_t threads;              /* that a team function will be called with */
  int32_t failed;               /* atomic; nonzero once the run is to end, because something failed
                                   or it was cancelled: see cameo_rt_failed */
};

/* A failure with its particulars: `node` indexes cameo_code.nodes, a and b are the text's values.
 */
struct cameo_fault {
  int32_t code; /* enum cameo_fault_code; 0 is none */
  int32_t node; /* -1: none */
  int64_t a;
  int64_t b;
  const char *text; /* of CAMEO_FAULT_TEXT */
};

/*
 * What can go wrong while a model runs: X(name, text), where %a and %b stand for the fault's
 * values. The message is "node 'NAME': TEXT". Add rows at will; the numbers are private to a
 * library.
 */
#define CAMEO_UNKNOWN INT64_MIN
#define CAMEO_FAULTS(X)                                                                            \
  X(SIZES, "a size is negative or too large")                                                      \
  X(SIZE_OVERFLOW, "a tensor's size does not fit 64 bits")                                         \
  X(NEGATIVE_SIZE, "a dim would be %b, expected at least %a")                                      \
  X(INDEX_RANGE, "index %a is out of range for an axis of size %b")                                \
  X(DIMS_DIFFER, "dims %a and %b differ, expected the same")                                       \
  X(NO_BROADCAST, "dims %a and %b do not broadcast")                                               \
  X(RESHAPE, "cannot reshape %a elements into %b")                                                 \
  X(SPLIT, "the parts add up to %a, expected %b")                                                  \
  X(AXIS, "axis %a is out of range for rank %b")                                                   \
  X(RANK, "expected rank %b, got %a")                                                              \
  X(ITERATIONS, "the run has come to its limit of %a iterations")                                  \
  X(VALUE, "value %a is not allowed here, the limit is %b")                                        \
  X(ZERO_STEP, "a step is 0")                                                                      \
  X(EMPTY, "cannot reduce an empty axis")                                                          \
  X(NO_MEMORY, "cannot get %a bytes of memory")                                                    \
  X(POSITION, "position %a is outside a sequence of length %b")                                    \
  X(NO_OPERAND, "operand %a is not there")                                                         \
  X(NO_RESULT, "result %a was not made")                                                           \
  X(TEXT, "%s")                                                                                    \
  X(AXIS_TWICE, "axis %a is named twice")                                                          \
  X(REGION, "a corner of region %a is not a number or too far away")                               \
  X(SCALE, "scale %a is not a number above 0, or too large")                                       \
  X(NO_ELEMENTS, "expected an axis with elements to make others of, got one of size %a")           \
  X(SECONDS, "the run has come to its limit of %a milliseconds")                                   \
  X(TEAM, "the pool runs a task as thread %a of %b")

enum cameo_fault_code {
  CAMEO_FAULT_NONE = 0,
#define X(name, text) CAMEO_FAULT_##name,
  CAMEO_FAULTS(X)
#undef X
      CAMEO_FAULT_OWN /* and above: texts of the library's own, cameo_code.texts */
};

/* Where an operand or a result of a call lies. */
enum cameo_space {
  CAMEO_SPACE_NONE = 0, /* nowhere: an optional operand or result that the node leaves out */
  CAMEO_SPACE_ARENA = 1,
  CAMEO_SPACE_WEIGHTS = 2,
  CAMEO_SPACE_INPUT = 3,
  CAMEO_SPACE_OUTPUT = 4,
  CAMEO_SPACE_BOX = 5
};

/* An operand or a result of a call. Tensors are dense and row-major; values of other kinds are an
   input of the model as a whole, or a box. */
struct cameo_place {
  int32_t space;  /* enum cameo_space */
  int32_t index;  /* of the input, output or box */
  int64_t offset; /* bytes; a negative number is a dims entry, as in cameo_io */
  cameo_io io;    /* kind, type, dims; the name is not used */
};

/* Kinds of attributes. */
enum { CAMEO_ATTR_INTS = 1, CAMEO_ATTR_FLOATS = 2, CAMEO_ATTR_STRINGS = 3 };

struct cameo_attribute {
  const char *name;
  int32_t kind;
  int32_t scalar; /* 1: a single value; count is 1 */
  int64_t count;
  const void *data; /* int64_t, double or const char *, `count` of them */
};

/* A call of a C kernel: one node of the model. */
struct cameo_site {
  int32_t (*kernel)(cameo_call *call);
  const struct cameo_place *inputs, *outputs;
  const struct cameo_attribute *attributes;
  const int32_t *defines; /* entries of dims that this call fills in */
  int32_t num_inputs, num_outputs, num_attributes, num_defines;
  int32_t node; /* for messages, as in cameo_fault */
};

/* The part of the runtime that is only in libraries which need it. */
extern const struct cameo_boxing cameo_rt_boxing;

/* Architectures, for the meaning of cameo_code.features. */
enum cameo_arch {
  CAMEO_ARCH_X86 = 0,
  CAMEO_ARCH_AARCH64 = 1,
  CAMEO_ARCH_ARM = 2,
  CAMEO_ARCH_RISCV = 3,
  CAMEO_ARCH_WASM = 4
};

/* The generated code and its data. Functions that are not needed may be NULL, except `main`. */
struct cameo_code {
  /* The weights in the library (64-byte aligned, 64 readable bytes behind), or NULL: they come from
     `weights_file`, or from an option of the caller. Unused when weights_size is 0. */
  const uint8_t *weights;
  /* Name without folder of the file beside, or NULL. It holds weights_size bytes and then a
     trailer: 8 bytes "cameowts" and weights_id in little endian, their checksum (Checksum.h). */
  const char *weights_file;
  uint64_t weights_id;
  /* CPU features the code needs, bit numbers from Features.def for its `arch`. */
  uint64_t features[2];
  int32_t arch;
  int32_t num_nodes;
  const char *const *nodes; /* names for messages */
  const char *const *texts; /* of faults from CAMEO_FAULT_OWN on, as those of CAMEO_FAULTS */
  int32_t num_texts;

  /* Computes the derived entries of `dims`; those it leaves alone are -1. Returns 0, or anything
     else on failure, with *fault filled in if it knows more than that a size is bad. Must reject
     every negative size and overflow, for any symbols >= 0: the kernels rely on it. */
  int32_t (*sizes)(int64_t *dims, struct cameo_fault *fault);
  /* Bytes of workspace for these dims and number of threads, -1 on overflow. Pure. */
  int64_t (*workspace)(const int64_t *dims, int32_t threads);
  void (*main)(struct cameo_frame *frame);

  int32_t num_boxes;
  int32_t num_sites;
  const int32_t
      *output_boxes; /* num_outputs: the box that holds the output after `main`, or -1; NULL:
                        none. An output has a box exactly if its cameo_io says `boxed`. */
  const struct cameo_site *sites;
  /* &cameo_rt_boxing when there is a box, a site, or an input or output that is no tensor or has no
     known rank, else NULL. */
  const struct cameo_boxing *boxing;
};

/* A team function: called on `threads` threads at once, numbered from 0 (the caller's). */
typedef void (*cameo_team)(struct cameo_frame *frame, int32_t thread, int32_t threads);

/* The table for cameo_model.api. */
extern const cameo_api cameo_rt_api;

/*
 * Runs `team` on frame->threads threads and returns when all that have come have returned; what
 * they wrote is then visible. Called from `main` (or what it calls) on the caller's thread, never
 * from a team. With one thread it is a plain call, and so it is where `work`, the number of
 * elements that the threads could share, is small. Does nothing when the run has failed already.
 *
 * A team function is a sequence of sections, the same for every thread; a thread may come late or
 * never. What it writes outside of the units of sections nobody else may read.
 */
void cameo_rt_team(struct cameo_frame *frame, cameo_team team, int64_t work);

/*
 * Claims units of the section that the thread has come to: 1, and [range[0], range[1]) are this
 * thread's to do, or 0 when there are no more; then the thread has left the section. `units` must
 * be the same for all threads. All claims together are each unit once.
 */
int32_t cameo_rt_claim(struct cameo_frame *frame, int32_t thread, int64_t units, int64_t range[2]);

/* Waits, in a team function and outside of sections, until all units of the sections before have
   been done, by whatever threads; what these wrote is then visible. */
void cameo_rt_barrier(struct cameo_frame *frame, int32_t thread);

/*
 * Records a fault unless there is one already. From any thread; it returns, the team goes on. A
 * value that is not known is CAMEO_UNKNOWN, and shown as "?".
 */
void cameo_rt_fail(struct cameo_frame *frame, int32_t code, int32_t node, int64_t a, int64_t b);

/*
 * Whether the run is to end. Inside a team another thread's fault may or may not be seen, so it
 * must not decide whether to reach a barrier. Behind the next one all threads see it.
 */
int32_t cameo_rt_failed(const struct cameo_frame *frame);

/*
 * Counts an iteration of a loop in `main`, which ends if the run is to end: past its limits, or
 * because of anything else. `node` is for messages.
 */
int32_t cameo_rt_iterate(struct cameo_frame *frame, int32_t node);

/*
 * Makes room for a tensor of `bytes` in a box; `keep` says that what is there stays, and then the
 * room at least doubles when it grows, else the contents are undefined. Negative bytes are a fault,
 * as is lack of memory. Memory of a box stays from run to run and never shrinks. Called from `main`
 * between team functions. Does nothing when the run has failed already.
 */
void cameo_rt_reserve(struct cameo_frame *frame, int32_t box, int64_t bytes, int32_t keep);

/*
 * Calls the C kernel of cameo_code.sites[site], from `main` between team functions. The entries of
 * dims that the site defines are -1 before and those of the results that were made afterwards. A
 * result that is a tensor in a box gets as much memory there as it needs, so its box cannot be that
 * of a tensor operand; other tensors have their place and hence known dims. A value of another kind
 * may replace an operand in the same box. Does nothing when the run has failed already.
 */
void cameo_rt_call(struct cameo_frame *frame, int32_t site);

#endif
