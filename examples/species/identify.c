/*
 * Says which plant a leaf is of and what it suffers from, by the models of the bundle plants.so.
 *
 *     cc identify.c plants.so -o identify && ./identify picture.raw
 *
 * picture.raw has 3 x 32 x 32 numbers of type float, from 0 to 1.
 */
#include "plants.h"

#include <stdio.h>
#include <string.h>

enum { PIXELS = 3 * 32 * 32, FEATURES = 64 };

/* A context of the model, or a message and NULL. */
static cameo_context *open_model(const cameo_model *model, cameo_pool *pool) {
  char message[256] = "there is no such model";
  cameo_options options = cameo_default_options();
  cameo_context *context = NULL;
  options.pool = pool;
  options.message = message;
  options.message_size = sizeof message;
  if (cameo_create(model, &options, &context) != CAMEO_OK)
    fprintf(stderr, "%s\n", message);
  return context;
}

/* One run on a tensor of floats. */
static int run(cameo_context *context, float *data, int64_t *dims, int32_t rank,
               cameo_value *outputs) {
  cameo_value input = {0};
  input.as.tensor.data = data;
  input.as.tensor.dims = dims;
  input.as.tensor.rank = rank;
  input.as.tensor.dtype = CAMEO_FLOAT32;
  if (!context || cameo_run(context, &input, outputs) != CAMEO_OK) {
    fprintf(stderr, "%s\n", cameo_last_error(context));
    return 0;
  }
  return 1;
}

static int largest(const cameo_value *logits) {
  const float *data = logits->as.tensor.data;
  int best = 0;
  for (int i = 1; i < logits->as.tensor.dims[1]; i++)
    if (data[i] > data[best])
      best = i;
  return best;
}

/* Copies entry `entry` of a list that the metadata_props of a model have, as "rose,tomato". */
static void copy_entry(const char *list, int entry, char *to, size_t size) {
  while (list && entry-- > 0)
    list = strchr(list, ',') ? strchr(list, ',') + 1 : NULL;
  snprintf(to, size, "%.*s", list ? (int)strcspn(list, ",") : 1, list ? list : "?");
}

static int identify(float *picture, cameo_pool *pool) {
  const cameo_bundle *bundle = plants();
  const cameo_model *backbone = cameo_bundle_model(bundle, plants_model_backbone);
  cameo_context *eye = open_model(backbone, pool);
  cameo_context *detector = open_model(cameo_bundle_model(bundle, plants_model_detector), pool);
  cameo_context *doctor = NULL;
  cameo_value seen[2] = {{0}}, decision[2] = {{0}}, logits = {0};
  int64_t picture_dims[] = {1, 3, 32, 32}, features_dims[] = {1, FEATURES};
  char species[64], state[64];
  int done = run(eye, picture, picture_dims, 4, seen) &&
             run(detector, seen[0].as.tensor.data, features_dims, 2, decision);
  if (done && !*(const uint8_t *)decision[1].as.tensor.data) {
    printf("no leaf\n");
  } else if (done) {
    copy_entry(cameo_metadata(backbone, "species"), largest(&seen[1]), species, sizeof species);
    int32_t found = cameo_bundle_find_by(bundle, "species", species, 0);
    const cameo_model *head = cameo_bundle_model(bundle, found);
    doctor = open_model(head, pool);
    done = run(doctor, seen[0].as.tensor.data, features_dims, 2, &logits);
    if (done) {
      copy_entry(cameo_metadata(head, "states"), largest(&logits), state, sizeof state);
      printf("%s %s\n", species, state);
    }
  }
  cameo_destroy(doctor);
  cameo_destroy(detector);
  cameo_destroy(eye);
  return done;
}

int main(int argc, char **argv) {
  static float picture[PIXELS];
  FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
  if (!file || fread(picture, sizeof *picture, PIXELS, file) != PIXELS) {
    fprintf(stderr, "usage: identify PICTURE, a file of 3 x 32 x 32 floats\n");
    return 2;
  }
  fclose(file);
  cameo_pool *pool = NULL;
  if (cameo_pool_create(cameo_bundle_model(plants(), 0), 1, &pool) != CAMEO_OK)
    return 2;
  int done = identify(picture, pool);
  cameo_pool_destroy(pool);
  return done ? 0 : 1;
}
