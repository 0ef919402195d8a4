/*
 * StringConcat, StringSplit, StringNormalizer. Strings are bytes; where characters matter they are
 * UTF-8, of which bytes that are none count as one character each.
 */
#include "kernels/Kernel.h"
#include "kernels/Utf8.h"

/* Strings being made: `count` of them in scratch memory. */
struct list {
  const char **data;
  int64_t *lengths;
};

static int32_t makeList(cameo_call *call, int64_t count, struct list *list) {
  list->data = cameo_kernel_memory(call, count, sizeof *list->data);
  list->lengths = cameo_kernel_memory(call, count, sizeof *list->lengths);
  return !list->data || !list->lengths;
}

static struct text textAt(const struct cameo_array *x, int64_t i) {
  return (struct text){x->strings[i], x->lengths[i]};
}

static struct text textOf(const char *string) {
  struct text text = {string, 0};
  while (string[text.length])
    text.length++;
  return text;
}

static int32_t isSame(struct text a, struct text b) {
  int32_t same = a.length == b.length;
  for (int64_t i = 0; i < a.length && same; i++)
    same = a.data[i] == b.data[i];
  return same;
}

static int32_t readStrings(cameo_call *call, int32_t input, struct cameo_array *x) {
  if (cameo_kernel_operand(call, input, x))
    return 1;
  if (x->rank > CAMEO_MAX_RANK)
    return cameo_call_fault(call, CAMEO_FAULT_RANK, x->rank, CAMEO_MAX_RANK);
  return x->kind == CAMEO_STRINGS ? 0 : cameo_call_fail(call, "expected strings");
}

/* Dims of two operands that broadcast, and the steps of each along them. */
struct broadcast {
  int32_t rank;
  int64_t dims[CAMEO_MAX_RANK], steps[2][CAMEO_MAX_RANK];
};

static int32_t findBroadcast(cameo_call *call, const struct cameo_array *x, struct broadcast *b) {
  b->rank = x[0].rank > x[1].rank ? x[0].rank : x[1].rank;
  for (int32_t d = 0; d < b->rank; d++) {
    int64_t sizes[2];
    for (int32_t k = 0; k < 2; k++) {
      int32_t own = d - (b->rank - x[k].rank);
      sizes[k] = own < 0 ? 1 : x[k].dims[own];
    }
    if (sizes[0] != sizes[1] && sizes[0] != 1 && sizes[1] != 1)
      return cameo_call_fault(call, CAMEO_FAULT_NO_BROADCAST, sizes[0], sizes[1]);
    b->dims[d] = sizes[0] == 1 ? sizes[1] : sizes[0];
  }
  for (int32_t k = 0; k < 2; k++) {
    int64_t step = 1;
    for (int32_t d = b->rank - 1; d >= 0; d--) {
      int32_t own = d - (b->rank - x[k].rank);
      b->steps[k][d] = own < 0 || x[k].dims[own] == 1 ? 0 : step;
      step = cameo_times(step, own < 0 ? 1 : x[k].dims[own]);
    }
  }
  return 0;
}

static int32_t concatenate(cameo_call *call, struct text a, struct text b, struct list *list,
                           int64_t i) {
  int64_t length = cameo_plus(a.length, b.length);
  char *joined = cameo_call_scratch(call, length);
  if (!joined)
    return 1;
  memcpy(joined, a.data, (size_t)a.length);
  memcpy(joined + a.length, b.data, (size_t)b.length);
  list->data[i] = joined;
  list->lengths[i] = length;
  return 0;
}

int32_t cameo_kernel_string_concat(cameo_call *call) {
  struct cameo_array x[2];
  struct broadcast b;
  struct list list;
  int64_t index[CAMEO_MAX_RANK] = {0}, at[2] = {0}, count;
  if (readStrings(call, 0, &x[0]) || readStrings(call, 1, &x[1]) || findBroadcast(call, x, &b))
    return 1;
  if (cameo_tensor_bytes(CAMEO_UINT8, b.rank, b.dims, &count))
    return cameo_call_fault(call, CAMEO_FAULT_SIZE_OVERFLOW, 0, 0);
  if (makeList(call, count, &list))
    return 1;
  for (int64_t i = 0; i < count; i++) {
    if (concatenate(call, textAt(&x[0], at[0]), textAt(&x[1], at[1]), &list, i))
      return 1;
    int32_t d = b.rank - 1;
    for (; d >= 0 && ++index[d] == b.dims[d]; d--) {
      for (int32_t k = 0; k < 2; k++)
        at[k] -= (b.dims[d] - 1) * b.steps[k][d];
      index[d] = 0;
    }
    for (int32_t k = 0; k < 2 && d >= 0; k++)
      at[k] += b.steps[k][d];
  }
  return cameo_kernel_strings(call, 0, b.rank, b.dims, list.data, list.lengths);
}

