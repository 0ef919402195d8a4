/*
 * NonMaxSuppression: of boxes that overlap, those with the best score, for each batch and class. In
 * 32 bits throughout, on which ties depend.
 */
#include "kernels/Kernel.h"

static const float infinity = __builtin_inff();

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

/*
 * The boxes that were kept, for the question whether a candidate overlaps any of them. They are
 * sorted into bins by their left edge, LANES of them in a block whose loops become vector code. A
 * candidate is compared with the bins left of the end of its reach, until none further left reaches
 * its left edge. So boxes that exporters move apart by class cost each other nothing. Which box is
 * found to overlap does not matter.
 *
 * Intersection over union is no more than the width that two boxes have in common is of either
 * one's width. So where it is above a threshold t, the right one's left edge is less than 1 - t of
 * the left one's width behind the left one's: that is the left one's reach.
 */
enum { LANES = 16, MAX_BINS = 1024, BOXES_A_BIN = 64 };

struct block {
  float y0[LANES], x0[LANES], y1[LANES], x1[LANES], area[LANES];
};

struct kept {
  struct block *blocks;
  int64_t bins;
  float origin, scale;    /* of left edges to bins */
  float part;             /* of a box's width that is its reach */
  int64_t *first, *count; /* of a bin: its first block, and how many boxes it has */
  float *reach;           /* how far the boxes in this bin and all to its left reach */
};

/* Does not decrease where x increases. */
static int64_t binOf(const struct kept *kept, float x) {
  float bin = (x - kept->origin) * kept->scale;
  if (!(bin > 0))
    return 0;
  return bin < (float)kept->bins ? (int64_t)bin : kept->bins - 1;
}

static float areaOf(const struct corners *box) { return (box->y1 - box->y0) * (box->x1 - box->x0); }

/* Of a box from minus infinity on, infinity. */
static float reachOf(const struct kept *kept, const struct corners *box) {
  float reach = box->x0 + kept->part * (box->x1 - box->x0);
  return reach == reach ? reach : infinity;
}

/* Makes empty bins for some boxes. */
static void prepare(struct kept *kept, const struct corners *boxes, int64_t count,
                    float threshold) {
  /* A thousandth more than 1 - t, which rounding does not take away. */
  kept->part = 1.001f - largest(threshold, 0);
  float low = 0, high = 0;
  for (int64_t i = 0; i < count; i++) {
    low = i ? least(low, boxes[i].x0) : boxes[i].x0;
    high = i ? largest(high, boxes[i].x0) : boxes[i].x0;
  }
  int64_t bins = count / BOXES_A_BIN + 1;
  kept->bins = bins < MAX_BINS ? bins : MAX_BINS;
  float scale = (float)kept->bins / (high - low);
  kept->origin = low;
  /* One bin where edges are equal, infinite or no numbers. */
  kept->scale = scale > 0 && scale < infinity ? scale : 0;
  memset(kept->count, 0, (size_t)kept->bins * sizeof *kept->count);
  for (int64_t i = 0; i < count; i++)
    kept->count[binOf(kept, boxes[i].x0)]++;
  for (int64_t bin = 0, blocks = 0; bin < kept->bins; bin++) {
    kept->first[bin] = blocks;
    blocks += (kept->count[bin] + LANES - 1) / LANES;
    kept->count[bin] = 0;
    kept->reach[bin] = -infinity;
  }
}

static void keep(struct kept *kept, const struct corners *box) {
  int64_t bin = binOf(kept, box->x0), n = kept->count[bin]++;
  int32_t lane = n % LANES;
  struct block *block = &kept->blocks[kept->first[bin] + n / LANES];
  if (lane == 0) /* a new block, whose other boxes are not there yet and overlap nothing */
    for (int32_t i = 0; i < LANES; i++) {
      block->y0[i] = block->x0[i] = infinity;
      block->y1[i] = block->x1[i] = -infinity;
      block->area[i] = 0;
    }
  block->y0[lane] = box->y0;
  block->x0[lane] = box->x0;
  block->y1[lane] = box->y1;
  block->x1[lane] = box->x1;
  block->area[lane] = areaOf(box);
  float reach = reachOf(kept, box);
  for (; bin < kept->bins && kept->reach[bin] < reach; bin++)
    kept->reach[bin] = reach;
}

