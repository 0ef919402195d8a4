/*
 * Sequences. They are immutable: a kernel that changes one makes another with the same tensors.
 */
#include "kernels/Kernel.h"

/* The operand 0 of most kernels here. */
static const cameo_sequence *sequenceOf(cameo_call *call) {
  if (cameo_kernel_has(call, 0) && call->inputs[0]->kind == CAMEO_SEQUENCE)
    return &call->inputs[0]->as.sequence;
  cameo_call_fail(call, "expected a sequence");
  return NULL;
}

static int32_t makeSequence(cameo_call *call, cameo_value *items, int64_t count) {
  cameo_value value = {.kind = CAMEO_SEQUENCE};
  value.as.sequence = (cameo_sequence){items, count};
  return cameo_call_value(call, 0, &value);
}

static cameo_value *makeItems(cameo_call *call, int64_t count) {
  return cameo_kernel_memory(call, count, sizeof(cameo_value));
}

/* The position an operand gives, from the end if negative; at most `last`. */
static int32_t positionOf(cameo_call *call, int32_t input, int64_t otherwise, int64_t count,
                          int64_t last, int64_t *position) {
  if (cameo_kernel_int(call, input, otherwise, position))
    return 1;
  if (*position < -count || *position > last)
    return cameo_call_fault(call, CAMEO_FAULT_POSITION, *position, count);
  *position += *position < 0 ? count : 0;
  return 0;
}

int32_t cameo_kernel_sequence_empty(cameo_call *call) { return makeSequence(call, NULL, 0); }

int32_t cameo_kernel_sequence_construct(cameo_call *call) {
  cameo_value *items = makeItems(call, call->num_inputs);
  if (!items)
    return 1;
  for (int32_t i = 0; i < call->num_inputs; i++) {
    if (!call->inputs[i])
      return cameo_call_fault(call, CAMEO_FAULT_NO_OPERAND, i, 0);
    items[i] = *call->inputs[i];
  }
  return makeSequence(call, items, call->num_inputs);
}

/* Operands sequence, tensor, position (the end if absent). */
int32_t cameo_kernel_sequence_insert(cameo_call *call) {
  const cameo_sequence *from = sequenceOf(call);
  int64_t position;
  if (!from || positionOf(call, 2, from->count, from->count, from->count, &position))
    return 1;
  if (!cameo_kernel_has(call, 1))
    return cameo_call_fault(call, CAMEO_FAULT_NO_OPERAND, 1, 0);
  cameo_value *items = makeItems(call, from->count + 1);
  if (!items)
    return 1;
  for (int64_t i = 0; i < from->count; i++)
    items[i + (i >= position)] = from->items[i];
  items[position] = *call->inputs[1];
  return makeSequence(call, items, from->count + 1);
}

/* Operands sequence, position (the last if absent). */
int32_t cameo_kernel_sequence_erase(cameo_call *call) {
  const cameo_sequence *from = sequenceOf(call);
  int64_t position;
  if (!from || positionOf(call, 1, from->count - 1, from->count, from->count - 1, &position))
    return 1;
  cameo_value *items = makeItems(call, from->count);
  if (!items)
    return 1;
  for (int64_t i = 0; i < from->count; i++)
    if (i != position)
      items[i - (i > position)] = from->items[i];
  return makeSequence(call, items, from->count - 1);
}

int32_t cameo_kernel_sequence_at(cameo_call *call) {
  const cameo_sequence *from = sequenceOf(call);
  int64_t position;
  if (!from || positionOf(call, 1, 0, from->count, from->count - 1, &position))
    return 1;
  return cameo_call_value(call, 0, &from->items[position]);
}

int32_t cameo_kernel_sequence_length(cameo_call *call) {
  const cameo_sequence *from = sequenceOf(call);
  int64_t *y = from ? cameo_call_tensor(call, 0, CAMEO_INT64, 0, NULL) : NULL;
  if (y)
    *y = from->count;
  return !y;
}

