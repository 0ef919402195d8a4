/*
 * Inputs of the model that are no tensors: checked, and seen through a tree of our own, in which
 * nothing is owned, strings have lengths and every tensor has dims. Tensors and characters stay
 * where the caller has them.
 */
#include "Boxes.h"

struct reader {
  struct cameo_private *self;
  const cameo_io *io;
  int64_t item;  /* of the sequence being read, -1 outside */
  int64_t bytes; /* that the tree takes */
  uint8_t *next; /* where its next part goes, in the second pass */
};

/* Says why, with the number of the item where there is one. */
static int32_t fail(struct reader *reader, int32_t status, const char *text,
                    struct cameo_words words) {
  char what[160];
  cameo_say(what, sizeof what, text, &words);
  struct cameo_words all = {.s = reader->io->name, .t = what, .a = reader->item};
  return cameo_run_fail(reader->self, status,
                        reader->item < 0 ? "input '%s': %t" : "input '%s': item %a: %t", &all);
}

/* The tree will have a table of so many entries. */
static void addTable(struct reader *reader, int64_t count, size_t entry) {
  reader->bytes = cameo_plus(reader->bytes, cameo_times(count, (int64_t)entry));
}

/* Checks rank and dims by themselves and by what the model says of them. */
static int32_t checkDims(struct reader *reader, int32_t rank, const int64_t *dims) {
  const cameo_io *io = reader->io;
  struct cameo_words words = {.a = io->rank, .b = rank};
  if (io->rank >= 0 && rank != io->rank)
    return fail(reader, CAMEO_WRONG_RANK, "expected rank %a, got %b", words);
  words.a = CAMEO_MAX_RANK;
  if (rank < 0 || rank > CAMEO_MAX_RANK)
    return fail(reader, CAMEO_WRONG_RANK, "expected a rank of at most %a, got %b", words);
  if (rank && !dims)
    return fail(reader, CAMEO_INVALID_ARGUMENT, "no dims given", words);
  for (int32_t i = 0; i < rank; i++) {
    words = (struct cameo_words){.a = i, .b = dims[i]};
    if (dims[i] < 0)
      return fail(reader, CAMEO_WRONG_SHAPE, "dim %a is %b", words);
    if (dims[i] > INTPTR_MAX)
      return fail(reader, CAMEO_OVERFLOW, "dim %a of %b is too large", words);
    words.c = io->rank >= 0 ? io->dims[i] : -1;
    if (!cameo_dim_is_entry(words.c) && words.c != dims[i])
      return fail(reader, CAMEO_WRONG_SHAPE, "expected dim %a to be %c, got %b", words);
  }
  return CAMEO_OK;
}

static int32_t checkTensor(struct reader *reader, const cameo_tensor *tensor) {
  struct cameo_words words = {.s = cameo_dtype_name(reader->io->dtype),
                              .t = cameo_dtype_name(tensor->dtype)};
  int64_t bytes;
  if (tensor->dtype != reader->io->dtype)
    return fail(reader, CAMEO_WRONG_DTYPE, "expected %s, got %t", words);
  int32_t status = checkDims(reader, tensor->rank, tensor->dims);
  if (status)
    return status;
  if (cameo_tensor_bytes(tensor->dtype, tensor->rank, tensor->dims, &bytes))
    return fail(reader, CAMEO_OVERFLOW, "the size overflows", words);
  words.a = tensor->capacity;
  words.b = bytes;
  if (tensor->capacity < 0 || (tensor->capacity && tensor->capacity < bytes))
    return fail(reader, CAMEO_INVALID_ARGUMENT, "has %a bytes, its dims need %b", words);
  if (bytes && !tensor->data)
    return fail(reader, CAMEO_INVALID_ARGUMENT, "no data given", words);
  if (bytes && !cameo_is_aligned(tensor->data, tensor->dtype))
    return fail(reader, CAMEO_INVALID_ARGUMENT, "the data is not aligned to its elements", words);
  addTable(reader, tensor->rank, sizeof *tensor->dims);
  return CAMEO_OK;
}

static int32_t checkStrings(struct reader *reader, const cameo_strings *strings) {
  struct cameo_words words = {.s = cameo_dtype_name(reader->io->dtype)};
  int64_t count;
  if (reader->io->dtype != CAMEO_STRING)
    return fail(reader, CAMEO_WRONG_DTYPE, "expected %s, got strings", words);
  int32_t status = checkDims(reader, strings->rank, strings->dims);
  if (status)
    return status;
  if (cameo_string_count(strings, &count))
    return fail(reader, CAMEO_OVERFLOW, "the size overflows", words);
  if (count && !strings->data)
    return fail(reader, CAMEO_INVALID_ARGUMENT, "no data given", words);
  for (int64_t i = 0; i < count; i++) {
    words.a = i;
    if (!strings->data[i])
      return fail(reader, CAMEO_INVALID_ARGUMENT, "string %a is not given", words);
    if (strings->lengths && strings->lengths[i] < 0)
      return fail(reader, CAMEO_INVALID_ARGUMENT, "string %a has a negative length", words);
  }
  addTable(reader, strings->rank, sizeof *strings->dims);
  addTable(reader, strings->lengths ? 0 : count, sizeof *strings->lengths);
  return CAMEO_OK;
}

