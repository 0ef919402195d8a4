/*
 * Runs a generated library on raw files, for targets that need an emulator. Sizes known only at run
 * time are COUNT:
 * runner LIBRARY COUNT THREADS INPUT-FILES... OUTPUT-FILES...
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

/* The dims of a port, in memory that is never freed, and its bytes. */
static int64_t *dimsOf(const cameo_io *port, int64_t count, size_t *bytes) {
  int64_t *dims = calloc(port->rank + 1, sizeof *dims);
  *bytes = bytesOf[port->dtype];
  for (int i = 0; i < port->rank; i++) {
    dims[i] = port->dims[i] < 0 ? count : port->dims[i];
    *bytes *= dims[i];
  }
  return dims;
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
  int64_t count = atoll(argv[2]);
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
  for (int i = 0; i < model->num_inputs; i++) {
    size_t size;
    in[i].as.tensor.dims = dimsOf(&model->inputs[i], count, &size);
    in[i].as.tensor.data = malloc(size);
    in[i].as.tensor.dtype = model->inputs[i].dtype;
    in[i].as.tensor.rank = model->inputs[i].rank;
    FILE *file = fopen(argv[4 + i], "rb");
    if (!file || fread(in[i].as.tensor.data, 1, size, file) != size)
      return fail(argv[4 + i], "cannot read");
    fclose(file);
  }
  if (cameo_run(context, in, out))
    return fail("run", cameo_last_error(context));
  for (int i = 0; i < model->num_outputs; i++) {
    size_t size;
    dimsOf(&model->outputs[i], count, &size);
    FILE *file = fopen(argv[4 + model->num_inputs + i], "wb");
    if (!file || fwrite(out[i].as.tensor.data, 1, size, file) != size || fclose(file))
      return fail(argv[4 + model->num_inputs + i], "cannot write");
  }
  cameo_destroy(context);
  return 0;
}
