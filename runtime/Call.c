/*
 * Calls of C kernels from generated code: finds the operands, hands out memory for the results, and
 * checks that those are what the model says. See abi.h for the caller's side and
 * include/cameo_op.h for the kernel's.
 */
#include "Boxes.h"

int32_t cameo_call_fault(cameo_call *head, int32_t code, int64_t a, int64_t b) {
  struct cameo_call_state *call = (struct cameo_call_state *)head;
  cameo_rt_fail(&call->self->frame, code, call->site->node, a, b);
  return 1;
}

uint64_t cameo_call_seed(const cameo_call *head) {
  const struct cameo_frame *frame = &((const struct cameo_call_state *)head)->self->frame;
  return frame->seed + frame->run;
}

static int32_t failCall(cameo_call *head, const char *sentence) {
  struct cameo_call_state *call = (struct cameo_call_state *)head;
  struct cameo_words words = {.s = sentence};
  if (!cameo_rt_failed(&call->self->frame)) {
    cameo_say(call->text, sizeof call->text, "%s", &words);
    cameo_rt_fail(&call->self->frame, CAMEO_FAULT_TEXT, call->site->node, 0, 0);
    call->self->fault.text = call->text;
  }
  return 1;
}

int32_t cameo_call_failed(cameo_call *head, const char *text, const struct cameo_words *words) {
  char sentence[CAMEO_TEXT_SIZE];
  cameo_say(sentence, sizeof sentence, text, words);
  return failCall(head, sentence);
}

static void *scratch(cameo_call *head, int64_t bytes) {
  struct cameo_call_state *call = (struct cameo_call_state *)head;
  const int64_t link = 16; /* keeps the alignment */
  void **block = NULL;
  if (bytes >= 0 && bytes <= (int64_t)(SIZE_MAX / 2) - link)
    block = malloc((size_t)(bytes + link));
  if (!block) {
    int32_t overflow = bytes < 0 || bytes == INT64_MAX;
    cameo_call_fault(head, overflow ? CAMEO_FAULT_SIZE_OVERFLOW : CAMEO_FAULT_NO_MEMORY, bytes, 0);
    return NULL;
  }
  *block = call->scratch;
  call->scratch = block;
  return (uint8_t *)block + link;
}

static const struct cameo_place *outputAt(struct cameo_call_state *call, int32_t output) {
  if (output >= 0 && output < call->site->num_outputs)
    return &call->site->outputs[output];
  failCall(&call->head, "the operator makes a result that the node does not have");
  return NULL;
}

/* Compares a result's rank and dims with what the model says and fills in the entries that this
   call defines. Returns nonzero after a fault. */
static int32_t checkDims(struct cameo_call_state *call, const struct cameo_place *place,
                         int32_t rank, const int64_t *dims) {
  const cameo_io *io = &place->io;
  int64_t *table = call->self->frame.dims;
  if (rank < 0 || rank > CAMEO_MAX_RANK || (io->rank >= 0 && rank != io->rank))
    return cameo_call_fault(&call->head, CAMEO_FAULT_RANK, rank,
                            io->rank >= 0 ? io->rank : CAMEO_UNKNOWN);
  for (int32_t i = 0; i < rank; i++) {
    int64_t expected = io->rank >= 0 ? cameo_dim_of(call->self, io->dims[i]) : dims[i];
    if (dims[i] < 0)
      return cameo_call_fault(&call->head, CAMEO_FAULT_NEGATIVE_SIZE, 0, dims[i]);
    if (expected < 0 && place->space == CAMEO_SPACE_BOX)
      table[cameo_dim_entry(io->dims[i])] = dims[i];
    else if (expected != dims[i])
      return cameo_call_fault(&call->head, CAMEO_FAULT_DIMS_DIFFER, dims[i], expected);
  }
  return 0;
}

static int32_t checkType(struct cameo_call_state *call, const cameo_io *io, int32_t dtype) {
  struct cameo_words words = {.s = cameo_dtype_name(io->dtype), .t = cameo_dtype_name(dtype)};
  return dtype == io->dtype
             ? 0
             : cameo_call_failed(&call->head, "expected a result of %s, got %t", &words);
}

/* Where a tensor lies; `bytes` of room are made in a box, unless it is an operand (-1). */
static uint8_t *placeOf(struct cameo_call_state *call, const struct cameo_place *place,
                        int64_t bytes) {
  struct cameo_frame *frame = &call->self->frame;
  int64_t offset = cameo_dim_of(call->self, place->offset);
  if (place->space == CAMEO_SPACE_BOX && bytes >= 0 &&
      cameo_box_reserve(call->self, place->index, bytes, 0)) {
    cameo_call_fault(&call->head, CAMEO_FAULT_NO_MEMORY, bytes, 0);
    return NULL;
  }
  switch (place->space) {
  case CAMEO_SPACE_ARENA:
    return frame->workspace + offset;
  case CAMEO_SPACE_WEIGHTS:
    return (uint8_t *)frame->weights + offset;
  case CAMEO_SPACE_INPUT:
    return (uint8_t *)frame->inputs[place->index] + offset;
  case CAMEO_SPACE_OUTPUT:
    return frame->outputs[place->index] + offset;
  default:
    return frame->boxes[place->index] ? frame->boxes[place->index] + offset : NULL;
  }
}

