/*
 * One run of a model: checks what the caller gave, finds the sizes, sees to memory, calls the
 * generated code, and hands back the outputs.
 *
 * Nothing the caller can put into the values may lead to a crash, short of pointers to memory that
 * is not there. Nothing is written before every input has been checked.
 */
#include "Runtime.h"

int32_t cameo_run_fail(struct cameo_private *self, int32_t status, const char *text,
                       const struct cameo_words *words) {
  cameo_say(self->message, sizeof self->message, text, words);
  return status;
}

int64_t cameo_dim_of(const struct cameo_private *self, int64_t dim) {
  return cameo_dim_is_entry(dim) ? self->frame.dims[cameo_dim_entry(dim)] : dim;
}

int32_t cameo_is_aligned(const void *data, int32_t dtype) {
  int32_t bytes = cameo_dtype_bits(dtype) / 8;
  if (dtype == CAMEO_COMPLEX64 || dtype == CAMEO_COMPLEX128)
    bytes /= 2;
  return bytes <= 1 || (uintptr_t)data % (uintptr_t)bytes == 0;
}

/* Checks one dim of an input and binds the symbol it stands for. */
static int32_t bindDim(struct cameo_private *self, const cameo_io *io, int32_t axis, int64_t got) {
  struct cameo_words words = {.s = io->name, .a = axis, .b = got};
  int64_t dim = io->dims[axis];
  if (got < 0)
    return cameo_run_fail(self, CAMEO_WRONG_SHAPE, "input '%s': dim %a is %b", &words);
  if (got > INTPTR_MAX) /* beside a dim of 0 nothing else would object */
    return cameo_run_fail(self, CAMEO_OVERFLOW, "input '%s': dim %a of %b is too large", &words);
  words.c = dim;
  if (!cameo_dim_is_entry(dim))
    return got == dim ? CAMEO_OK
                      : cameo_run_fail(self, CAMEO_WRONG_SHAPE,
                                       "input '%s': expected dim %a to be %c, got %b", &words);
  int64_t entry = cameo_dim_entry(dim);
  words.c = self->symbols[entry];
  words.t = self->head.model->dim_names[entry];
  if (words.c >= 0 && words.c != got)
    return cameo_run_fail(
        self, CAMEO_WRONG_SHAPE,
        "input '%s': expected dim %a to be %c, the size of '%t' in another place, got %b", &words);
  self->symbols[entry] = got;
  return CAMEO_OK;
}

int32_t cameo_bind_dims(struct cameo_private *self, const cameo_io *io, int32_t rank,
                        const int64_t *dims) {
  struct cameo_words words = {.s = io->name, .a = io->rank, .b = rank};
  if (rank != io->rank)
    return cameo_run_fail(self, CAMEO_WRONG_RANK, "input '%s': expected rank %a, got %b", &words);
  if (!dims && io->rank)
    return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT, "input '%s': no dims given", &words);
  int32_t status = CAMEO_OK;
  for (int32_t i = 0; i < io->rank && !status; i++)
    status = bindDim(self, io, i, dims[i]);
  return status;
}

static int32_t readInput(struct cameo_private *self, int32_t index, const cameo_value *value) {
  static const _Alignas(64) uint8_t nothing[64];
  const cameo_io *io = &self->head.model->inputs[index];
  const cameo_tensor *tensor = &value->as.tensor;
  struct cameo_words words = {.s = io->name};
  if (cameo_is_boxed(io)) {
    self->inputs[index] = nothing;
    self->input_bytes[index] = 0;
    int32_t status = self->code->boxing->read(self, index, value);
    if (status || io->kind != CAMEO_TENSOR)
      return status;
    /* Outputs must not overlap a tensor. */
    cameo_tensor_bytes(io->dtype, tensor->rank, tensor->dims, &self->input_bytes[index]);
    self->inputs[index] = self->input_bytes[index] ? tensor->data : nothing;
    return CAMEO_OK;
  }
  if (value->kind != CAMEO_TENSOR)
    return cameo_run_fail(self, CAMEO_WRONG_KIND, "input '%s': expected a tensor", &words);
  if (tensor->dtype != io->dtype) {
    struct cameo_words types = {.s = cameo_dtype_name(io->dtype),
                                .t = cameo_dtype_name(tensor->dtype)};
    char text[64];
    cameo_say(text, sizeof text, "expected %s, got %t", &types);
    words.t = text;
    return cameo_run_fail(self, CAMEO_WRONG_DTYPE, "input '%s': %t", &words);
  }
  int32_t status = cameo_bind_dims(self, io, tensor->rank, tensor->dims);
  if (status)
    return status;
  int64_t *bytes = &self->input_bytes[index];
  if (cameo_tensor_bytes(io->dtype, io->rank, tensor->dims, bytes))
    return cameo_run_fail(self, CAMEO_OVERFLOW, "input '%s': the size overflows", &words);
  words.a = tensor->capacity;
  words.b = *bytes;
  if (tensor->capacity < 0 || (tensor->capacity && tensor->capacity < *bytes))
    return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT,
                          "input '%s': has %a bytes, its dims need %b", &words);
  if (*bytes && (!tensor->data || !cameo_is_aligned(tensor->data, io->dtype)))
    return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT,
                          tensor->data ? "input '%s': the data is not aligned to its elements"
                                       : "input '%s': no data given",
                          &words);
  self->inputs[index] = *bytes ? tensor->data : nothing;
  return CAMEO_OK;
}

