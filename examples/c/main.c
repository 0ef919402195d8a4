/*
 * Runs a compiled model from C: on the float32 numbers of a file, or on random ones.
 *
 * The model is chosen when this is built; for the digits example, from the root of the repository:
 *
 *     build/bin/cameo compile examples/digits/digits.onnx
 *     cc -DMODEL=digits -I. -Iruntime/include examples/c/main.c digits.so -Wl,-rpath,'$ORIGIN' \
 *        -o digits
 *     ./digits --input examples/digits/inputs.npy --batch 3 --time
 *
 * The program looks for the library in its own folder. It reads a raw or .npy file for the first
 * input, in the order of the dims; other inputs, and all without --input, are filled with numbers
 * from 0 to 1. Symbolic dims get the size of --batch.
 * --time prints how long cameo_create and the first run took together, the peak of resident memory,
 * and the size of the weights inside the library.
 */
#define _POSIX_C_SOURCE 200809L
#include <cameo.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifndef MODEL
#define MODEL digits
#endif
#define TEXT_OF(x) #x
#define HEADER_OF(model) TEXT_OF(model.h)
#include HEADER_OF(MODEL)

#define MAX_RANK 16

static void fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void *allocate(size_t size) {
  void *memory = calloc(size ? size : 1, 1);
  if (!memory)
    fail("memory", "not enough");
  return memory;
}

/* Milliseconds of a steady clock. */
static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return 1e3 * (double)time.tv_sec + 1e-6 * (double)time.tv_nsec;
}

/* Peak of resident memory in KiB, 0 where it is not to be had. Not getrusage: that counts the
 * program that started this one, too. */
static long peakMemory(void) {
  FILE *file = fopen("/proc/self/status", "r");
  char line[256];
  long peak = 0;
  while (file && fgets(line, sizeof line, file))
    if (sscanf(line, "VmHWM: %ld", &peak) == 1)
      break;
  if (file)
    fclose(file);
  return peak;
}

/* Reads `count` floats after the header that a .npy file has and a raw one has not. */
static void readFloats(const char *path, float *data, size_t count) {
  FILE *file = fopen(path, "rb");
  unsigned char head[10];
  if (!file)
    fail(path, "cannot be opened");
  if (fread(head, 1, 10, file) == 10 && !memcmp(head, "\x93NUMPY", 6))
    fseek(file, 10 + head[8] + 256 * head[9], SEEK_SET);
  else
    rewind(file);
  if (fread(data, sizeof(float), count, file) != count)
    fail(path, "holds fewer numbers than the input");
  fclose(file);
}

/* Makes the value of one input: a float tensor with its numbers. */
static cameo_value makeInput(const cameo_io *io, int64_t batch, const char *path) {
  cameo_value value = {0};
  size_t count = 1;
  int64_t *dims = allocate(MAX_RANK * sizeof *dims);
  if (io->kind != CAMEO_TENSOR || io->dtype != CAMEO_FLOAT32 || io->rank < 0 || io->rank > MAX_RANK)
    fail(io->name, "this program only feeds float32 tensors");
  for (int32_t i = 0; i < io->rank; i++) {
    dims[i] = cameo_dim_is_entry(io->dims[i]) ? batch : io->dims[i];
    count *= (size_t)dims[i];
  }
  float *data = allocate(count * sizeof *data);
  if (path)
    readFloats(path, data, count);
  else
    for (size_t i = 0; i < count; i++)
      data[i] = (float)rand() / (float)RAND_MAX;
  value.kind = CAMEO_TENSOR;
  value.as.tensor.data = data;
  value.as.tensor.dims = dims;
  value.as.tensor.dtype = CAMEO_FLOAT32;
  value.as.tensor.rank = io->rank;
  return value;
}