/* Sizes of the parts: a list, all the same (the last one may be smaller), or without it 1. */
static int32_t partSizes(cameo_call *call, int64_t whole, int64_t **sizes, int64_t *count) {
  struct cameo_array split = {0};
  int64_t size = 1, sum = 0;
  if (cameo_kernel_has(call, 1) && cameo_kernel_operand(call, 1, &split))
    return 1;
  if (split.rank != 1 && cameo_kernel_int(call, 1, 1, &size))
    return 1;
  if (split.rank != 1 && size <= 0)
    return cameo_call_fault(call, CAMEO_FAULT_VALUE, size, 1);
  *count = split.rank == 1 ? split.count : whole / size + (whole % size != 0);
  *sizes = cameo_kernel_memory(call, *count, sizeof **sizes);
  if (!*sizes)
    return 1;
  for (int64_t i = 0; i < *count; i++) {
    int64_t part = size < whole - sum ? size : whole - sum;
    if (split.rank == 1)
      part = cameo_kernel_load_int(&split, i);
    if (part < 0)
      return cameo_call_fault(call, CAMEO_FAULT_NEGATIVE_SIZE, 0, part);
    if (part > whole - sum)
      return cameo_call_fault(call, CAMEO_FAULT_SPLIT, CAMEO_UNKNOWN, whole);
    (*sizes)[i] = part;
    sum += part;
  }
  return sum == whole ? 0 : cameo_call_fault(call, CAMEO_FAULT_SPLIT, sum, whole);
}

/* The slice [begin, begin + size) along an axis, as an owned value. */
static int32_t sliceOf(cameo_call *call, const struct cameo_array *x, struct cameo_split s,
                       int32_t rank, const int64_t *dims, int64_t begin, int64_t size,
                       cameo_value *to) {
  int64_t run = cameo_times(size, s.inner), count = cameo_times(s.outer, run);
  if (x->kind == CAMEO_TENSOR) {
    if (cameo_value_tensor(x->dtype, rank, dims, to))
      return cameo_call_fault(call, CAMEO_FAULT_NO_MEMORY, CAMEO_UNKNOWN, 0);
    for (int64_t o = 0; o < s.outer && run; o++)
      memcpy((uint8_t *)to->as.tensor.data + o * run * x->width,
             x->data + (o * s.size + begin) * s.inner * x->width, (size_t)(run * x->width));
    return 0;
  }
  const char **data = cameo_kernel_memory(call, count, sizeof *data);
  int64_t *lengths = cameo_kernel_memory(call, count, sizeof *lengths);
  if (!data || !lengths)
    return 1;
  for (int64_t i = 0; i < count; i++) {
    int64_t from = (i / run * s.size + begin) * s.inner + i % run;
    data[i] = x->strings[from];
    lengths[i] = x->lengths[from];
  }
  cameo_value view = {.kind = CAMEO_STRINGS};
  view.as.strings = (cameo_strings){data, lengths, (int64_t *)dims, rank, 0};
  return cameo_value_copy(&view, to)
             ? cameo_call_fault(call, CAMEO_FAULT_NO_MEMORY, CAMEO_UNKNOWN, 0)
             : 0;
}

/* Operands input, split. Without the latter, parts of size 1, whose axis keepdims = 0 drops. */
int32_t cameo_kernel_split_to_sequence(cameo_call *call) {
  struct cameo_array x;
  int64_t dims[CAMEO_MAX_RANK], *sizes = NULL, count = 0, made = 0, begin = 0;
  int32_t axis, drop, failed = 0;
  if (cameo_kernel_operand(call, 0, &x) ||
      cameo_kernel_axis(call, cameo_call_int(call, "axis", 0), x.rank, &axis))
    return 1;
  if (x.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x.rank, CAMEO_MAX_RANK);
  drop = !cameo_kernel_has(call, 1) && !cameo_call_int(call, "keepdims", 1);
  if (partSizes(call, x.dims[axis], &sizes, &count))
    return 1;
  cameo_value *items = makeItems(call, count);
  for (; items && made < count && !failed; made += !failed) {
    int32_t rank = 0;
    for (int32_t i = 0; i < x.rank; i++)
      if (i != axis || !drop)
        dims[rank++] = i == axis ? sizes[made] : x.dims[i];
    failed = sliceOf(call, &x, cameo_kernel_split(&x, axis), rank, dims, begin, sizes[made],
                     &items[made]);
    begin += failed ? 0 : sizes[made];
  }
  failed = failed || !items || makeSequence(call, items, count);
  for (int64_t i = 0; i < made; i++)
    cameo_value_release(&items[i]);
  return failed;
}