/* A tensor of numbers or strings. */
static int32_t checkPlain(struct reader *reader, const cameo_value *value) {
  if (value->kind == CAMEO_STRINGS)
    return checkStrings(reader, &value->as.strings);
  if (value->kind == CAMEO_TENSOR)
    return checkTensor(reader, &value->as.tensor);
  return fail(reader, CAMEO_WRONG_KIND,
              reader->io->dtype == CAMEO_STRING ? "expected strings" : "expected a tensor",
              (struct cameo_words){0});
}

static int32_t checkSequence(struct reader *reader, const cameo_sequence *sequence) {
  struct cameo_words words = {.a = sequence->count};
  if (sequence->count < 0 || sequence->count > INTPTR_MAX / (int64_t)sizeof(cameo_value) / 2)
    return fail(reader, CAMEO_INVALID_ARGUMENT, "the number of items is %a", words);
  if (sequence->count && !sequence->items)
    return fail(reader, CAMEO_INVALID_ARGUMENT, "no items given", words);
  addTable(reader, sequence->count, sizeof *sequence->items);
  int32_t status = CAMEO_OK;
  for (int64_t i = 0; i < sequence->count && !status; i++) {
    reader->item = i;
    status = checkPlain(reader, &sequence->items[i]);
  }
  reader->item = -1;
  return status;
}

/* An optional holds a tensor, strings, or a sequence of them. */
static int32_t checkValue(struct reader *reader, const cameo_value *value) {
  static const char *const expected[] = {"expected a tensor", "expected strings",
                                         "expected a sequence", "expected a map",
                                         "expected an optional"};
  int32_t kind = reader->io->kind;
  if (value->kind != kind || kind == CAMEO_MAP)
    return fail(reader, CAMEO_WRONG_KIND, expected[kind], (struct cameo_words){0});
  if (kind == CAMEO_OPTIONAL) {
    value = value->as.optional.value;
    addTable(reader, 1, sizeof *value);
    if (!value)
      return CAMEO_OK;
  }
  return value->kind == CAMEO_SEQUENCE ? checkSequence(reader, &value->as.sequence)
                                       : checkPlain(reader, value);
}

static void *take(struct reader *reader, int64_t bytes) {
  void *part = reader->next;
  reader->next += bytes;
  return part;
}

/* Dims of our own: the run must not see the caller's change, as outputs that share them would. */
static int64_t *takeDims(struct reader *reader, int32_t rank, const int64_t *dims) {
  int64_t *copy = take(reader, rank * (int64_t)sizeof *dims);
  for (int32_t i = 0; i < rank; i++)
    copy[i] = dims[i];
  return copy;
}

/* The value as calls see it; it has been checked. */
static cameo_value viewOf(struct reader *reader, const cameo_value *value) {
  cameo_value view = {.kind = value->kind};
  if (value->kind == CAMEO_TENSOR) {
    const cameo_tensor *tensor = &value->as.tensor;
    view.as.tensor = *tensor;
    view.as.tensor.dims = takeDims(reader, tensor->rank, tensor->dims);
  } else if (value->kind == CAMEO_STRINGS) {
    cameo_strings *strings = &view.as.strings;
    int64_t count;
    *strings = value->as.strings;
    cameo_string_count(strings, &count);
    strings->dims = takeDims(reader, strings->rank, strings->dims);
    if (!strings->lengths) {
      int64_t *lengths = take(reader, count * (int64_t)sizeof(int64_t));
      for (int64_t i = 0; i < count; i++)
        for (lengths[i] = 0; strings->data[i][lengths[i]];)
          lengths[i]++;
      strings->lengths = lengths;
    }
  } else if (value->kind == CAMEO_SEQUENCE) {
    int64_t count = value->as.sequence.count;
    cameo_value *items = take(reader, count * (int64_t)sizeof(cameo_value));
    view.as.sequence = (cameo_sequence){items, count};
    for (int64_t i = 0; i < count; i++)
      items[i] = viewOf(reader, &value->as.sequence.items[i]);
  } else if (value->as.optional.value) {
    view.as.optional.value = take(reader, sizeof(cameo_value));
    *view.as.optional.value = viewOf(reader, value->as.optional.value);
  }
  return view;
}

int32_t cameo_boxing_read(struct cameo_private *self, int32_t index, const cameo_value *value) {
  struct cameo_input *input = &self->boxes->inputs[index];
  struct reader reader = {.self = self, .io = &self->head.model->inputs[index], .item = -1};
  int32_t status = checkValue(&reader, value);
  if (!status && value->kind == CAMEO_STRINGS && reader.io->rank >= 0) /* its dims bind symbols */
    status = cameo_bind_dims(self, reader.io, value->as.strings.rank, value->as.strings.dims);
  if (!status && cameo_memory_reserve(&input->memory, reader.bytes))
    status = fail(&reader, CAMEO_OUT_OF_MEMORY, "no memory for it", (struct cameo_words){0});
  reader.next = input->memory.data;
  if (!status)
    input->value = viewOf(&reader, value);
  return status;
}
