/*
 * Reductions over axes that only the run knows. The attribute `kind` says which: sum, mean, max,
 * min, prod, l1, l2, log_sum, log_sum_exp, sum_square. Floats accumulate in double, integers in 64
 * bits, wrapping.
 */
#include "kernels/Kernel.h"
#include "support/Support.h"

enum kind { SUM, MEAN, MAX, MIN, PROD, L1, L2, LOG_SUM, LOG_SUM_EXP, SUM_SQUARE, NUM_KINDS };
static const char *const kinds[] = {"sum", "mean", "max",     "min",         "prod",
                                    "l1",  "l2",   "log_sum", "log_sum_exp", "sum_square"};

enum family { REAL, SIGNED, UNSIGNED };
union wide {
  double f;
  int64_t i;
  uint64_t u;
};

struct reduction {
  struct cameo_array x;
  enum kind kind;
  enum family family;
  int32_t rank;
  int64_t reduced[CAMEO_MAX_RANK]; /* 1 for an axis that goes */
  int64_t step[CAMEO_MAX_RANK];    /* between accumulators along an axis */
  int64_t dims[CAMEO_MAX_RANK];    /* of the result */
  int64_t count;                   /* elements reduced into one */
  int64_t results;
  union wide *sums;
  double *tops; /* log_sum_exp: the largest element of each */
};

static enum family familyOf(int32_t dtype) {
  switch (dtype) {
  case CAMEO_FLOAT32:
  case CAMEO_FLOAT64:
  case CAMEO_FLOAT16:
  case CAMEO_BFLOAT16:
    return REAL;
  case CAMEO_INT8:
  case CAMEO_INT16:
  case CAMEO_INT32:
  case CAMEO_INT64:
    return SIGNED;
  default:
    return UNSIGNED;
  }
}

static void store(int32_t dtype, void *to, int64_t i, union wide value) {
  switch (dtype) {
  case CAMEO_FLOAT32:
  case CAMEO_FLOAT64:
  case CAMEO_FLOAT16:
  case CAMEO_BFLOAT16:
    cameo_kernel_store_real(dtype, to, i, value.f);
    break;
  case CAMEO_BOOL:
    ((uint8_t *)to)[i] = value.u != 0;
    break;
  case CAMEO_INT8:
  case CAMEO_UINT8:
    ((uint8_t *)to)[i] = (uint8_t)value.u;
    break;
  case CAMEO_INT16:
  case CAMEO_UINT16:
    ((uint16_t *)to)[i] = (uint16_t)value.u;
    break;
  case CAMEO_INT32:
  case CAMEO_UINT32:
    ((uint32_t *)to)[i] = (uint32_t)value.u;
    break;
  default:
    ((uint64_t *)to)[i] = value.u;
  }
}

/* What an empty reduction gives. */
static union wide identityOf(const struct reduction *r) {
  int64_t bits = r->x.width * 8, max = r->kind == MAX;
  if (r->kind == PROD)
    return r->family == REAL ? (union wide){.f = 1} : (union wide){.i = 1};
  if (r->kind != MAX && r->kind != MIN)
    return r->family == REAL ? (union wide){.f = 0} : (union wide){.i = 0};
  if (r->family == REAL)
    return (union wide){.f = max ? -__builtin_inf() : __builtin_inf()};
  if (r->family == SIGNED)
    return (union wide){.i = max ? INT64_MIN >> (64 - bits) : INT64_MAX >> (64 - bits)};
  if (r->x.dtype == CAMEO_BOOL)
    return (union wide){.u = !max};
  return (union wide){.u = max ? 0 : UINT64_MAX >> (64 - bits)};
}

static double stepReal(const struct reduction *r, double sum, double x, double top) {
  switch (r->kind) {
  case MAX:
  case MIN:
    if (sum != sum || x != x)
      return sum + x;
    return (r->kind == MAX ? sum < x : x < sum) ? x : sum;
  case PROD:
    return sum * x;
  case L1:
    return sum + __builtin_fabs(x);
  case L2:
  case SUM_SQUARE:
    return sum + x * x;
  case LOG_SUM_EXP:
    return sum + cameo_exp(x - top);
  default:
    return sum + x;
  }
}

static union wide stepInt(const struct reduction *r, union wide sum, union wide x) {
  int32_t less = r->family == SIGNED ? sum.i < x.i : sum.u < x.u;
  switch (r->kind) {
  case MAX:
    return less ? x : sum;
  case MIN:
    return less ? sum : x;
  case PROD:
    return (union wide){.u = sum.u * x.u};
  case L1:
    return (union wide){.u = sum.u + (r->family == SIGNED && x.i < 0 ? 0 - x.u : x.u)};
  case L2:
  case SUM_SQUARE:
    return (union wide){.u = sum.u + x.u * x.u};
  default:
    return (union wide){.u = sum.u + x.u};
  }
}

static double lastReal(const struct reduction *r, double sum, double top) {
  switch (r->kind) {
  case MEAN:
    return sum / (double)r->count;
  case L2:
    return __builtin_sqrt(sum);
  case LOG_SUM:
    return cameo_log(sum);
  case LOG_SUM_EXP:
    return cameo_log(sum) + top;
  default:
    return sum;
  }
}

