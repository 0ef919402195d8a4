/*
 * Contexts: making and freeing them, and the size of their workspace.
 */
#include "Os.h"
#include "Runtime.h"

const cameo_api cameo_rt_api = {
    cameo_rt_create,      cameo_rt_run,           cameo_rt_destroy,
    cameo_rt_last_error,  cameo_rt_status_string, cameo_rt_workspace_size,
    cameo_rt_pool_create, cameo_rt_cancel,
};

const char *cameo_rt_last_error(const cameo_context *context) {
  return ((const struct cameo_private *)context)->message;
}

/* What is wrong with a pool, or NULL. */
static const char *wrongPool(const cameo_pool *pool) {
  if (pool->threads < 1 || pool->threads > CAMEO_MAX_THREADS)
    return "pool: expected 1 to 1024 threads, got %a";
  return pool->run ? NULL : "pool: 'run' is NULL";
}

/* What is wrong with the options, or NULL. */
static const char *wrongOption(const cameo_options *options) {
  int32_t sources = (options->weights_path != NULL) + (options->weights != NULL) +
                    (options->read_weights != NULL);
  if (options->flags & ~(CAMEO_HUGE_PAGES | CAMEO_POISON | CAMEO_VERIFY))
    return "flags: there are bits that stand for nothing";
  const char *wrong = options->pool ? wrongPool(options->pool) : NULL;
  if (wrong)
    return wrong;
  if (!options->pool && options->threads > CAMEO_MAX_THREADS)
    return "threads: expected at most 1024, got %a";
  if (options->workspace && options->workspace_size < 0)
    return "workspace_size is negative";
  if (sources > 1)
    return "expected at most one of weights_path, weights and read_weights";
  return NULL;
}

/* The same of the limits of runs. */
static const char *wrongLimit(const cameo_options *options) {
  if (options->max_iterations < 0)
    return "max_iterations is negative";
  if (!(options->max_seconds >= 0))
    return "max_seconds is no number from 0 on";
  return options->max_seconds > 0 && cameo_os_clock() < 0 ? "max_seconds: there is no clock here"
                                                          : NULL;
}

/* The caller's options, with defaults for the fields its version does not have. */
static int32_t readOptions(const cameo_options *given, cameo_options *options) {
  const size_t least = __builtin_offsetof(cameo_options, max_iterations);
  *options = cameo_default_options();
  if (!given)
    return CAMEO_OK;
  if (given->struct_size < least)
    return CAMEO_INVALID_ARGUMENT;
  memcpy(options, given,
         given->struct_size < sizeof *options ? given->struct_size : sizeof *options);
  const char *wrong = wrongOption(options);
  if (!wrong)
    wrong = wrongLimit(options);
  struct cameo_words words = {.a = options->pool ? options->pool->threads : options->threads};
  if (wrong)
    cameo_say(options->message, options->message_size, wrong, &words);
  return wrong ? CAMEO_INVALID_ARGUMENT : CAMEO_OK;
}

/* Room for the dims of an output. */
static size_t outputRank(const cameo_io *io) {
  return io->rank < 0 ? CAMEO_MAX_RANK : (size_t)io->rank;
}

/* One block for the context and its tables. */
static struct cameo_private *allocate(const cameo_model *model) {
  size_t inputs = (size_t)model->num_inputs, outputs = (size_t)model->num_outputs;
  size_t words = inputs + (size_t)model->num_symbols + (size_t)model->num_dims;
  for (size_t i = 0; i < outputs; i++)
    words += outputRank(&model->outputs[i]);
  size_t size = sizeof(struct cameo_private) + outputs * sizeof(struct cameo_output) +
                words * sizeof(int64_t) + (inputs + outputs) * sizeof(void *);
  struct cameo_private *self = malloc(size);
  if (!self)
    return NULL;
  memset(self, 0, size);
  self->results = (struct cameo_output *)(self + 1);
  self->input_bytes = (int64_t *)(self->results + outputs);
  self->symbols = self->input_bytes + inputs;
  self->frame.dims = self->symbols + model->num_symbols;
  int64_t *next = self->frame.dims + model->num_dims;
  for (size_t i = 0; i < outputs; i++) {
    self->results[i].dims = next;
    next += outputRank(&model->outputs[i]);
  }
  self->inputs = (const uint8_t **)next;
  self->outputs = (uint8_t **)(self->inputs + inputs);
  self->frame.inputs = self->inputs;
  self->frame.outputs = self->outputs;
  self->head.model = model;
  self->code = model->code;
  return self;
}

/* Cuts the caller's memory to what is aligned and has slack. */
static void useWorkspace(struct cameo_private *self, void *workspace, int64_t size) {
  uintptr_t start = (uintptr_t)workspace + CAMEO_SLACK + CAMEO_ALIGNMENT - 1;
  start &= ~(uintptr_t)(CAMEO_ALIGNMENT - 1);
  int64_t used = (int64_t)(start - (uintptr_t)workspace) + CAMEO_SLACK;
  self->workspace.data = (uint8_t *)workspace + (start - (uintptr_t)workspace);
  self->workspace.size = size - used;
  self->workspace_given = size;
}