/* A tensor of unknown rank. */
static void *makeBoxed(struct cameo_call_state *call, int32_t output, int32_t dtype, int32_t rank,
                       const int64_t *dims) {
  struct cameo_result *result = &call->results[output];
  cameo_value_release(&result->value);
  int32_t status = cameo_value_tensor(dtype, rank, dims, &result->value);
  result->made = !status;
  if (status)
    cameo_call_fault(&call->head,
                     status == CAMEO_OUT_OF_MEMORY ? CAMEO_FAULT_NO_MEMORY
                                                   : CAMEO_FAULT_SIZE_OVERFLOW,
                     CAMEO_UNKNOWN, 0);
  return status ? NULL : result->value.as.tensor.data;
}

static void *makeTensor(cameo_call *head, int32_t output, int32_t dtype, int32_t rank,
                        const int64_t *dims) {
  struct cameo_call_state *call = (struct cameo_call_state *)head;
  const struct cameo_place *place = outputAt(call, output);
  int64_t bytes;
  if (!place || cameo_rt_failed(&call->self->frame))
    return NULL;
  int32_t wanted = place->space != CAMEO_SPACE_NONE;
  if (wanted && place->io.kind != CAMEO_TENSOR) {
    failCall(head, "the operator makes a tensor where the model has none");
    return NULL;
  }
  if (wanted && (checkType(call, &place->io, dtype) || checkDims(call, place, rank, dims)))
    return NULL;
  if (wanted && cameo_is_boxed(&place->io))
    return makeBoxed(call, output, dtype, rank, dims);
  if (cameo_tensor_bytes(dtype, rank, dims, &bytes)) {
    cameo_call_fault(head, CAMEO_FAULT_SIZE_OVERFLOW, 0, 0);
    return NULL;
  }
  call->results[output].made = 1;
  return wanted ? placeOf(call, place, bytes) : scratch(head, bytes);
}

static int32_t makeValue(cameo_call *head, int32_t output, const cameo_value *value) {
  struct cameo_call_state *call = (struct cameo_call_state *)head;
  const struct cameo_place *place = outputAt(call, output);
  if (!place || cameo_rt_failed(&call->self->frame))
    return 1;
  if (place->space == CAMEO_SPACE_NONE)
    return 0;
  if (value->kind != place->io.kind)
    return failCall(head, "the operator makes a value of another kind than the model says");
  if (value->kind == CAMEO_TENSOR && !cameo_is_boxed(&place->io)) {
    const cameo_tensor *tensor = &value->as.tensor;
    uint8_t *to = makeTensor(head, output, tensor->dtype, tensor->rank, tensor->dims);
    int64_t bytes = 0;
    if (to)
      cameo_tensor_bytes(tensor->dtype, tensor->rank, tensor->dims, &bytes);
    if (bytes)
      memcpy(to, tensor->data, (size_t)bytes);
    return !to;
  }
  if (value->kind == CAMEO_TENSOR &&
      (checkType(call, &place->io, value->as.tensor.dtype) ||
       checkDims(call, place, value->as.tensor.rank, value->as.tensor.dims)))
    return 1;
  if (value->kind == CAMEO_STRINGS &&
      checkDims(call, place, value->as.strings.rank, value->as.strings.dims))
    return 1;
  struct cameo_result *result = &call->results[output];
  cameo_value_release(&result->value);
  int32_t status = cameo_value_copy(value, &result->value);
  result->made = !status;
  if (status == CAMEO_OUT_OF_MEMORY)
    return cameo_call_fault(head, CAMEO_FAULT_NO_MEMORY, CAMEO_UNKNOWN, 0);
  return status ? failCall(head, "the operator makes a malformed value") : 0;
}

static int32_t isSame(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return *a == *b;
}

static const struct cameo_attribute *attributeOf(const cameo_call *head, const char *name,
                                                 int32_t kind) {
  const struct cameo_site *site = ((const struct cameo_call_state *)head)->site;
  for (int32_t i = 0; i < site->num_attributes; i++)
    if (site->attributes[i].kind == kind && isSame(site->attributes[i].name, name))
      return &site->attributes[i];
  return NULL;
}

static int64_t intAttr(const cameo_call *call, const char *name, int64_t otherwise) {
  const struct cameo_attribute *attr = attributeOf(call, name, CAMEO_ATTR_INTS);
  return attr && attr->scalar ? *(const int64_t *)attr->data : otherwise;
}

static double floatAttr(const cameo_call *call, const char *name, double otherwise) {
  const struct cameo_attribute *attr = attributeOf(call, name, CAMEO_ATTR_FLOATS);
  return attr && attr->scalar ? *(const double *)attr->data : otherwise;
}

