/*
 * Boxes: memory that grows while a model runs, and outputs that are made in it.
 */
#include "Boxes.h"

struct layout {
  size_t size;
  uint8_t *base; /* NULL while sizes are being added up */
};

/* Zeroed memory of the context's block for boxes. How much it is depends on the model alone. */
static void *take(struct layout *layout, size_t bytes) {
  size_t at = layout->size;
  layout->size += (bytes + 7) & ~(size_t)7;
  return layout->base ? layout->base + at : NULL;
}

static int32_t tensorDims(const struct cameo_site *site) {
  int32_t count = 0;
  for (int32_t i = 0; i < site->num_inputs; i++)
    count += site->inputs[i].io.rank > 0 ? site->inputs[i].io.rank : 0;
  return count;
}

static struct cameo_boxes *layOut(const struct cameo_private *self, struct layout *layout) {
  const struct cameo_code *code = self->code;
  size_t boxCount = (size_t)code->num_boxes, inputs = 0, outputs = 0, dims = 0;
  for (int32_t i = 0; i < code->num_sites; i++) {
    const struct cameo_site *site = &code->sites[i];
    size_t rank = (size_t)tensorDims(site);
    inputs = (size_t)site->num_inputs > inputs ? (size_t)site->num_inputs : inputs;
    outputs = (size_t)site->num_outputs > outputs ? (size_t)site->num_outputs : outputs;
    dims = rank > dims ? rank : dims;
  }
  struct cameo_boxes *boxes = take(layout, sizeof *boxes), sink;
  struct cameo_call_state *call = take(layout, sizeof *call), callSink;
  if (!layout->base) {
    boxes = &sink;
    call = &callSink;
  }
  boxes->call = call;
  boxes->boxes = take(layout, boxCount * sizeof *boxes->boxes);
  boxes->inputs = take(layout, (size_t)self->head.model->num_inputs * sizeof *boxes->inputs);
  boxes->data = take(layout, boxCount * sizeof *boxes->data);
  call->operands = take(layout, inputs * sizeof *call->operands);
  call->results = take(layout, outputs * sizeof *call->results);
  call->inputs = take(layout, inputs * sizeof *call->inputs);
  call->outputs = take(layout, outputs * sizeof *call->outputs);
  call->dims = take(layout, (dims + 1) * sizeof *call->dims);
  return layout->base ? boxes : NULL;
}

static int32_t create(struct cameo_private *self) {
  struct layout layout = {0, NULL};
  layOut(self, &layout);
  if (!(layout.base = malloc(layout.size)))
    return CAMEO_OUT_OF_MEMORY;
  memset(layout.base, 0, layout.size);
  layout.size = 0;
  self->boxes = layOut(self, &layout);
  self->frame.boxes = self->boxes->data;
  for (int32_t i = 0; i < self->head.model->num_outputs; i++)
    if (self->code->output_boxes && self->code->output_boxes[i] >= 0)
      self->boxes->boxes[self->code->output_boxes[i]].is_output = 1;
  return CAMEO_OK;
}

static void destroy(struct cameo_private *self) {
  for (int32_t i = 0; i < self->code->num_boxes; i++) {
    cameo_memory_free(&self->boxes->boxes[i].memory);
    cameo_value_release(&self->boxes->boxes[i].value);
    cameo_value_release(&self->boxes->boxes[i].former);
  }
  for (int32_t i = 0; i < self->head.model->num_inputs; i++)
    cameo_memory_free(&self->boxes->inputs[i].memory);
  free(self->boxes);
}

static void begin(struct cameo_private *self) {
  for (int32_t i = 0; i < self->code->num_boxes; i++) {
    struct cameo_box *box = &self->boxes->boxes[i];
    box->former = box->value;
    box->value = (cameo_value){0};
  }
}

static void end(struct cameo_private *self) {
  for (int32_t i = 0; i < self->code->num_boxes; i++) {
    struct cameo_box *box = &self->boxes->boxes[i];
    cameo_value_release(&box->former);
    if (!box->is_output)
      cameo_value_release(&box->value);
  }
}

