/*
 * Boxes and values that are no tensors, or tensors of a rank that only the run knows, inside the
 * runtime. A box holds a tensor in memory of its own, or a value with an owner.
 *
 * Values that the runtime makes are immutable trees of reference counted blocks: the contents of a
 * cameo_value (data and dims, items, strings) follow a cameo_payload, which as.space[4] points to.
 * A value without an owner there is somebody else's: a tensor operand, or a part of an input.
 */
#ifndef CAMEO_RUNTIME_BOXES_H
#define CAMEO_RUNTIME_BOXES_H

#include "Runtime.h"

enum { CAMEO_MAX_NESTING = 4, CAMEO_TEXT_SIZE = 200 };

struct cameo_payload {
  int64_t references;
  cameo_value value; /* as it was made: one that was changed has no owner */
};

struct cameo_box {
  struct cameo_memory memory;
  cameo_value value;  /* owned; none when all zero */
  cameo_value former; /* of the run before, which may be an input of this one */
  int32_t is_output;
};

/* An input that is no tensor. */
struct cameo_input {
  cameo_value value; /* as calls see it */
  struct cameo_memory memory;
};

struct cameo_result {
  cameo_value value; /* owned, when it is no tensor */
  int32_t made;
};

/* A call in progress; its tables have room for that of any site. */
struct cameo_call_state {
  cameo_call head;
  struct cameo_private *self;
  const struct cameo_site *site;
  cameo_value *operands;
  const cameo_value **inputs;
  const cameo_io **outputs;
  struct cameo_result *results;
  int64_t *dims; /* of tensor operands */
  void *scratch; /* blocks, each beginning with the address of the next */
  char text[CAMEO_TEXT_SIZE];
};

struct cameo_boxes {
  struct cameo_box *boxes;    /* num_boxes */
  uint8_t **data;             /* num_boxes; frame.boxes */
  struct cameo_input *inputs; /* num_inputs */
  struct cameo_call_state *call;
};

/* Lets go of a value's contents, if it owns them, and clears it. */
void cameo_value_release(cameo_value *value);

/*
 * Makes *to an owned value equal to *from, sharing what is owned already. Returns a status; *to is
 * then clear. A value nested deeper than CAMEO_MAX_NESTING, or a map, is CAMEO_WRONG_KIND.
 */
int32_t cameo_value_copy(const cameo_value *from, cameo_value *to);

/* Makes *to an owned tensor whose data is not set yet. */
int32_t cameo_value_tensor(int32_t dtype, int32_t rank, const int64_t *dims, cameo_value *to);

/* How many strings there are. */
int32_t cameo_string_count(const cameo_strings *strings, int64_t *count);

/* Makes a box's memory at least this large. */
int32_t cameo_box_reserve(struct cameo_private *self, int32_t box, int64_t bytes, int32_t keep);

/* Checks an input that is no tensor and makes what calls see of it. */
int32_t cameo_boxing_read(struct cameo_private *self, int32_t index, const cameo_value *value);

/* Record a fault of the node being called, and return nonzero. */
int32_t cameo_call_fault(cameo_call *call, int32_t code, int64_t a, int64_t b);

/* Of random numbers: the context's seed plus the number of the run, from 0. */
uint64_t cameo_call_seed(const cameo_call *call);
int32_t cameo_call_failed(cameo_call *call, const char *text, const struct cameo_words *words);

#endif
