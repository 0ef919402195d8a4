/*
 * RegexFullMatch. The compiler translates the pattern; this simulates the translation (Thompson,
 * "Regular expression search algorithm", 1968) in time proportional to pattern times text.
 *
 * The attribute `code` (ints) is the number of instructions, four numbers for each, and ranges of
 * characters, first and last. An instruction is its kind, whether it is negated, and two more: a
 * split's relative jumps, or the first range of a set and the one behind its last.
 */
#include "kernels/Kernel.h"
#include "kernels/Utf8.h"

enum { SET, SPLIT, BEGIN, END, BOUNDARY };
enum { KIND, NEGATED, FIRST, SECOND, FIELDS };
static const int64_t NONE = -1; /* where there is no character */

/* Positions of the code that the simulation is at. */
struct threads {
  int64_t *list, count;
  uint8_t *seen;
};

struct regex {
  int64_t size;
  const int64_t *instructions, *ranges;
  struct threads now, next;
};

static int32_t isWord(int64_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

static void add(struct threads *threads, int64_t position) {
  if (!threads->seen[position]) {
    threads->seen[position] = 1;
    threads->list[threads->count++] = position;
  }
}

/* Adds a position between two characters, and those reached from it without consuming one. */
static void follow(const struct regex *regex, struct threads *threads, int64_t from, int64_t before,
                   int64_t after) {
  int64_t i = threads->count;
  for (add(threads, from); i < threads->count; i++) {
    int64_t position = threads->list[i];
    const int64_t *code = regex->instructions + FIELDS * position;
    if (position == regex->size || code[KIND] == SET)
      continue;
    int32_t holds = code[KIND] == BEGIN ? before == NONE
                    : code[KIND] == END ? after == NONE
                                        : (isWord(before) != isWord(after)) != code[NEGATED];
    if (code[KIND] == SPLIT) {
      add(threads, position + code[FIRST]);
      add(threads, position + code[SECOND]);
    } else if (holds) {
      add(threads, position + 1);
    }
  }
}

static int32_t consumes(const struct regex *regex, int64_t position, int64_t c) {
  const int64_t *code = regex->instructions + FIELDS * position;
  int32_t inside = 0;
  if (position == regex->size || code[KIND] != SET)
    return 0;
  for (int64_t i = code[FIRST]; i < code[SECOND] && !inside; i++)
    inside = c >= regex->ranges[2 * i] && c <= regex->ranges[2 * i + 1];
  return inside != code[NEGATED];
}

static void clear(struct threads *threads) {
  for (int64_t i = 0; i < threads->count; i++)
    threads->seen[threads->list[i]] = 0;
  threads->count = 0;
}

static int64_t nextCharacter(struct text *text) {
  return text->length ? (int64_t)cameo_text_character(text) : NONE;
}

static int32_t matches(struct regex *regex, struct text text) {
  int64_t before = NONE, c = nextCharacter(&text);
  clear(&regex->now);
  follow(regex, &regex->now, 0, before, c);
  while (c != NONE && regex->now.count) {
    int64_t after = nextCharacter(&text);
    clear(&regex->next);
    for (int64_t i = 0; i < regex->now.count; i++)
      if (consumes(regex, regex->now.list[i], c))
        follow(regex, &regex->next, regex->now.list[i] + 1, c, after);
    struct threads swapped = regex->now;
    regex->now = regex->next;
    regex->next = swapped;
    c = after;
  }
  return regex->now.seen[regex->size];
}

static int32_t makeThreads(cameo_call *call, int64_t size, struct threads *threads) {
  threads->count = 0;
  threads->list = cameo_kernel_memory(call, size + 1, sizeof *threads->list);
  threads->seen = cameo_call_scratch(call, size + 1);
  if (!threads->list || !threads->seen)
    return 1;
  memset(threads->seen, 0, (size_t)size + 1);
  return 0;
}

int32_t cameo_kernel_regex_full_match(cameo_call *call) {
  struct cameo_array x;
  struct regex regex = {0};
  const int64_t *code;
  if (cameo_kernel_operand(call, 0, &x))
    return 1;
  if (x.kind != CAMEO_STRINGS || cameo_call_ints(call, "code", &code) < 1)
    return cameo_call_fail(call, "expected strings and a pattern");
  regex.size = *code;
  regex.instructions = code + 1;
  regex.ranges = regex.instructions + FIELDS * regex.size;
  uint8_t *y = cameo_call_tensor(call, 0, CAMEO_BOOL, x.rank, x.dims);
  if (!y || makeThreads(call, regex.size, &regex.now) || makeThreads(call, regex.size, &regex.next))
    return 1;
  for (int64_t i = 0; i < x.count; i++)
    y[i] = (uint8_t)matches(&regex, (struct text){x.strings[i], x.lengths[i]});
  return 0;
}
