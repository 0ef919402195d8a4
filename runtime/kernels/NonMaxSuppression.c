/*
 * NonMaxSuppression: of boxes that overlap, those with the best score, for each batch and class. In
 * 32 bits throughout, on which ties depend.
 */
#include "kernels/Kernel.h"

struct corners {
  float y0, x0, y1, x1;
};

struct settings {
  const float *boxes;  /* batch x count x 4 */
  const float *scores; /* batch x classes x count */
  int64_t batches, classes, count, most;
  float overlap, score;
  int32_t hasScore, center;
};

static float least(float a, float b) { return b < a ? b : a; }
static float largest(float a, float b) { return a < b ? b : a; }

static struct corners cornersOf(const float *box, int32_t center) {
  float a = box[0], b = box[1], u = box[2], v = box[3];
  if (center)
    return (struct corners){b - v / 2, a - u / 2, b + v / 2, a + u / 2};
  return (struct corners){least(a, u), least(b, v), largest(a, u), largest(b, v)};
}

/* Whether intersection over union is above the threshold. */
static int32_t overlaps(const struct corners *a, const struct corners *b, float threshold) {
  float height = least(a->y1, b->y1) - largest(a->y0, b->y0);
  float width = least(a->x1, b->x1) - largest(a->x0, b->x0);
  if (!(height > 0 && width > 0))
    return 0;
  float common = height * width;
  float areaA = (a->y1 - a->y0) * (a->x1 - a->x0), areaB = (b->y1 - b->y0) * (b->x1 - b->x0);
  float total = areaA + areaB - common;
  return areaA > 0 && areaB > 0 && total > 0 && common / total > threshold;
}

/* Better scores first; the sort keeps equal ones by index. */
static int32_t isBetter(const void *context, int64_t a, int64_t b) {
  const float *scores = context;
  return scores[a] > scores[b];
}

/* Whether an operand of one element is given; an empty one is not. */
static int32_t scalarOf(cameo_call *call, int32_t input, struct cameo_array *x, int32_t *given) {
  *given = 0;
  if (!cameo_kernel_has(call, input))
    return 0;
  struct cameo_words words = {.a = input};
  if (cameo_kernel_operand(call, input, x))
    return 1;
  words.b = x->count;
  if (x->count > 1)
    return cameo_call_failed(call, "operand %a: expected one element, got %b", &words);
  *given = x->count == 1;
  return 0;
}

static int32_t readSettings(cameo_call *call, struct settings *s) {
  struct cameo_array boxes, scores, scalar;
  int32_t given;
  *s = (struct settings){.center = cameo_call_int(call, "center_point_box", 0) != 0};
  if (cameo_kernel_operand(call, 0, &boxes) || cameo_kernel_operand(call, 1, &scores))
    return 1;
  if (boxes.rank != 3 || scores.rank != 3)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, boxes.rank != 3 ? boxes.rank : scores.rank, 3);
  if (boxes.dtype != CAMEO_FLOAT32 || scores.dtype != CAMEO_FLOAT32)
    return cameo_call_fail(call, "expected float32");
  if (boxes.dims[0] != scores.dims[0] || boxes.dims[2] != 4)
    return cameo_call_fault(call, CAMEO_FAULT_DIMS_DIFFER,
                            boxes.dims[2] != 4 ? boxes.dims[2] : boxes.dims[0],
                            boxes.dims[2] != 4 ? 4 : scores.dims[0]);
  if (boxes.dims[1] != scores.dims[2])
    return cameo_call_fault(call, CAMEO_FAULT_DIMS_DIFFER, boxes.dims[1], scores.dims[2]);
  s->boxes = (const float *)boxes.data;
  s->scores = (const float *)scores.data;
  s->batches = boxes.dims[0];
  s->classes = scores.dims[1];
  s->count = boxes.dims[1];
  if (scalarOf(call, 2, &scalar, &given))
    return 1;
  s->most = given ? cameo_kernel_load_int(&scalar, 0) : 0;
  if (scalarOf(call, 3, &scalar, &given))
    return 1;
  s->overlap = given ? *(const float *)scalar.data : 0;
  if (scalarOf(call, 4, &scalar, &s->hasScore))
    return 1;
  s->score = s->hasScore ? *(const float *)scalar.data : 0;
  return 0;
}

/* Rows of the result so far: batch, class, box. */
struct rows {
  int64_t *data, count, room;
};

static int32_t addRow(cameo_call *call, struct rows *rows, int64_t batch, int64_t group,
                      int64_t box) {
  if (rows->count == rows->room) {
    int64_t room = rows->room * 2 + 64;
    int64_t *data = cameo_kernel_memory(call, cameo_times(room, 3), sizeof *data);
    if (!data)
      return 1;
    if (rows->count)
      memcpy(data, rows->data, (size_t)rows->count * 3 * sizeof *data);
    rows->data = data;
    rows->room = room;
  }
  int64_t *row = rows->data + 3 * rows->count++;
  row[0] = batch;
  row[1] = group;
  row[2] = box;
  return 0;
}

/* Adds the survivors of one class. */
static int32_t suppress(cameo_call *call, const struct settings *s, int64_t batch, int64_t group,
                        int64_t *order, struct corners *kept, struct rows *rows) {
  const float *scores = s->scores + (batch * s->classes + group) * s->count;
  int64_t candidates = 0, chosen = 0;
  for (int64_t i = 0; i < s->count; i++) /* NaN has no place in an order */
    if (scores[i] == scores[i] && (!s->hasScore || scores[i] > s->score))
      order[candidates++] = i;
  if (cameo_kernel_sort(call, order, candidates, isBetter, scores))
    return 1;
  for (int64_t k = 0; k < candidates && chosen < s->most; k++) {
    struct corners box = cornersOf(s->boxes + (batch * s->count + order[k]) * 4, s->center);
    int32_t suppressed = 0;
    for (int64_t i = 0; i < chosen && !suppressed; i++)
      suppressed = overlaps(&box, &kept[i], s->overlap);
    if (suppressed)
      continue;
    kept[chosen++] = box;
    if (addRow(call, rows, batch, group, order[k]))
      return 1;
  }
  return 0;
}

int32_t cameo_kernel_non_max_suppression(cameo_call *call) {
  struct settings s;
  struct rows rows = {0};
  if (readSettings(call, &s))
    return 1;
  int64_t *order = cameo_kernel_memory(call, s.count, sizeof *order);
  struct corners *kept = cameo_kernel_memory(call, s.count, sizeof *kept);
  if (!order || !kept)
    return 1;
  int64_t batches = s.count && s.classes && s.most > 0 ? s.batches : 0;
  for (int64_t batch = 0; batch < batches; batch++)
    for (int64_t group = 0; group < s.classes; group++)
      if (suppress(call, &s, batch, group, order, kept, &rows))
        return 1;
  int64_t dims[2] = {rows.count, 3};
  int64_t *y = cameo_call_tensor(call, 0, CAMEO_INT64, 2, dims);
  if (y && rows.count)
    memcpy(y, rows.data, (size_t)rows.count * 3 * sizeof *y);
  return !y;
}
