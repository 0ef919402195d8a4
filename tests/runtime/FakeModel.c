/* See FakeModel.h: the shapes of constants and functions are those that codegen/ emits. */
#include "FakeModel.h"
#include "runtime/abi.h"

int32_t fakeHeld, fakeReleased;

enum { N, M, TWICE_N, ELEMENTS, HITS, NUM_DIMS };
enum { SLOT = 64, UNUSED = 64 };

static const _Alignas(64) float weights[4 + 16] = {1, 2, 3, 4};

static int32_t sizes(int64_t *dims, struct cameo_fault *fault) {
  fault->node = 0;
  fault->code = CAMEO_FAULT_SIZE_OVERFLOW;
  return __builtin_mul_overflow(dims[N], (int64_t)2, &dims[TWICE_N]) ||
         __builtin_mul_overflow(dims[N], dims[M], &dims[ELEMENTS]) ||
         dims[ELEMENTS] > INT64_MAX / 8;
}

/* [unused] [rows: n x 4] [slot: two for each thread] [facts: one for each thread] */
static int64_t rowsSize(const int64_t *dims) { return (dims[N] * 16 + 63) & ~63ll; }

static int64_t workspace(const int64_t *dims, int32_t threads) {
  if (dims[N] > INT64_MAX / 32)
    return -1;
  return UNUSED + rowsSize(dims) + (int64_t)threads * 3 * SLOT;
}

static int64_t *slot(struct cameo_frame *frame, int64_t thread, int32_t which) {
  uint8_t *base = frame->workspace + UNUSED + rowsSize(frame->dims);
  return (int64_t *)(base + ((int64_t)which * frame->threads + thread) * SLOT);
}

/* Rounding to nearest, and on x86 with 0 for denormal results. */
static int32_t isMode(void) {
  volatile double tiny = 0x1p-1060, least = 0x1p-1022, one = 1, step = 0x1p-53;
#if defined(__x86_64__)
  int32_t flushes = 1;
#else
  int32_t flushes = 0;
#endif
  return tiny * 0x1p100 != 0 && (least * 0.5 == 0) == flushes && one + step == 1 &&
         -one - step == -1 && one + 1.5 * step > 1;
}

static void teamMain(struct cameo_frame *frame, int32_t thread, int32_t threads) {
  int64_t rows = frame->dims[N], mode = *(const int64_t *)frame->inputs[2], range[2];
  const float *a = (const float *)frame->inputs[0], *w = (const float *)frame->weights;
  float *scaled = (float *)(frame->workspace + UNUSED), *y = (float *)frame->outputs[0];
  while (cameo_rt_claim(frame, thread, rows, range))
    for (int64_t i = range[0] * 4; i < range[1] * 4; i++)
      scaled[i] = a[i] * w[i % 4];
  while (cameo_rt_claim(frame, thread, threads, range))
    for (int64_t i = range[0]; i < range[1]; i++) {
      *slot(frame, i, 0) = 0;
      *slot(frame, i, 2) = isMode();
    }
  if (mode == MODE_TEAM_FAIL)
    cameo_rt_fail(frame, CAMEO_FAULT_INDEX_RANGE, 1, 7, 5);
  cameo_rt_barrier(frame, thread);
  while (mode == MODE_TEAM_LOOP && !cameo_rt_failed(frame)) {
    while (cameo_rt_claim(frame, thread, threads, range)) {
    }
    cameo_rt_barrier(frame, thread);
  }
  if (cameo_rt_failed(frame))
    return;
  /* From the last row on, so that threads read what others wrote, and a missing barrier shows. */
  while (cameo_rt_claim(frame, thread, rows, range))
    for (int64_t i = (rows - range[1]) * 4; i < (rows - range[0]) * 4; i++)
      y[i] = y[rows * 4 + i] = scaled[i];
  for (int32_t round = 0; round < ROUNDS; round++) {
    while (cameo_rt_claim(frame, thread, threads, range))
      for (int64_t i = range[0]; i < range[1]; i++)
        *slot(frame, i, (round + 1) % 2) = *slot(frame, (i + 1) % threads, round % 2) + 1;
    cameo_rt_barrier(frame, thread);
  }
}

/* Makes room as hits come, four at first. */
static void findHits(struct cameo_frame *frame) {
  const float *b = (const float *)frame->inputs[1];
  int64_t count = 0, room = 4;
  cameo_rt_reserve(frame, 0, room * 8, 0);
  for (int64_t i = 0; i < frame->dims[ELEMENTS] && !cameo_rt_failed(frame); i++) {
    if (!(b[i] > 0))
      continue;
    if (count == room)
      cameo_rt_reserve(frame, 0, (room += 1) * 8, 1);
    if (!cameo_rt_failed(frame))
      ((int64_t *)frame->boxes[0])[count++] = i;
  }
  frame->dims[HITS] = count;
}