static const char *threadsText(int32_t status) {
  return status == CAMEO_NO_THREADS && !cameo_os_has_threads()
             ? "cannot start %a threads: the program has no pthread_create, link it with -pthread"
             : "cannot start %a threads";
}

static int32_t usePool(struct cameo_private *self, const cameo_options *options) {
  self->pool = options->pool;
  if (!self->pool && options->threads != 0 && options->threads != 1) {
    int32_t status = cameo_rt_pool_create(options->threads, &self->pool);
    if (status)
      return status;
    self->owns_pool = 1;
  }
  self->frame.threads = self->pool ? self->pool->threads : 1;
  return self->pool ? cameo_team_create(self) : CAMEO_OK;
}

/* Fills in a context whose options are good; says why it cannot. */
static int32_t setUp(struct cameo_private *self, const cameo_options *options) {
  struct cameo_words words = {.a = options->threads};
  int32_t status = CAMEO_OK;
  self->flags = options->flags;
  self->frame.seed = options->seed;
  self->owns_workspace = !options->workspace;
  if (options->workspace)
    useWorkspace(self, options->workspace, options->workspace_size);
  cameo_set_limits(self, options);
  if (self->code->boxing && (status = self->code->boxing->create(self))) {
    cameo_say(options->message, options->message_size, "no memory for the context", &words);
    return status;
  }
  status = cameo_weights_open(self, options);
  if (!status)
    status = cameo_verify_weights(self, options);
  if (status)
    return status;
  if ((status = usePool(self, options)))
    cameo_say(options->message, options->message_size, threadsText(status), &words);
  return status;
}

int32_t cameo_rt_create(const cameo_model *model, const cameo_options *given,
                        cameo_context **context) {
  cameo_options options;
  int32_t status = readOptions(given, &options);
  if (!status)
    status = cameo_verify_library(model, &options);
  if (status)
    return status;
  struct cameo_words words = {.s = cameo_cpu_missing(model->code), .t = model->cpu};
  if (words.s) {
    cameo_say(options.message, options.message_size,
              "the model was compiled for %t, but this CPU or system lacks %s", &words);
    return CAMEO_MISSING_FEATURE;
  }
  struct cameo_private *self = allocate(model);
  if (!self) {
    cameo_say(options.message, options.message_size, "no memory for the context", &words);
    return CAMEO_OUT_OF_MEMORY;
  }
  status = setUp(self, &options);
  if (status)
    cameo_rt_destroy(&self->head);
  else
    *context = &self->head;
  return status;
}

void cameo_rt_destroy(cameo_context *context) {
  struct cameo_private *self = (struct cameo_private *)context;
  if (self->owns_pool)
    self->pool->destroy(self->pool);
  cameo_team_destroy(self);
  if (self->owns_workspace)
    cameo_memory_free(&self->workspace);
  cameo_memory_free(&self->results_memory);
  if (self->boxes)
    self->code->boxing->destroy(self);
  cameo_weights_close(self);
  free(self);
}

/* The workspace that these dims need, with the slack that cameo.h promises to include. */
static int64_t workspaceOf(const cameo_model *model, int64_t *dims, int32_t threads) {
  struct cameo_fault fault = {0};
  if (model->code->sizes && model->code->sizes(dims, &fault))
    return -CAMEO_OVERFLOW;
  int64_t bytes = model->code->workspace ? model->code->workspace(dims, threads) : 0;
  if (bytes < 0 || bytes > (int64_t)(SIZE_MAX / 4))
    return -CAMEO_OVERFLOW;
  return bytes + CAMEO_BLOCK_MARGIN;
}

int64_t cameo_rt_workspace_size(const cameo_model *model, const int64_t *symbols, int32_t threads) {
  size_t count = (size_t)model->num_dims;
  if (threads < 1 || threads > CAMEO_MAX_THREADS || (!symbols && model->num_symbols))
    return -CAMEO_INVALID_ARGUMENT;
  for (int32_t i = 0; i < model->num_symbols; i++)
    if (symbols[i] < 0 || symbols[i] > INTPTR_MAX)
      return symbols[i] < 0 ? -CAMEO_INVALID_ARGUMENT : -CAMEO_OVERFLOW;
  int64_t *dims = malloc(count * sizeof *dims + 1);
  if (!dims)
    return -CAMEO_OUT_OF_MEMORY;
  memset(dims, 0, count * sizeof *dims);
  if (model->num_symbols)
    memcpy(dims, symbols, (size_t)model->num_symbols * sizeof *dims);
  int64_t bytes = workspaceOf(model, dims, threads);
  free(dims);
  return bytes;
}