static union wide lastInt(const struct reduction *r, union wide sum) {
  if (r->kind == MEAN && r->count == 0)
    return (union wide){.i = 0};
  if (r->kind == MEAN)
    return r->family == SIGNED ? (union wide){.i = sum.i / r->count}
                               : (union wide){.u = sum.u / (uint64_t)r->count};
  if (r->kind == L2) { /* below 2^32 */
    double root = r->family == SIGNED ? (double)sum.i : (double)sum.u;
    return (union wide){.i = root > 0 ? (int64_t)__builtin_sqrt(root) : 0};
  }
  return sum;
}

static int32_t kindOf(cameo_call *call, enum kind *kind) {
  const char *name = cameo_call_string(call, "kind", "");
  for (*kind = SUM; *kind < NUM_KINDS; ++*kind) {
    const char *a = name, *b = kinds[*kind];
    while (*a && *a == *b)
      a++, b++;
    if (*a == *b)
      return 0;
  }
  return cameo_call_fail(call, "there is no such kind of reduction");
}

/* Operands data, axes: all of them when there are none, unless noop_with_empty_axes. */
static int32_t readAxes(cameo_call *call, struct reduction *r) {
  struct cameo_array axes = {0};
  if (cameo_kernel_has(call, 1) && cameo_kernel_operand(call, 1, &axes))
    return 1;
  int64_t count = cameo_kernel_has(call, 1) ? axes.count : 0;
  int64_t all = count == 0 && !cameo_call_int(call, "noop_with_empty_axes", 0);
  for (int32_t d = 0; d < r->x.rank; d++)
    r->reduced[d] = all;
  for (int64_t i = 0; i < count; i++) {
    int32_t axis;
    if (cameo_kernel_axis(call, cameo_kernel_load_int(&axes, i), r->x.rank, &axis))
      return 1;
    if (r->reduced[axis])
      return cameo_call_fail(call, "an axis is named twice");
    r->reduced[axis] = 1;
  }
  return 0;
}

static void findShape(struct reduction *r, int32_t keep) {
  r->count = r->results = 1;
  r->rank = 0;
  for (int32_t d = 0; d < r->x.rank; d++)
    if (!r->reduced[d] || keep)
      r->dims[r->rank++] = r->reduced[d] ? 1 : r->x.dims[d];
  for (int32_t d = r->x.rank - 1; d >= 0; d--) {
    r->step[d] = r->reduced[d] ? 0 : r->results;
    int64_t *product = r->reduced[d] ? &r->count : &r->results;
    *product = cameo_times(*product, r->x.dims[d]);
  }
}

/* Goes through the elements in order; `tops` first, then the sums. */
static void accumulate(struct reduction *r, int32_t findTops) {
  int64_t index[CAMEO_MAX_RANK] = {0}, at = 0;
  for (int64_t i = 0; i < r->x.count; i++) {
    union wide *sum = &r->sums[at];
    if (findTops) {
      double x = cameo_kernel_load_real(&r->x, i);
      r->tops[at] = r->tops[at] < x ? x : r->tops[at];
    } else if (r->family == REAL) {
      sum->f = stepReal(r, sum->f, cameo_kernel_load_real(&r->x, i), r->tops ? r->tops[at] : 0);
    } else {
      union wide x = {.i = cameo_kernel_load_int(&r->x, i)};
      if (r->x.dtype == CAMEO_BOOL)
        x.u = x.u != 0;
      *sum = stepInt(r, *sum, x);
    }
    int32_t d = r->x.rank - 1;
    for (; d >= 0 && ++index[d] == r->x.dims[d]; d--) {
      at -= (r->x.dims[d] - 1) * r->step[d];
      index[d] = 0;
    }
    at += d >= 0 ? r->step[d] : 0;
  }
}

/* log(sum(exp(x))) is shifted by the largest element against overflow. */
static int32_t findTops(cameo_call *call, struct reduction *r) {
  r->tops = cameo_kernel_memory(call, r->results, sizeof *r->tops);
  if (!r->tops)
    return 1;
  for (int64_t i = 0; i < r->results; i++)
    r->tops[i] = -__builtin_inf();
  accumulate(r, 1);
  for (int64_t i = 0; i < r->results; i++)
    if (__builtin_isinf(r->tops[i]))
      r->tops[i] = 0;
  return 0;
}

int32_t cameo_kernel_reduce(cameo_call *call) {
  struct reduction r = {0};
  if (cameo_kernel_operand(call, 0, &r.x) || kindOf(call, &r.kind))
    return 1;
  if (r.x.rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, r.x.rank, CAMEO_MAX_RANK);
  r.family = familyOf(r.x.dtype);
  if (r.x.kind != CAMEO_TENSOR || (r.family != REAL && r.kind == LOG_SUM_EXP))
    return cameo_call_fail(call, "elements of this type cannot be reduced");
  if (readAxes(call, &r))
    return 1;
  findShape(&r, cameo_call_int(call, "keepdims", 1) != 0);
  void *y = cameo_call_tensor(call, 0, r.x.dtype, r.rank, r.dims);
  if (!y || !(r.sums = cameo_kernel_memory(call, r.results, sizeof *r.sums)))
    return 1;
  if (r.kind == LOG_SUM_EXP && findTops(call, &r))
    return 1;
  for (int64_t i = 0; i < r.results; i++)
    r.sums[i] = identityOf(&r);
  accumulate(&r, 0);
  for (int64_t i = 0; i < r.results; i++) {
    if (r.family == REAL)
      r.sums[i].f = lastReal(&r, r.sums[i].f, r.tops ? r.tops[i] : 0);
    else
      r.sums[i] = lastInt(&r, r.sums[i]);
    store(r.x.dtype, y, i, r.sums[i]);
  }
  return 0;
}