static int32_t isSpace(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Walks the parts of a text between delimiters. */
struct splitter {
  struct text rest, delimiter;
  int64_t left; /* splits that may still be made; negative: any number */
  int32_t done;
};

/* With an empty delimiter runs of white space separate, and none is at either end. */
static struct splitter startSplit(struct text text, struct text delimiter, int64_t limit) {
  struct splitter s = {text, delimiter, limit, 0};
  while (!delimiter.length && s.rest.length && isSpace(*s.rest.data))
    cameo_text_skip(&s.rest, 1);
  s.done = !delimiter.length && !s.rest.length;
  return s;
}

/* Bytes before the next delimiter; all if there is none. */
static int64_t partLength(const struct splitter *s) {
  int64_t i = 0, size = s->delimiter.length;
  if (!size) {
    while (i < s->rest.length && !isSpace(s->rest.data[i]))
      i++;
    return i;
  }
  for (; i + size <= s->rest.length; i++)
    if (isSame((struct text){s->rest.data + i, size}, s->delimiter))
      return i;
  return s->rest.length;
}

static struct text nextPart(struct splitter *s) {
  int64_t length = s->left == 0 ? s->rest.length : partLength(s);
  struct text part = {s->rest.data, length};
  s->left -= s->left > 0;
  s->done = length == s->rest.length;
  cameo_text_skip(&s->rest, length);
  if (s->done)
    return part;
  cameo_text_skip(&s->rest, s->delimiter.length);
  while (!s->delimiter.length && s->rest.length && isSpace(*s->rest.data))
    cameo_text_skip(&s->rest, 1);
  s->done = !s->delimiter.length && !s->rest.length;
  return part;
}

/* Results: parts, filled up with empty strings to the longest list, and their numbers. */
int32_t cameo_kernel_string_split(cameo_call *call) {
  struct cameo_array x;
  struct list list;
  const int64_t *given;
  int64_t limit = -1, longest = 0, dims[CAMEO_MAX_RANK + 1];
  struct text delimiter = textOf(cameo_call_string(call, "delimiter", ""));
  if (readStrings(call, 0, &x))
    return 1;
  if (cameo_call_ints(call, "maxsplit", &given) == 1)
    limit = *given;
  int64_t *counts = cameo_call_tensor(call, 1, CAMEO_INT64, x.rank, x.dims);
  if (!counts)
    return 1;
  for (int64_t i = 0; i < x.count; i++) {
    struct splitter s = startSplit(textAt(&x, i), delimiter, limit);
    for (counts[i] = 0; !s.done; counts[i]++)
      nextPart(&s);
    longest = counts[i] > longest ? counts[i] : longest;
  }
  if (makeList(call, cameo_times(x.count, longest), &list))
    return 1;
  for (int64_t i = 0; i < x.count; i++) {
    struct splitter s = startSplit(textAt(&x, i), delimiter, limit);
    for (int64_t k = i * longest; k < (i + 1) * longest; k++) {
      struct text part = s.done ? textOf("") : nextPart(&s);
      list.data[k] = part.data;
      list.lengths[k] = part.length;
    }
  }
  for (int32_t d = 0; d < x.rank; d++)
    dims[d] = x.dims[d];
  dims[x.rank] = longest;
  return cameo_kernel_strings(call, 0, x.rank + 1, dims, list.data, list.lengths);
}

static int64_t putCharacter(char *to, uint32_t point) {
  if (point < 0x80) {
    *to = (char)point;
    return 1;
  }
  int32_t more = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  to[0] = (char)(uint8_t)(((0xf00u >> (more + 1)) & 0xff) | point >> (6 * more));
  for (int32_t k = 1; k <= more; k++)
    to[k] = (char)(uint8_t)(0x80 | (point >> (6 * (more - k)) & 0x3f));
  return more + 1;
}

/* Case pairs of the Unicode blocks Latin, Greek and Cyrillic that are a fixed distance apart: upper
   case from first to last (every second letter if `step` is 2), lower case `distance` above. */
struct casePairs {
  uint32_t first, last, distance, step;
};
static const struct casePairs cases[] = {
    {'A', 'Z', 32, 1},     {0xc0, 0xd6, 32, 1},   {0xd8, 0xde, 32, 1},   {0x100, 0x12e, 1, 2},
    {0x132, 0x136, 1, 2},  {0x139, 0x147, 1, 2},  {0x14a, 0x176, 1, 2},  {0x179, 0x17d, 1, 2},
    {0x391, 0x3a1, 32, 1}, {0x3a3, 0x3a9, 32, 1}, {0x400, 0x40f, 80, 1}, {0x410, 0x42f, 32, 1},
};

static uint32_t withCase(uint32_t point, int32_t upper) {
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct casePairs *pairs = &cases[i];
    uint32_t shift = upper ? pairs->distance : 0;
    uint32_t from = pairs->first + shift, last = pairs->last + shift;
    if (point >= from && point <= last && (point - from) % pairs->step == 0)
      return upper ? point - pairs->distance : point + pairs->distance;
  }
  return point;
}