/* Whether intersection over union with any box of a block is above the threshold. */
static int32_t overlapsBlock(const struct corners *box, const struct block *block,
                             float threshold) {
  float area = areaOf(box);
  int32_t found = 0;
  for (int32_t i = 0; i < LANES; i++) {
    float height = least(box->y1, block->y1[i]) - largest(box->y0, block->y0[i]);
    float width = least(box->x1, block->x1[i]) - largest(box->x0, block->x0[i]);
    float common = height * width;
    float total = area + block->area[i] - common;
    found |= (height > 0) & (width > 0) & (total > 0) & (common / total > threshold);
  }
  return found;
}

static int32_t overlaps(const struct kept *kept, const struct corners *box, float threshold) {
  float end = reachOf(kept, box);
  for (int64_t bin = binOf(kept, end); bin >= 0 && kept->reach[bin] >= box->x0; bin--)
    for (int64_t i = 0; i * LANES < kept->count[bin]; i++)
      if (overlapsBlock(box, &kept->blocks[kept->first[bin] + i], threshold))
        return 1;
  return 0;
}

/* A box to choose or not: the better its score, the smaller its key. */
struct candidate {
  uint32_t key;
  int64_t box;
};

/* The order of the keys is that of the scores from the largest on; zeros are equal. */
static uint32_t keyOf(float score) {
  union {
    float number;
    uint32_t bits;
  } x = {.number = score + 0.0f};
  return x.bits & 0x80000000u ? x.bits : ~x.bits & 0x7fffffffu;
}