/* What is joined, and the shape it takes. */
struct joined {
  const struct cameo_array *parts;
  int64_t count;
  int32_t axis, rank, stack;
  int64_t dims[CAMEO_MAX_RANK];
};

/* Size of a part along the axis. */
static int64_t sizeOf(const struct joined *j, int64_t part) {
  return j->stack ? 1 : j->parts[part].dims[j->axis];
}

static int32_t checkParts(cameo_call *call, struct joined *j) {
  const struct cameo_array *first = &j->parts[0];
  int64_t length = 0;
  for (int64_t p = 0; p < j->count; p++) {
    const struct cameo_array *part = &j->parts[p];
    if (part->rank != first->rank)
      return cameo_call_fault(call, CAMEO_FAULT_RANK, part->rank, first->rank);
    if (part->dtype != first->dtype)
      return cameo_call_fail(call, "the tensors of the sequence have different types");
    for (int32_t i = 0; i < part->rank; i++)
      if (part->dims[i] != first->dims[i] && (j->stack || i != j->axis))
        return cameo_call_fault(call, CAMEO_FAULT_DIMS_DIFFER, part->dims[i], first->dims[i]);
    if (__builtin_add_overflow(length, sizeOf(j, p), &length))
      return cameo_call_fault(call, CAMEO_FAULT_SIZE_OVERFLOW, 0, 0);
  }
  for (int32_t i = 0; i < j->rank; i++)
    j->dims[i] = i == j->axis ? length : first->dims[i - (j->stack && i > j->axis)];
  return 0;
}

static int32_t joinStrings(cameo_call *call, const struct joined *j, int64_t outer) {
  int64_t total = 0, n = 0;
  for (int64_t p = 0; p < j->count; p++)
    total = cameo_plus(total, j->parts[p].count);
  const char **data = cameo_kernel_memory(call, total, sizeof *data);
  int64_t *lengths = cameo_kernel_memory(call, total, sizeof *lengths);
  if (!data || !lengths)
    return 1;
  for (int64_t o = 0; o < outer; o++)
    for (int64_t p = 0; p < j->count; p++) {
      const struct cameo_array *part = &j->parts[p];
      int64_t run = part->count / outer;
      for (int64_t i = 0; i < run; i++, n++) {
        data[n] = part->strings[o * run + i];
        lengths[n] = part->lengths[o * run + i];
      }
    }
  return cameo_kernel_strings(call, 0, j->rank, j->dims, data, lengths);
}

static int32_t join(cameo_call *call, const struct joined *j) {
  int64_t outer = 1, count = 1;
  for (int32_t i = 0; i < j->rank; i++) {
    count = cameo_times(count, j->dims[i]);
    outer = i < j->axis ? cameo_times(outer, j->dims[i]) : outer;
  }
  outer = count ? outer : 0;
  if (j->parts[0].kind == CAMEO_STRINGS)
    return joinStrings(call, j, outer);
  uint8_t *to = cameo_call_tensor(call, 0, j->parts[0].dtype, j->rank, j->dims);
  for (int64_t o = 0; o < outer && to; o++)
    for (int64_t p = 0; p < j->count; p++) {
      int64_t bytes = j->parts[p].count / outer * j->parts[p].width;
      if (bytes)
        memcpy(to, j->parts[p].data + o * bytes, (size_t)bytes);
      to += bytes;
    }
  return !to;
}

/* Joins the tensors along an axis, which new_axis = 1 makes. */
int32_t cameo_kernel_concat_from_sequence(cameo_call *call) {
  const cameo_sequence *from = sequenceOf(call);
  if (!from)
    return 1;
  if (from->count == 0)
    return cameo_call_fail(call, "the sequence is empty");
  struct cameo_array *parts = cameo_kernel_memory(call, from->count, sizeof *parts);
  if (!parts)
    return 1;
  for (int64_t i = 0; i < from->count; i++)
    if (cameo_kernel_array(call, &from->items[i], &parts[i]))
      return 1;
  struct joined j = {
      .parts = parts, .count = from->count, .stack = cameo_call_int(call, "new_axis", 0) != 0};
  j.rank = parts[0].rank + j.stack;
  if (j.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, j.rank, CAMEO_MAX_RANK);
  return cameo_kernel_axis(call, cameo_call_int(call, "axis", 0), j.rank, &j.axis) ||
         checkParts(call, &j) || join(call, &j);
}