/* A copy with every letter in upper or lower case. A character takes at most twice its bytes: a
   byte that is no UTF-8 becomes one that is. */
static int32_t changeCase(cameo_call *call, struct text from, int32_t upper, struct text *to) {
  char *copy = cameo_call_scratch(call, cameo_times(from.length, 2));
  to->data = copy;
  to->length = 0;
  while (copy && from.length)
    to->length += putCharacter(copy + to->length, withCase(cameo_text_character(&from), upper));
  return !copy;
}

/* Keeps words that are no stop words; one empty string is left at least. */
struct normalizer {
  struct text *stops;
  int64_t numStops;
  int32_t exact;
  const char *action;
};

static int32_t readStops(cameo_call *call, struct normalizer *n) {
  const char *const *words;
  int64_t count = cameo_call_strings(call, "stopwords", &words);
  n->numStops = count > 0 ? count : 0;
  n->exact = cameo_call_int(call, "is_case_sensitive", 0) != 0;
  n->action = cameo_call_string(call, "case_change_action", "NONE");
  n->stops = cameo_kernel_memory(call, n->numStops, sizeof *n->stops);
  int32_t failed = !n->stops;
  for (int64_t i = 0; i < n->numStops && !failed; i++) {
    n->stops[i] = textOf(words[i]);
    failed = !n->exact && changeCase(call, n->stops[i], 0, &n->stops[i]);
  }
  return failed;
}

static int32_t isStop(cameo_call *call, const struct normalizer *n, struct text word,
                      int32_t *found) {
  *found = 0;
  if (n->numStops && !n->exact && changeCase(call, word, 0, &word))
    return 1;
  for (int64_t i = 0; i < n->numStops && !*found; i++)
    *found = isSame(word, n->stops[i]);
  return 0;
}

int32_t cameo_kernel_string_normalizer(cameo_call *call) {
  struct cameo_array x;
  struct normalizer n;
  struct list list;
  int64_t kept = 0;
  if (readStrings(call, 0, &x))
    return 1;
  if (x.rank != 1 && !(x.rank == 2 && x.dims[0] == 1))
    return cameo_call_fail(call, "expected shape [count] or [1,count]");
  if (readStops(call, &n) || makeList(call, x.count + 1, &list))
    return 1;
  for (int64_t i = 0; i < x.count; i++) {
    struct text word = textAt(&x, i);
    int32_t stop, change = !isSame(textOf(n.action), textOf("NONE"));
    if (isStop(call, &n, word, &stop))
      return 1;
    if (stop)
      continue;
    if (change && changeCase(call, word, isSame(textOf(n.action), textOf("UPPER")), &word))
      return 1;
    list.data[kept] = word.data;
    list.lengths[kept++] = word.length;
  }
  if (kept == 0) {
    list.data[0] = "";
    list.lengths[kept++] = 0;
  }
  int64_t dims[2] = {x.rank == 2 ? 1 : kept, kept};
  return cameo_kernel_strings(call, 0, x.rank, dims, list.data, list.lengths);
}

/* Strings that the model holds: attributes value (strings) and shape (ints). */
int32_t cameo_kernel_string_constant(cameo_call *call) {
  const char *const *values;
  const int64_t *dims;
  struct list list;
  int64_t count = cameo_call_strings(call, "value", &values), expected;
  int64_t rank = cameo_call_ints(call, "shape", &dims);
  if (rank < 0 || rank > CAMEO_MAX_RANK || count < 0 ||
      cameo_tensor_bytes(CAMEO_UINT8, (int32_t)rank, dims, &expected) || count != expected)
    return cameo_call_fail(call, "value and shape do not fit");
  if (makeList(call, count, &list))
    return 1;
  for (int64_t i = 0; i < count; i++) {
    list.data[i] = values[i];
    list.lengths[i] = textOf(values[i]).length;
  }
  return cameo_kernel_strings(call, 0, (int32_t)rank, dims, list.data, list.lengths);
}
