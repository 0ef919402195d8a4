/*
 * Unique: the distinct slices along an axis. NaN counts as equal to NaN and larger than numbers.
 */
#include "kernels/Kernel.h"
#include "support/Support.h"

/* -1, 0 or 1. */
#define COMPARE(name, type, value)                                                                 \
  static int32_t name(const struct cameo_array *x, int64_t i, int64_t j) {                         \
    const type *data = (const type *)x->data;                                                      \
    __typeof__(value(data[i])) a = value(data[i]), b = value(data[j]);                             \
    if (a != a || b != b)                                                                          \
      return (a != a) - (b != b);                                                                  \
    return (a > b) - (a < b);                                                                      \
  }
#define SAME(x) (x)
COMPARE(compareF32, float, SAME)
COMPARE(compareF64, double, SAME)
COMPARE(compareF16, uint16_t, cameo_half_to_float)
COMPARE(compareBF16, uint16_t, cameo_bfloat_to_float)
COMPARE(compareI8, int8_t, SAME)
COMPARE(compareI16, int16_t, SAME)
COMPARE(compareI32, int32_t, SAME)
COMPARE(compareI64, int64_t, SAME)
COMPARE(compareU8, uint8_t, SAME)
COMPARE(compareU16, uint16_t, SAME)
COMPARE(compareU32, uint32_t, SAME)
COMPARE(compareU64, uint64_t, SAME)
COMPARE(compareBool, uint8_t, !!)

/* By bytes, the shorter first. */
static int32_t compareStrings(const struct cameo_array *x, int64_t i, int64_t j) {
  const uint8_t *a = (const uint8_t *)x->strings[i], *b = (const uint8_t *)x->strings[j];
  int64_t lengthA = x->lengths[i], lengthB = x->lengths[j];
  for (int64_t k = 0; k < lengthA && k < lengthB; k++)
    if (a[k] != b[k])
      return a[k] < b[k] ? -1 : 1;
  return (lengthA > lengthB) - (lengthA < lengthB);
}

typedef int32_t (*comparison)(const struct cameo_array *x, int64_t i, int64_t j);

static comparison comparisonOf(int32_t dtype) {
  switch (dtype) {
  case CAMEO_FLOAT32:
    return compareF32;
  case CAMEO_FLOAT64:
    return compareF64;
  case CAMEO_FLOAT16:
    return compareF16;
  case CAMEO_BFLOAT16:
    return compareBF16;
  case CAMEO_INT8:
    return compareI8;
  case CAMEO_INT16:
    return compareI16;
  case CAMEO_INT32:
    return compareI32;
  case CAMEO_INT64:
    return compareI64;
  case CAMEO_UINT8:
    return compareU8;
  case CAMEO_UINT16:
    return compareU16;
  case CAMEO_UINT32:
    return compareU32;
  case CAMEO_UINT64:
    return compareU64;
  case CAMEO_BOOL:
    return compareBool;
  case CAMEO_STRING:
    return compareStrings;
  default:
    return NULL;
  }
}

struct slices {
  struct cameo_array x;
  struct cameo_split split;
  comparison compare;
};

static int32_t compareSlices(const struct slices *s, int64_t a, int64_t b) {
  int32_t order = 0;
  for (int64_t o = 0; o < s->split.outer && !order; o++)
    for (int64_t k = 0; k < s->split.inner && !order; k++) {
      int64_t base = o * s->split.size * s->split.inner + k;
      order = s->compare(&s->x, base + a * s->split.inner, base + b * s->split.inner);
    }
  return order;
}

static int32_t isBefore(const void *context, int64_t a, int64_t b) {
  return compareSlices(context, a, b) < 0;
}

static int32_t isEarlier(const void *context, int64_t a, int64_t b) {
  const int64_t *first = context;
  return first[a] < first[b];
}

/* Tables with an entry a slice or, the last three, a group of equal ones. */
struct groups {
  int64_t count;
  int64_t *order, *groupOf, *first, *sizes, *rank;
};

/* The groups by rising slice; slices without elements are all equal. */
static int32_t findGroups(cameo_call *call, const struct slices *s, struct groups *g) {
  int64_t n = s->split.size;
  int64_t *tables = cameo_kernel_memory(call, cameo_times(n, 5), sizeof *tables);
  if (!tables)
    return 1;
  *g = (struct groups){0, tables, tables + n, tables + 2 * n, tables + 3 * n, tables + 4 * n};
  for (int64_t i = 0; i < n; i++)
    g->order[i] = i;
  if (cameo_kernel_sort(call, g->order, n, isBefore, s))
    return 1;
  for (int64_t i = 0; i < n; i++) {
    int64_t slice = g->order[i];
    if (i == 0 || compareSlices(s, g->order[i - 1], slice)) {
      g->first[g->count] = slice;
      g->sizes[g->count] = 0;
      g->rank[g->count] = g->count;
      g->count++;
    }
    g->groupOf[slice] = g->count - 1;
    g->sizes[g->count - 1]++;
  }
  return 0;
}

/* Results Y, indices, inverse_indices, counts. */
int32_t cameo_kernel_unique(cameo_call *call) {
  struct slices s;
  struct groups g = {0};
  int32_t axis = -1;
  const int64_t *given;
  if (cameo_kernel_operand(call, 0, &s.x))
    return 1;
  if (cameo_call_ints(call, "axis", &given) == 1 &&
      cameo_kernel_axis(call, *given, s.x.rank, &axis))
    return 1;
  s.split = cameo_kernel_split(&s.x, axis);
  s.compare = comparisonOf(s.x.dtype);
  if (!s.compare)
    return cameo_call_fail(call, "elements of this type have no order");
  if (findGroups(call, &s, &g))
    return 1;
  if (!cameo_call_int(call, "sorted", 1) &&
      cameo_kernel_sort(call, g.rank, g.count, isEarlier, g.first))
    return 1;
  /* From here on order[i] is the first slice of result i, and place[] where a group went. */
  int64_t *place = cameo_kernel_memory(call, g.count, sizeof *place);
  if (!place)
    return 1;
  for (int64_t i = 0; i < g.count; i++) {
    place[g.rank[i]] = i;
    g.order[i] = g.first[g.rank[i]];
  }
  if (cameo_kernel_pick(call, 0, &s.x, axis, g.order, g.count))
    return 1;
  int64_t *indices = call->num_outputs > 1 ? cameo_kernel_ints(call, 1, g.count) : NULL;
  int64_t *inverse = call->num_outputs > 2 ? cameo_kernel_ints(call, 2, s.split.size) : NULL;
  int64_t *counts = call->num_outputs > 3 ? cameo_kernel_ints(call, 3, g.count) : NULL;
  for (int64_t i = 0; i < g.count && indices; i++)
    indices[i] = g.order[i];
  for (int64_t i = 0; i < s.split.size && inverse; i++)
    inverse[i] = place[g.groupOf[i]];
  for (int64_t i = 0; i < g.count && counts; i++)
    counts[i] = g.sizes[g.rank[i]];
  return 0;
}