static void run(struct cameo_frame *frame) {
  int64_t mode = *(const int64_t *)frame->inputs[2];
  double *facts = (double *)frame->outputs[2];
  if (mode == MODE_FAIL)
    cameo_rt_fail(frame, CAMEO_FAULT_RESHAPE, 0, 12, CAMEO_UNKNOWN);
  if (mode == MODE_HOLD) {
    __atomic_store_n(&fakeHeld, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&fakeReleased, __ATOMIC_SEQ_CST)) {
    }
  }
  while (mode == MODE_LOOP && !cameo_rt_iterate(frame, 0)) {
  }
  int32_t threads = mode == MODE_SMALL ? 1 : frame->threads;
  cameo_rt_team(frame, teamMain, mode == MODE_SMALL ? 1 : INT64_MAX);
  if (cameo_rt_failed(frame))
    return;
  findHits(frame);
  facts[FACT_THREADS] = threads;
  facts[FACT_ROUNDS] = (double)*slot(frame, 0, 0);
  facts[FACT_MODE] = 1;
  for (int32_t i = 0; i < threads; i++) {
    if (*slot(frame, i, 0) != *slot(frame, 0, 0))
      facts[FACT_ROUNDS] = -1;
    if (!*slot(frame, i, 2))
      facts[FACT_MODE] = 0;
  }
  facts[FACT_POISONED] = *(const int64_t *)frame->workspace == -1;
}

#define ENTRY(i) (-1 - (i))
static const int64_t dimsA[] = {ENTRY(N), 4}, dimsB[] = {ENTRY(N), ENTRY(M)};
static const int64_t dimsY[] = {ENTRY(TWICE_N), 4}, dimsHits[] = {ENTRY(HITS)}, dimsFacts[] = {4};
static const cameo_io inputs[] = {{"a", dimsA, CAMEO_TENSOR, CAMEO_FLOAT32, 2, 0},
                                  {"b", dimsB, CAMEO_TENSOR, CAMEO_FLOAT32, 2, 0},
                                  {"mode", 0, CAMEO_TENSOR, CAMEO_INT64, 0, 0}};
static const cameo_io outputs[] = {{"y", dimsY, CAMEO_TENSOR, CAMEO_FLOAT32, 2, 0},
                                   {"hits", dimsHits, CAMEO_TENSOR, CAMEO_INT64, 1, 1},
                                   {"facts", dimsFacts, CAMEO_TENSOR, CAMEO_FLOAT64, 1, 0}};
static const char *const dimNames[NUM_DIMS] = {"n", "m", "2*n", 0, "k"};
static const int32_t outputBoxes[] = {-1, 0, -1};
static const char *const nodes[] = {"Reshape_1", "Gather_2"};

static const struct cameo_code code = {
    .weights = (const uint8_t *)weights,
    .weights_file = "fake.weights",
    .weights_id = 0x1122334455667788,
#if defined(__x86_64__)
    .arch = CAMEO_ARCH_X86,
#elif defined(__aarch64__)
    .arch = CAMEO_ARCH_AARCH64,
#elif defined(__arm__)
    .arch = CAMEO_ARCH_ARM,
#elif defined(__riscv)
    .arch = CAMEO_ARCH_RISCV,
#endif
    .num_nodes = 2,
    .nodes = nodes,
    .sizes = sizes,
    .workspace = workspace,
    .main = run,
    .num_boxes = 1,
    .output_boxes = outputBoxes,
    .boxing = &cameo_rt_boxing,
};

static const cameo_model model = {
    .abi_version = CAMEO_ABI_VERSION,
    .struct_size = sizeof(cameo_model),
    .name = "fake",
    .metadata = "{\"producer\":\"hand\",\"opset\":{\"\":21}}",
    .cpu = "baseline",
    .inputs = inputs,
    .outputs = outputs,
    .dim_names = dimNames,
    .num_inputs = 3,
    .num_outputs = 3,
    .num_symbols = 2,
    .num_dims = NUM_DIMS,
    .weights_size = 16,
    .api = &cameo_rt_api,
    .code = &code,
};

const cameo_model *fake(void) { return &model; }

/* The second name of the entry function in a shared library, CAMEO_MODEL_SYMBOL. */
const cameo_model *fakeAlias(void) __asm__("cameo_model");
const cameo_model *fakeAlias(void) { return &model; }