/* Prints the five largest of `count` numbers with their positions. */
static void printTop(const float *row, int64_t count) {
  int64_t before = -1;
  for (int place = 0; place < 5 && place < count; place++) {
    int64_t best = -1;
    for (int64_t i = 0; i < count; i++) {
      int later = before < 0 || row[i] < row[before] || (row[i] == row[before] && i > before);
      if (later && (best < 0 || row[i] > row[best]))
        best = i;
    }
    if (best < 0)
      break;
    printf("%s%" PRId64 " (%.4g)", place ? ", " : "  top: ", best, (double)row[best]);
    before = best;
  }
  printf("\n");
}

/* Prints dims and content of an output: the first numbers, or the top of each row of a matrix. */
static void printOutput(const cameo_io *io, const cameo_value *value) {
  const cameo_tensor *tensor = &value->as.tensor;
  int64_t count = 1;
  printf("%s: [", io->name);
  if (value->kind != CAMEO_TENSOR || tensor->dtype != CAMEO_FLOAT32) {
    printf("not a float32 tensor]\n");
    return;
  }
  for (int32_t i = 0; i < tensor->rank; i++) {
    printf("%s%" PRId64, i ? "," : "", tensor->dims[i]);
    count *= tensor->dims[i];
  }
  printf("]\n");
  const float *data = tensor->data;
  if (tensor->rank == 2 && tensor->dims[1] >= 10) {
    for (int64_t row = 0; row < tensor->dims[0]; row++)
      printTop(data + row * tensor->dims[1], tensor->dims[1]);
    return;
  }
  for (int64_t i = 0; i < count && i < 8; i++)
    printf("%s%.6g", i ? ", " : "  first: ", (double)data[i]);
  printf("\n");
}

typedef struct {
  const char *input;
  int64_t batch;
  int32_t threads;
  int time;
} Arguments;

static Arguments parse(int argc, char **argv) {
  Arguments arguments = {NULL, 1, 1, 0};
  for (int i = 1; i < argc; i++) {
    if (!strcmp(argv[i], "--time"))
      arguments.time = 1;
    else if (!strcmp(argv[i], "--input") && i + 1 < argc)
      arguments.input = argv[++i];
    else if (!strcmp(argv[i], "--batch") && i + 1 < argc)
      arguments.batch = atoll(argv[++i]);
    else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
      arguments.threads = atoi(argv[++i]);
    else
      fail(argv[i], "not one of --input FILE, --batch N, --threads N, --time");
  }
  if (arguments.batch < 1)
    fail("--batch", "needs a number from 1 on");
  return arguments;
}

int main(int argc, char **argv) {
  Arguments arguments = parse(argc, argv);
  const cameo_model *model = MODEL();
  cameo_value *inputs = allocate((size_t)model->num_inputs * sizeof *inputs);
  /* All zero: the context provides the memory of the outputs. */
  cameo_value *outputs = allocate((size_t)model->num_outputs * sizeof *outputs);
  for (int32_t i = 0; i < model->num_inputs; i++)
    inputs[i] = makeInput(&model->inputs[i], arguments.batch, i ? NULL : arguments.input);

  char message[256] = "";
  cameo_context *context;
  cameo_options options = cameo_default_options();
  options.threads = arguments.threads;
  options.message = message;
  options.message_size = sizeof message;
  double start = now();
  if (cameo_create(model, &options, &context) != CAMEO_OK)
    fail(model->name, message);
  if (cameo_run(context, inputs, outputs) != CAMEO_OK)
    fail(model->name, cameo_last_error(context));
  double end = now();

  for (int32_t i = 0; i < model->num_outputs; i++)
    printOutput(&model->outputs[i], &outputs[i]);
  if (arguments.time)
    printf("load to first result %.2f ms, peak memory %.1f MB, weights %.1f MB\n", end - start,
           (double)peakMemory() * 1024 / 1e6, (double)model->weights_size / 1e6);

  cameo_destroy(context);
  for (int32_t i = 0; i < model->num_inputs; i++) {
    free(inputs[i].as.tensor.data);
    free(inputs[i].as.tensor.dims);
  }
  free(inputs);
  free(outputs);
  return 0;
}
