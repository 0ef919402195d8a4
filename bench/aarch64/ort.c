/*
 * Runs a model in ONNX Runtime with one thread: ort MODEL INPUT-NAME OUTPUT-NAME RUNS DIM...
 * The input is float32, full of 0.5. ONNX Runtime's wheels bring no header: its functions are in a
 * table whose places never change (onnxruntime_c_api.h of version 15 of the interface).
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct {
  void **(*api)(uint32_t version);
  const char *(*version)(void);
} Base;
extern const Base *OrtGetApiBase(void);

enum {
  GetErrorMessage = 2,
  CreateEnv = 3,
  CreateSession = 7,
  Run = 9,
  CreateSessionOptions = 10,
  SetSessionGraphOptimizationLevel = 23,
  SetIntraOpNumThreads = 24,
  SetInterOpNumThreads = 25,
  CreateTensorWithData = 49,
  CreateCpuMemoryInfo = 69,
};
enum { Error = 3, AllOptimizations = 99, Float = 1, MaxDims = 8 };

static void **api;

static void check(void *status, const char *what) {
  if (!status)
    return;
  fprintf(stderr, "%s: %s\n", what, ((const char *(*)(void *))api[GetErrorMessage])(status));
  exit(1);
}
#define CALL(name, types, ...) check(((void *(*)types)api[name])(__VA_ARGS__), #name)

int main(int argc, char **argv) {
  int rank = argc - 5;
  if (rank < 1 || rank > MaxDims) {
    fprintf(stderr, "ort MODEL INPUT-NAME OUTPUT-NAME RUNS DIM...\n");
    return 2;
  }
  api = OrtGetApiBase()->api(15);
  void *env, *options, *session, *memory, *input;
  CALL(CreateEnv, (int, const char *, void **), Error, "count", &env);
  CALL(CreateSessionOptions, (void **), &options);
  CALL(SetIntraOpNumThreads, (void *, int), options, 1);
  CALL(SetInterOpNumThreads, (void *, int), options, 1);
  CALL(SetSessionGraphOptimizationLevel, (void *, int), options, AllOptimizations);
  CALL(CreateSession, (void *, const char *, void *, void **), env, argv[1], options, &session);
  CALL(CreateCpuMemoryInfo, (int, int, void **), 0, 0, &memory);
  int64_t dims[MaxDims];
  size_t count = 1;
  for (int i = 0; i < rank; i++)
    count *= (size_t)(dims[i] = atoll(argv[5 + i]));
  float *data = malloc(count * sizeof *data);
  for (size_t i = 0; i < count; i++)
    data[i] = 0.5f;
  CALL(CreateTensorWithData, (void *, void *, size_t, const int64_t *, size_t, int, void **),
       memory, data, count * sizeof *data, dims, (size_t)rank, Float, &input);
  const char *inputs[] = {argv[2]}, *outputs[] = {argv[3]};
  for (int i = 0; i < atoi(argv[4]); i++) {
    void *output = NULL;
    CALL(Run, (void *, void *, const char **, void **, size_t, const char **, size_t, void **),
         session, NULL, inputs, &input, (size_t)1, outputs, (size_t)1, &output);
  }
  return 0;
}