static int32_t holds(const struct cameo_private *self, const void *data) {
  int32_t found = 0;
  for (int32_t i = 0; i < self->code->num_boxes && !found; i++)
    found = cameo_memory_holds(&self->boxes->boxes[i].memory, data);
  return found;
}

/* Moves a tensor of unknown rank to the memory of its box, as if its rank had been known. */
static int32_t unbox(struct cameo_private *self, const cameo_io *io, struct cameo_box *box,
                     cameo_tensor *tensor) {
  const cameo_tensor *made = &box->value.as.tensor;
  struct cameo_words words = {.s = io->name, .a = made->capacity};
  if (!box->value.as.space[4])
    return cameo_run_fail(self, CAMEO_RUN_FAILED, "output '%s': was not made", &words);
  int32_t status = cameo_set_rank(self, io, tensor, made->rank);
  if (status)
    return status;
  if (cameo_memory_reserve(&box->memory, made->capacity))
    return cameo_run_fail(self, CAMEO_OUT_OF_MEMORY, "output '%s': no memory for %a bytes", &words);
  for (int32_t i = 0; i < made->rank; i++)
    tensor->dims[i] = made->dims[i];
  if (made->capacity)
    memcpy(box->memory.data, made->data, (size_t)made->capacity);
  return CAMEO_OK;
}

static int32_t finishTensor(struct cameo_private *self, const cameo_io *io, struct cameo_box *box,
                            cameo_tensor *tensor) {
  struct cameo_words words = {.s = io->name, .a = tensor->capacity};
  int64_t bytes;
  int32_t status = io->rank < 0 ? unbox(self, io, box, tensor) : CAMEO_OK;
  if (status)
    return status;
  cameo_fill_dims(self, io, tensor->dims);
  if (cameo_tensor_bytes(io->dtype, tensor->rank, tensor->dims, &bytes) ||
      cameo_memory_reserve(&box->memory, 0) || bytes > box->memory.size)
    return cameo_run_fail(self, CAMEO_RUN_FAILED, "output '%s': was not made", &words);
  words.b = bytes;
  if (!tensor->data) {
    tensor->data = box->memory.data;
    tensor->capacity = bytes;
  } else if (tensor->capacity < bytes) {
    return cameo_run_fail(self, CAMEO_TOO_SMALL, "output '%s': has room for %a bytes, expected %b",
                          &words);
  } else {
    memcpy(tensor->data, box->memory.data, (size_t)bytes);
  }
  return CAMEO_OK;
}

static int32_t finish(struct cameo_private *self, int32_t output, cameo_value *value) {
  const cameo_io *io = &self->head.model->outputs[output];
  struct cameo_box *box = &self->boxes->boxes[self->code->output_boxes[output]];
  if (io->kind == CAMEO_TENSOR)
    return finishTensor(self, io, box, &value->as.tensor);
  struct cameo_words words = {.s = io->name};
  if (box->value.kind != io->kind)
    return cameo_run_fail(self, CAMEO_RUN_FAILED, "output '%s': was not made", &words);
  *value = box->value;
  return CAMEO_OK;
}

const struct cameo_boxing cameo_rt_boxing = {
    create, destroy, begin, end, cameo_boxing_read, holds, finish,
};

int32_t cameo_box_reserve(struct cameo_private *self, int32_t box, int64_t bytes, int32_t keep) {
  struct cameo_memory *memory = &self->boxes->boxes[box].memory;
  int32_t status = keep ? cameo_memory_grow(memory, bytes) : cameo_memory_reserve(memory, bytes);
  self->boxes->data[box] = memory->data;
  if (!status && !keep && (self->flags & CAMEO_POISON))
    memset(memory->data - CAMEO_SLACK, 0xff, (size_t)bytes + 2 * CAMEO_SLACK);
  return status;
}

void cameo_rt_reserve(struct cameo_frame *frame, int32_t box, int64_t bytes, int32_t keep) {
  if (cameo_rt_failed(frame))
    return;
  if (bytes < 0)
    cameo_rt_fail(frame, CAMEO_FAULT_SIZE_OVERFLOW, -1, 0, 0);
  else if (cameo_box_reserve(cameo_private_of(frame), box, bytes, keep))
    cameo_rt_fail(frame, CAMEO_FAULT_NO_MEMORY, -1, bytes, 0);
}