static const char *stringAttr(const cameo_call *call, const char *name, const char *otherwise) {
  const struct cameo_attribute *attr = attributeOf(call, name, CAMEO_ATTR_STRINGS);
  return attr && attr->scalar ? *(const char *const *)attr->data : otherwise;
}

static int64_t listAttr(const cameo_call *call, const char *name, int32_t kind,
                        const void **values) {
  const struct cameo_attribute *attr = attributeOf(call, name, kind);
  *values = attr ? attr->data : NULL;
  return attr ? attr->count : -1;
}

static int64_t intsAttr(const cameo_call *call, const char *name, const int64_t **values) {
  return listAttr(call, name, CAMEO_ATTR_INTS, (const void **)values);
}

static int64_t floatsAttr(const cameo_call *call, const char *name, const double **values) {
  return listAttr(call, name, CAMEO_ATTR_FLOATS, (const void **)values);
}

static int64_t stringsAttr(const cameo_call *call, const char *name, const char *const **values) {
  return listAttr(call, name, CAMEO_ATTR_STRINGS, (const void **)values);
}

static const cameo_call_api api = {makeTensor, makeValue,  intAttr,     floatAttr, stringAttr,
                                   intsAttr,   floatsAttr, stringsAttr, scratch,   failCall};

/* The operands and what is wanted. Dims that a former result has left open are a fault. */
static void readOperands(struct cameo_call_state *call) {
  const struct cameo_site *site = call->site;
  int64_t *dims = call->dims;
  for (int32_t i = 0; i < site->num_inputs; i++) {
    const struct cameo_place *place = &site->inputs[i];
    const cameo_io *io = &place->io;
    cameo_value *value = &call->operands[i];
    call->inputs[i] = value;
    if (place->space == CAMEO_SPACE_NONE) {
      call->inputs[i] = NULL;
    } else if (!cameo_is_boxed(io)) {
      *value = (cameo_value){.kind = CAMEO_TENSOR};
      value->as.tensor = (cameo_tensor){NULL, dims, 0, io->dtype, io->rank};
      cameo_fill_dims(call->self, io, dims);
      dims += io->rank;
      if (cameo_tensor_bytes(io->dtype, io->rank, value->as.tensor.dims,
                             &value->as.tensor.capacity))
        cameo_call_fault(&call->head, CAMEO_FAULT_SIZES, 0, 0);
      value->as.tensor.data = placeOf(call, place, -1);
    } else if (place->space == CAMEO_SPACE_INPUT) {
      call->inputs[i] = &call->self->boxes->inputs[place->index].value;
    } else {
      call->inputs[i] = &call->self->boxes->boxes[place->index].value;
      if (call->inputs[i]->kind != io->kind || !call->inputs[i]->as.space[4])
        cameo_call_fault(&call->head, CAMEO_FAULT_NO_OPERAND, i, 0);
    }
  }
  for (int32_t i = 0; i < site->num_outputs; i++) {
    call->outputs[i] = site->outputs[i].space == CAMEO_SPACE_NONE ? NULL : &site->outputs[i].io;
    call->results[i] = (struct cameo_result){0};
  }
}

/* Puts values with an owner into their boxes, or lets go of them after a failure. */
static void commit(struct cameo_call_state *call) {
  struct cameo_private *self = call->self;
  for (int32_t i = 0; i < call->site->num_outputs; i++) {
    const struct cameo_place *place = &call->site->outputs[i];
    struct cameo_result *result = &call->results[i];
    if (place->space != CAMEO_SPACE_NONE && !result->made)
      cameo_call_fault(&call->head, CAMEO_FAULT_NO_RESULT, i, 0);
    if (!result->value.as.space[4])
      continue;
    if (cameo_rt_failed(&self->frame)) {
      cameo_value_release(&result->value);
      continue;
    }
    cameo_value_release(&self->boxes->boxes[place->index].value);
    self->boxes->boxes[place->index].value = result->value;
  }
}

void cameo_rt_call(struct cameo_frame *frame, int32_t index) {
  struct cameo_private *self = cameo_private_of(frame);
  struct cameo_call_state *call = self->boxes->call;
  const struct cameo_site *site = &self->code->sites[index];
  cameo_check_time(self);
  if (cameo_rt_failed(frame))
    return;
  for (int32_t i = 0; i < site->num_defines; i++)
    frame->dims[site->defines[i]] = -1;
  call->self = self;
  call->site = site;
  call->head = (cameo_call){sizeof(cameo_call),
                            site->num_inputs,
                            site->num_outputs,
                            0,
                            call->inputs,
                            call->outputs,
                            &api};
  readOperands(call);
  uint64_t mode = cameo_cpu_set_float(CAMEO_FLOAT_EXACT);
  if (!cameo_rt_failed(frame) && site->kernel(&call->head))
    failCall(&call->head, "the operator failed");
  cameo_cpu_restore_float(mode);
  commit(call);
  while (call->scratch) {
    void **block = call->scratch;
    call->scratch = *block;
    free(block);
  }
}