static int32_t reserveWorkspace(struct cameo_private *self, int64_t bytes) {
  struct cameo_words words = {.b = bytes};
  if (bytes < 0)
    return cameo_run_fail(self, CAMEO_OVERFLOW, "the size of the workspace overflows", &words);
  if (!self->owns_workspace && bytes > self->workspace.size) {
    /* In the caller's terms, which are those of cameo_workspace_size. */
    words.a = self->workspace_given;
    words.b = bytes + CAMEO_BLOCK_MARGIN;
    return cameo_run_fail(self, CAMEO_OUT_OF_MEMORY,
                          "the workspace given has %a bytes, this run needs %b", &words);
  }
  int32_t status = self->owns_workspace ? cameo_memory_reserve(&self->workspace, bytes) : CAMEO_OK;
  self->frame.workspace = self->workspace.data;
  return status ? cameo_run_fail(self, status, "no memory for a workspace of %b bytes", &words)
                : status;
}

/* Finds the sizes for the symbols just bound, unless they are those of the run before. */
static int32_t prepare(struct cameo_private *self) {
  const struct cameo_code *code = self->code;
  struct cameo_frame *frame = &self->frame;
  int32_t count = self->head.model->num_symbols, same = self->prepared;
  for (int32_t i = 0; i < count && same; i++)
    same = frame->dims[i] == self->symbols[i];
  if (!same) {
    self->prepared = 0;
    for (int32_t i = 0; i < count; i++)
      frame->dims[i] = self->symbols[i];
    for (int32_t i = count; i < self->head.model->num_dims; i++)
      frame->dims[i] = -1;
    self->fault = (struct cameo_fault){CAMEO_FAULT_SIZES, -1, 0, 0, NULL};
    if (code->sizes && code->sizes(frame->dims, &self->fault)) {
      cameo_say_fault(self->message, sizeof self->message, code, &self->fault);
      return CAMEO_RUN_FAILED;
    }
    int64_t bytes = code->workspace ? code->workspace(frame->dims, frame->threads) : 0;
    int32_t status = reserveWorkspace(self, bytes);
    if (status)
      return status;
    self->workspace_used = bytes;
    self->prepared = 1;
  }
  if (self->flags & CAMEO_POISON)
    memset(frame->workspace - CAMEO_SLACK, 0xff, (size_t)self->workspace_used + 2 * CAMEO_SLACK);
  return CAMEO_OK;
}

/* Whether a pointer is into the memory that outputs of earlier runs were given. */
static int32_t isOurs(const struct cameo_private *self, const void *data) {
  return cameo_memory_holds(&self->results_memory, data) ||
         (self->boxes && self->code->boxing->holds(self, data));
}

void cameo_fill_dims(const struct cameo_private *self, const cameo_io *io, int64_t *dims) {
  for (int32_t i = 0; i < io->rank; i++)
    dims[i] = cameo_dim_of(self, io->dims[i]);
}