/* Sorts by key; equal ones stay in order. `other` has room for as many. */
static void sortCandidates(struct candidate *x, struct candidate *other, int64_t n) {
  for (int32_t shift = 0; shift < 32; shift += 8) {
    int64_t place[256] = {0};
    for (int64_t i = 0; i < n; i++)
      place[x[i].key >> shift & 255]++;
    for (int64_t digit = 0, sum = 0; digit < 256; digit++) {
      int64_t count = place[digit];
      place[digit] = sum;
      sum += count;
    }
    for (int64_t i = 0; i < n; i++)
      other[place[x[i].key >> shift & 255]++] = x[i];
    struct candidate *sorted = other;
    other = x;
    x = sorted;
  }
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

/* Threads share one class of so many candidates at least, as so many parts at most. */
enum { SHARED = 2048, MAX_PARTS = 8 };

/* Candidates of a class that overlap none of another part. */
struct part {
  /* In the order of the boxes; at last those chosen, the best first. */
  struct candidate *candidates;
  struct candidate *other; /* room for as many */
  struct corners *boxes;   /* of the candidates, in their order */
  int64_t count;
  struct kept kept;
};

/* Memory for one class at a time. */
struct scratch {
  const struct settings *settings;
  int64_t batch;
  struct part parts[MAX_PARTS];
  int64_t count, most; /* of parts */
};

static int32_t makeScratch(cameo_call *call, const struct settings *s, struct scratch *scratch) {
  struct part *all = scratch->parts;
  int64_t threads = s->count < SHARED ? 1 : cameo_kernel_threads(call);
  scratch->settings = s;
  scratch->most = threads < MAX_PARTS ? threads : MAX_PARTS;
  int64_t bins = scratch->most * MAX_BINS;
  all->candidates = cameo_kernel_memory(call, s->count, sizeof *all->candidates);
  all->other = cameo_kernel_memory(call, s->count, sizeof *all->other);
  all->boxes = cameo_kernel_memory(call, s->count, sizeof *all->boxes);
  /* The last block of each bin may have room left. */
  struct kept *kept = &all->kept;
  kept->blocks = cameo_kernel_memory(call, s->count / LANES + bins, sizeof *kept->blocks);
  kept->first = cameo_kernel_memory(call, bins, sizeof *kept->first);
  kept->count = cameo_kernel_memory(call, bins, sizeof *kept->count);
  kept->reach = cameo_kernel_memory(call, bins, sizeof *kept->reach);
  return !all->candidates || !all->other || !all->boxes || !kept->blocks || !kept->first ||
         !kept->count || !kept->reach;
}

/* Whether any of LANES scores is above the threshold. */
static int32_t anyAbove(const float *scores, float threshold) {
  int32_t found = 0;
  for (int32_t i = 0; i < LANES; i++)
    found |= scores[i] > threshold;
  return found;
}

/* The boxes whose score counts, in order of the boxes. NaN has no place in an order. */
static int64_t filter(const struct settings *s, const float *scores, struct candidate *to) {
  int64_t found = 0;
  for (int64_t begin = 0; begin < s->count; begin += LANES) {
    int64_t end = begin + LANES < s->count ? begin + LANES : s->count;
    if (s->hasScore && end - begin == LANES && !anyAbove(scores + begin, s->score))
      continue;
    for (int64_t i = begin; i < end; i++)
      if (s->hasScore ? scores[i] > s->score : scores[i] == scores[i])
        to[found++] = (struct candidate){keyOf(scores[i]), i};
  }
  return found;
}

static struct corners boxOf(const struct scratch *scratch, const struct candidate *candidate) {
  const struct settings *s = scratch->settings;
  return cornersOf(s->boxes + (scratch->batch * s->count + candidate->box) * 4, s->center);
}

/* The median of some left edges. */
static float middleOf(const struct corners *boxes, int64_t count) {
  enum { SAMPLES = 31 };
  float sorted[SAMPLES];
  for (int64_t i = 0; i < SAMPLES; i++) {
    int64_t at = i;
    float x = boxes[count / SAMPLES * i].x0;
    for (; at > 0 && sorted[at - 1] > x; at--)
      sorted[at] = sorted[at - 1];
    sorted[at] = x;
  }
  return sorted[SAMPLES / 2];
}

/*
 * The stretch around a place that boxes cover without a gap, [*low, *high]: no box that overlaps
 * anything lies across either end. Exporters move boxes apart by class, so that there are such
 * stretches. Returns 0 where it grew too often.
 */
static int32_t findStretch(const struct corners *boxes, int64_t count, float *low, float *high) {
  enum { MAX_PASSES = 8 };
  for (int32_t pass = 0; pass < MAX_PASSES; pass++) {
    float from = *low, to = *high;
    for (int64_t i = 0; i < count; i++)
      if (boxes[i].x0 < *high && boxes[i].x1 > *low && areaOf(&boxes[i]) > 0) {
        *low = least(*low, boxes[i].x0);
        *high = largest(*high, boxes[i].x1);
      }
    if (*low == from && *high == to)
      return 1;
  }
  return 0;
}

static int64_t countUpTo(const struct corners *boxes, int64_t count, float place) {
  int64_t found = 0;
  for (int64_t i = 0; i < count; i++)
    found += boxes[i].x1 <= place;
  return found;
}

/* Moves what is right of a gap near the middle, of all that is there, to a new part; 0 where there
   is none. */
static int32_t splitPart(struct scratch *scratch, struct part *part, struct part *rest) {
  for (int64_t i = 0; i < part->count; i++)
    part->boxes[i] = boxOf(scratch, &part->candidates[i]);
  float low = middleOf(part->boxes, part->count), high = low;
  if (!findStretch(part->boxes, part->count, &low, &high))
    return 0;
  int64_t count = part->count, left = countUpTo(part->boxes, count, low);
  int64_t others = countUpTo(part->boxes, count, high);
  int32_t isFirst = count - others < left; /* the end of the stretch that is nearer to the middle */
  float place = isFirst ? low : high;
  left = isFirst ? left : others;
  if (left < count / 8 || count - left < count / 8)
    return 0;
  int64_t kept = 0, moved = 0;
  for (int64_t i = 0; i < count; i++)
    if (part->boxes[i].x1 <= place)
      part->candidates[kept++] = part->candidates[i];
    else
      part->other[moved++] = part->candidates[i];
  memcpy(part->candidates + kept, part->other, (size_t)moved * sizeof *part->other);
  *rest =
      (struct part){part->candidates + kept, part->other + kept, part->boxes + kept, moved, {0}};
  part->count = kept;
  return 1;
}

/* Divides a class among threads. */
static void makeParts(struct scratch *scratch) {
  struct part *parts = scratch->parts;
  for (scratch->count = 1; scratch->count < scratch->most; scratch->count++) {
    struct part *largest = parts;
    for (struct part *part = parts; part < parts + scratch->count; part++)
      if (part->count > largest->count)
        largest = part;
    if (largest->count < SHARED || !splitPart(scratch, largest, &parts[scratch->count]))
      break;
  }
  for (int64_t i = 1; i < scratch->count; i++) {
    struct part *before = &parts[i - 1];
    parts[i].kept.blocks = before->kept.blocks + before->count / LANES + MAX_BINS;
    parts[i].kept.first = before->kept.first + MAX_BINS;
    parts[i].kept.count = before->kept.count + MAX_BINS;
    parts[i].kept.reach = before->kept.reach + MAX_BINS;
  }
}

/* Leaves the survivors of a part. */
static void suppress(void *argument, int64_t index) {
  struct scratch *scratch = argument;
  struct part *part = &scratch->parts[index];
  const struct settings *s = scratch->settings;
  sortCandidates(part->candidates, part->other, part->count);
  for (int64_t i = 0; i < part->count; i++)
    part->boxes[i] = boxOf(scratch, &part->candidates[i]);
  prepare(&part->kept, part->boxes, part->count, s->overlap);
  int64_t chosen = 0;
  for (int64_t i = 0; i < part->count && chosen < s->most; i++) {
    const struct corners *box = &part->boxes[i];
    if (areaOf(box) > 0) { /* others overlap nothing */
      if (overlaps(&part->kept, box, s->overlap))
        continue;
      keep(&part->kept, box);
    }
    part->candidates[chosen++] = part->candidates[i];
  }
  part->count = chosen;
}

/* The part whose first survivor is the best, of equal ones the first box; NULL where all are
   taken. */
static struct part *bestPart(struct scratch *scratch) {
  struct part *best = NULL;
  for (struct part *part = scratch->parts; part < scratch->parts + scratch->count; part++)
    if (part->count > 0 && (!best || part->candidates->key < best->candidates->key ||
                            (part->candidates->key == best->candidates->key &&
                             part->candidates->box < best->candidates->box)))
      best = part;
  return best;
}

/* Adds the survivors of one class. */
static int32_t addClass(cameo_call *call, const struct settings *s, int64_t batch, int64_t group,
                        struct scratch *scratch, struct rows *rows) {
  struct part all = scratch->parts[0];
  scratch->batch = batch;
  scratch->parts[0].count =
      filter(s, s->scores + (batch * s->classes + group) * s->count, all.candidates);
  if (scratch->parts[0].count == 0)
    return 0;
  makeParts(scratch);
  cameo_kernel_share(call, suppress, scratch, scratch->count);
  struct part *best;
  for (int64_t chosen = 0; chosen < s->most && (best = bestPart(scratch)); chosen++) {
    if (addRow(call, rows, batch, group, best->candidates->box))
      return 1;
    best->candidates++;
    best->count--;
  }
  scratch->parts[0] = all;
  return 0;
}

int32_t cameo_kernel_non_max_suppression(cameo_call *call) {
  struct settings s;
  struct scratch scratch;
  struct rows rows = {0};
  if (readSettings(call, &s))
    return 1;
  int64_t batches = s.count && s.classes && s.most > 0 ? s.batches : 0;
  if (batches && makeScratch(call, &s, &scratch))
    return 1;
  for (int64_t batch = 0; batch < batches; batch++)
    for (int64_t group = 0; group < s.classes; group++)
      if (addClass(call, &s, batch, group, &scratch, &rows))
        return 1;
  int64_t dims[2] = {rows.count, 3};
  int64_t *y = cameo_call_tensor(call, 0, CAMEO_INT64, 2, dims);
  if (y && rows.count)
    memcpy(y, rows.data, (size_t)rows.count * 3 * sizeof *y);
  return !y;
}
