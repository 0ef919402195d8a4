/*
 * Values with an owner: made, shared and let go of; see Boxes.h.
 */
#include "Boxes.h"

static struct cameo_payload *ownerOf(const cameo_value *value) {
  struct cameo_payload *payload = (struct cameo_payload *)(uintptr_t)value->as.space[4];
  if (!payload || payload->value.kind != value->kind)
    return NULL;
  for (int32_t i = 0; i < 5; i++)
    if (payload->value.as.space[i] != value->as.space[i])
      return NULL;
  return payload;
}

void cameo_value_release(cameo_value *value) {
  struct cameo_payload *payload = ownerOf(value);
  if (payload && --payload->references == 0) {
    for (int64_t i = 0; value->kind == CAMEO_SEQUENCE && i < value->as.sequence.count; i++)
      cameo_value_release(&value->as.sequence.items[i]);
    if (value->kind == CAMEO_OPTIONAL && value->as.optional.value)
      cameo_value_release(value->as.optional.value);
    free(payload);
  }
  *value = (cameo_value){0};
}

/* A block for contents of this size, which follow it; NULL when there is no memory. */
static struct cameo_payload *makePayload(int32_t kind, int64_t bytes) {
  struct cameo_payload *payload = NULL;
  if (bytes <= (int64_t)(SIZE_MAX / 2 - sizeof *payload))
    payload = malloc(sizeof *payload + (size_t)bytes);
  if (!payload)
    return NULL;
  *payload = (struct cameo_payload){.references = 1, .value = {.kind = kind}};
  payload->value.as.space[4] = (int64_t)(uintptr_t)payload;
  return payload;
}

static void copyDims(int64_t *to, const int64_t *from, int32_t rank) {
  for (int32_t i = 0; i < rank; i++)
    to[i] = from[i];
}

int32_t cameo_value_tensor(int32_t dtype, int32_t rank, const int64_t *dims, cameo_value *to) {
  int64_t bytes;
  if (rank < 0 || rank > CAMEO_MAX_RANK)
    return CAMEO_WRONG_RANK;
  if (cameo_tensor_bytes(dtype, rank, dims, &bytes))
    return CAMEO_OVERFLOW;
  const int64_t more = rank * (int64_t)sizeof *dims + CAMEO_ALIGNMENT + CAMEO_SLACK;
  struct cameo_payload *payload = makePayload(CAMEO_TENSOR, cameo_plus(bytes, more));
  if (!payload)
    return CAMEO_OUT_OF_MEMORY;
  int64_t *table = (int64_t *)(payload + 1);
  copyDims(table, dims, rank);
  uintptr_t end = (uintptr_t)(table + rank), padding = -end & (CAMEO_ALIGNMENT - 1);
  payload->value.as.tensor =
      (cameo_tensor){(uint8_t *)(table + rank) + padding, table, bytes, dtype, rank};
  *to = payload->value;
  return CAMEO_OK;
}

/* Bytes of strings with the zeros that end them and the tables of where they are. */
static int64_t stringBytes(const cameo_strings *strings, int64_t count) {
  int64_t bytes = cameo_times(count, sizeof(int64_t) + sizeof(char *) + 1);
  bytes = cameo_plus(bytes, strings->rank * (int64_t)sizeof(int64_t));
  for (int64_t i = 0; i < count; i++)
    bytes = cameo_plus(bytes, strings->lengths[i]);
  return bytes;
}

int32_t cameo_string_count(const cameo_strings *strings, int64_t *count) {
  if (strings->rank < 0 || strings->rank > CAMEO_MAX_RANK)
    return CAMEO_WRONG_RANK;
  return cameo_tensor_bytes(CAMEO_UINT8, strings->rank, strings->dims, count);
}

static int32_t copyStrings(const cameo_strings *from, cameo_value *to) {
  int64_t count;
  int32_t status = cameo_string_count(from, &count);
  if (status)
    return status;
  struct cameo_payload *payload = makePayload(CAMEO_STRINGS, stringBytes(from, count));
  if (!payload)
    return CAMEO_OUT_OF_MEMORY;
  int64_t *dims = (int64_t *)(payload + 1), *lengths = dims + from->rank;
  const char **data = (const char **)(lengths + count);
  char *next = (char *)(data + count);
  copyDims(dims, from->dims, from->rank);
  for (int64_t i = 0; i < count; i++) {
    lengths[i] = from->lengths[i];
    data[i] = next;
    memcpy(next, from->data[i], (size_t)lengths[i]);
    next += lengths[i];
    *next++ = 0;
  }
  payload->value.as.strings = (cameo_strings){data, lengths, dims, from->rank, 0};
  *to = payload->value;
  return CAMEO_OK;
}

static int32_t copyValue(const cameo_value *from, cameo_value *to, int32_t nesting);

static int32_t copySequence(const cameo_sequence *from, cameo_value *to, int32_t nesting) {
  if (from->count < 0)
    return CAMEO_OVERFLOW;
  struct cameo_payload *payload =
      makePayload(CAMEO_SEQUENCE, cameo_times(from->count, sizeof(cameo_value)));
  if (!payload)
    return CAMEO_OUT_OF_MEMORY;
  cameo_sequence *sequence = &payload->value.as.sequence;
  *sequence = (cameo_sequence){(cameo_value *)(payload + 1), 0};
  int32_t status = CAMEO_OK;
  for (int64_t i = 0; i < from->count && !status; i++) {
    status = copyValue(&from->items[i], &sequence->items[i], nesting);
    sequence->count += !status;
  }
  *to = payload->value;
  if (status)
    cameo_value_release(to);
  return status;
}

static int32_t copyOptional(const cameo_optional *from, cameo_value *to, int32_t nesting) {
  struct cameo_payload *payload = makePayload(CAMEO_OPTIONAL, sizeof(cameo_value));
  if (!payload)
    return CAMEO_OUT_OF_MEMORY;
  cameo_value *content = (cameo_value *)(payload + 1);
  int32_t status = from->value ? copyValue(from->value, content, nesting) : CAMEO_OK;
  if (from->value && !status)
    payload->value.as.optional.value = content;
  *to = payload->value;
  if (status)
    cameo_value_release(to);
  return status;
}

static int32_t copyValue(const cameo_value *from, cameo_value *to, int32_t nesting) {
  struct cameo_payload *owner = ownerOf(from);
  *to = (cameo_value){0};
  if (owner) {
    owner->references++;
    *to = owner->value;
    return CAMEO_OK;
  }
  if (nesting == CAMEO_MAX_NESTING)
    return CAMEO_WRONG_KIND;
  switch (from->kind) {
  case CAMEO_TENSOR: {
    const cameo_tensor *tensor = &from->as.tensor;
    int32_t status = cameo_value_tensor(tensor->dtype, tensor->rank, tensor->dims, to);
    if (!status && to->as.tensor.capacity)
      memcpy(to->as.tensor.data, tensor->data, (size_t)to->as.tensor.capacity);
    return status;
  }
  case CAMEO_STRINGS:
    return copyStrings(&from->as.strings, to);
  case CAMEO_SEQUENCE:
    return copySequence(&from->as.sequence, to, nesting + 1);
  case CAMEO_OPTIONAL:
    return copyOptional(&from->as.optional, to, nesting + 1);
  default:
    return CAMEO_WRONG_KIND;
  }
}

int32_t cameo_value_copy(const cameo_value *from, cameo_value *to) {
  return copyValue(from, to, 0);
}