int32_t cameo_set_rank(struct cameo_private *self, const cameo_io *io, cameo_tensor *tensor,
                       int32_t rank) {
  struct cameo_words words = {.s = io->name, .a = rank};
  if (tensor->rank < rank)
    return cameo_run_fail(self, CAMEO_WRONG_RANK, "output '%s': the rank is %a, dims has less room",
                          &words);
  tensor->rank = rank;
  return CAMEO_OK;
}

/* Fills in an output's dims and its size. Memory is decided by placeOutputs. */
static int32_t describeOutput(struct cameo_private *self, int32_t index, cameo_value *value) {
  const cameo_io *io = &self->head.model->outputs[index];
  cameo_tensor *tensor = &value->as.tensor;
  struct cameo_output *result = &self->results[index];
  struct cameo_words words = {.s = io->name, .t = cameo_dtype_name(io->dtype)};
  if (value->kind != io->kind)
    return cameo_run_fail(self, CAMEO_WRONG_KIND, "output '%s': is of another kind", &words);
  result->bytes = 0;
  if (io->kind != CAMEO_TENSOR)
    return CAMEO_OK;
  if (tensor->dtype && tensor->dtype != io->dtype)
    return cameo_run_fail(self, CAMEO_WRONG_DTYPE, "output '%s': the model makes %t", &words);
  if (!tensor->dims || tensor->dims == result->dims) {
    tensor->dims = result->dims;
    tensor->rank = io->rank < 0 ? CAMEO_MAX_RANK : io->rank;
  }
  tensor->dtype = io->dtype;
  if (io->rank >= 0) { /* else `rank` is the room until there is one */
    if (cameo_set_rank(self, io, tensor, io->rank))
      return CAMEO_WRONG_RANK;
    cameo_fill_dims(self, io, tensor->dims);
  }
  if (isOurs(self, tensor->data))
    tensor->data = NULL;
  int32_t overflow = 0;
  if (io->boxed) /* the caller's memory is written after the run */
    result->bytes = tensor->data && tensor->capacity > 0 ? tensor->capacity : 0;
  else
    overflow = cameo_tensor_bytes(io->dtype, io->rank, tensor->dims, &result->bytes);
  if (overflow || result->bytes < 0)
    return cameo_run_fail(self, CAMEO_OVERFLOW, "output '%s': the size overflows", &words);
  if (tensor->data && !cameo_is_aligned(tensor->data, io->dtype))
    return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT,
                          "output '%s': the data is not aligned to its elements", &words);
  return CAMEO_OK;
}

/* Decides where each output is written: to the caller's buffer, or to memory of the context. */
static int32_t placeOutputs(struct cameo_private *self, cameo_value *outputs) {
  const cameo_model *model = self->head.model;
  int64_t total = 0;
  for (int32_t i = 0; i < model->num_outputs; i++) {
    struct cameo_output *result = &self->results[i];
    const cameo_tensor *tensor = &outputs[i].as.tensor;
    struct cameo_words words = {
        .s = model->outputs[i].name, .a = tensor->capacity, .b = result->bytes};
    result->offset = -1;
    if (model->outputs[i].boxed || (tensor->data && tensor->capacity >= result->bytes))
      continue;
    if (tensor->data)
      return cameo_run_fail(self, CAMEO_TOO_SMALL,
                            "output '%s': has room for %a bytes, expected %b", &words);
    result->offset = total;
    if (result->bytes > INT64_MAX - CAMEO_ALIGNMENT - total)
      return cameo_run_fail(self, CAMEO_OVERFLOW, "output '%s': the size overflows", &words);
    total += (result->bytes + CAMEO_ALIGNMENT) & ~(int64_t)(CAMEO_ALIGNMENT - 1);
  }
  struct cameo_words words = {.a = total};
  if (total && cameo_memory_reserve(&self->results_memory, total))
    return cameo_run_fail(self, CAMEO_OUT_OF_MEMORY, "no memory for %a bytes of outputs", &words);
  for (int32_t i = 0; i < model->num_outputs; i++)
    self->outputs[i] = self->results[i].offset < 0
                           ? outputs[i].as.tensor.data
                           : self->results_memory.data + self->results[i].offset;
  return CAMEO_OK;
}

static int32_t overlap(const void *a, int64_t sizeA, const void *b, int64_t sizeB) {
  uintptr_t x = (uintptr_t)a, y = (uintptr_t)b;
  return sizeA && sizeB && (x < y ? y - x < (uintptr_t)sizeA : x - y < (uintptr_t)sizeB);
}

