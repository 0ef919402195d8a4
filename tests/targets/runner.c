/*
 * Runs a generated library on files of raw values, for targets that need an emulator:
 * runner LIBRARY COUNT THREADS INPUT-FILES... OUTPUT-FILES...
 * Sizes that the model leaves open are all COUNT. The environment variable RUNS says how often it
 * runs, once by default.
 */
#include <cameo.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const int bytesOf[] = {0, 4, 1, 1, 2, 2, 4, 8, 0, 1, 2, 8, 4, 8, 8, 16, 2};

static int fail(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  return 1;
}

/* Bytes of a tensor of these dims. */
static size_t sizeOf(int32_t dtype, int32_t rank, const int64_t *dims) {
  size_t size = bytesOf[dtype];
  for (int32_t i = 0; i < rank; i++)
    size *= (size_t)dims[i];
  return size;
}

static int readInput(const cameo_io *io, int64_t count, const char *path, cameo_value *value) {
  cameo_tensor *tensor = &value->as.tensor;
  tensor->dtype = io->dtype;
  tensor->rank = io->rank;
  tensor->dims = calloc(io->rank + 1, sizeof *tensor->dims);
  for (int32_t i = 0; i < io->rank; i++)
    tensor->dims[i] = cameo_dim_is_entry(io->dims[i]) ? count : io->dims[i];
  size_t size = sizeOf(io->dtype, io->rank, tensor->dims);
  tensor->data = malloc(size + 1);
  FILE *file = fopen(path, "rb");
  if (!file || fread(tensor->data, 1, size, file) != size)
    return fail(path, "cannot read");
  fclose(file);
  return 0;
}

int main(int argc, char **argv) {
  if (argc < 4)
    return fail("runner", "too few arguments");
  void *library = dlopen(argv[1], RTLD_NOW);
  if (!library)
    return fail(argv[1], dlerror());
  const cameo_model *(*entry)(void);
  *(void **)&entry = dlsym(library, CAMEO_MODEL_SYMBOL);
  const cameo_model *model = entry();
  if (argc != 4 + model->num_inputs + model->num_outputs)
    return fail("runner", "expected a file for each input and output");
  char message[256] = "";
  cameo_options options = cameo_default_options();
  options.threads = atoi(argv[3]);
  options.message = message;
  options.message_size = sizeof message;
  cameo_context *context;
  if (cameo_create(model, &options, &context))
    return fail("create", message);
  cameo_value *in = calloc(model->num_inputs + 1, sizeof *in);
  cameo_value *out = calloc(model->num_outputs + 1, sizeof *out);
  char **path = argv + 4;
  for (int i = 0; i < model->num_inputs; i++)
    if (readInput(&model->inputs[i], atoll(argv[2]), *path++, &in[i]))
      return 1;
  const char *runs = getenv("RUNS");
  for (int i = 0; i < (runs ? atoi(runs) : 1); i++)
    if (cameo_run(context, in, out))
      return fail("run", cameo_last_error(context));
  for (int i = 0; i < model->num_outputs; i++, path++) {
    const cameo_tensor *tensor = &out[i].as.tensor;
    size_t size = sizeOf(tensor->dtype, tensor->rank, tensor->dims);
    FILE *file = fopen(*path, "wb");
    if (!file || fwrite(tensor->data, 1, size, file) != size || fclose(file))
      return fail(*path, "cannot write");
  }
  cameo_destroy(context);
  return 0;
}