/* Rejects outputs that share memory with inputs or with each other. */
static int32_t checkOverlap(struct cameo_private *self) {
  const cameo_model *model = self->head.model;
  for (int32_t i = 0; i < model->num_outputs; i++) {
    int64_t size = self->results[i].bytes;
    struct cameo_words words = {.s = model->outputs[i].name};
    for (int32_t j = 0; j < model->num_inputs; j++) {
      words.t = model->inputs[j].name;
      if (overlap(self->outputs[i], size, self->inputs[j], self->input_bytes[j]))
        return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT, "output '%s' overlaps input '%t'",
                              &words);
    }
    for (int32_t j = 0; j < i; j++) {
      words.t = model->outputs[j].name;
      if (overlap(self->outputs[i], size, self->outputs[j], self->results[j].bytes))
        return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT, "output '%s' overlaps output '%t'",
                              &words);
    }
  }
  return CAMEO_OK;
}

/* Checks the inputs and binds the symbols. */
static int32_t readInputs(struct cameo_private *self, const cameo_value *inputs) {
  const cameo_model *model = self->head.model;
  int32_t status = CAMEO_OK;
  for (int32_t i = 0; i < model->num_symbols; i++)
    self->symbols[i] = -1;
  for (int32_t i = 0; i < model->num_inputs && !status; i++) {
    status = readInput(self, i, &inputs[i]);
    struct cameo_words words = {.s = model->inputs[i].name};
    if (!status && self->input_bytes[i] && isOurs(self, self->inputs[i]))
      status = cameo_run_fail(
          self, CAMEO_INVALID_ARGUMENT,
          "input '%s': is an output of the run before, which this run overwrites", &words);
  }
  return status;
}

/* Outputs as they turned out. */
static int32_t finishOutputs(struct cameo_private *self, cameo_value *outputs) {
  const cameo_model *model = self->head.model;
  int32_t status = CAMEO_OK;
  for (int32_t i = 0; i < model->num_outputs; i++) {
    cameo_tensor *tensor = &outputs[i].as.tensor;
    if (model->outputs[i].boxed) {
      int32_t failed = self->code->boxing->finish(self, i, &outputs[i]);
      status = status ? status : failed;
    } else if (!tensor->data) {
      tensor->data = self->outputs[i];
      tensor->capacity = self->results[i].bytes;
    }
  }
  return status;
}

/* Calls the generated code; its memory is ready. */
static int32_t execute(struct cameo_private *self) {
  struct cameo_frame *frame = &self->frame;
  if (!cameo_rt_failed(frame)) /* cancelled before it began */
    self->code->main(frame);
  frame->run++;
  return cameo_end(self);
}

static int32_t runChecked(struct cameo_private *self, const cameo_value *inputs,
                          cameo_value *outputs) {
  const cameo_model *model = self->head.model;
  struct cameo_words words = {0};
  self->message[0] = 0;
  cameo_begin(self);
  if ((!inputs && model->num_inputs) || (!outputs && model->num_outputs))
    return cameo_run_fail(self, CAMEO_INVALID_ARGUMENT, "no inputs or outputs given", &words);
  int32_t status = readInputs(self, inputs);
  if (!status)
    status = prepare(self);
  for (int32_t i = 0; i < model->num_outputs && !status; i++)
    status = describeOutput(self, i, &outputs[i]);
  if (!status)
    status = placeOutputs(self, outputs);
  if (!status)
    status = checkOverlap(self);
  if (!status)
    status = execute(self);
  return status ? status : finishOutputs(self, outputs);
}

int32_t cameo_rt_run(cameo_context *context, const cameo_value *inputs, cameo_value *outputs) {
  struct cameo_private *self = (struct cameo_private *)context;
  if (__atomic_exchange_n(&self->busy, 1, __ATOMIC_ACQUIRE))
    return CAMEO_BUSY;
  self->callers_float = cameo_cpu_set_float(CAMEO_FLOAT_FAST);
  if (self->boxes)
    self->code->boxing->begin(self);
  int32_t status = runChecked(self, inputs, outputs);
  if (self->boxes)
    self->code->boxing->end(self);
  cameo_cpu_restore_float(self->callers_float);
  __atomic_store_n(&self->busy, 0, __ATOMIC_RELEASE);
  return status;
}
