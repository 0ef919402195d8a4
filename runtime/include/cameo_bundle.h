/*
 * Bundles: libraries made by `cameo bundle`, which hold several models. ABI version 2.
 *
 * A bundle's library exports one function, named after the bundle:
 *
 *     const cameo_bundle *heads(void);
 *
 * and a shared library exports it a second time under the name CAMEO_BUNDLE_SYMBOL, for dlsym. A
 * bundle is an immutable object that any number of threads may share. Its models are found by name
 * or by what they say of themselves, and are then models like any other (cameo.h):
 *
 *     int32_t found = cameo_bundle_find_by(heads(), "species", "tomato", 0);
 *     const cameo_model *model = cameo_bundle_model(heads(), found);
 *     if (!model) ...
 *     cameo_create(model, &options, &context);
 *
 * A pool made with one of the models (cameo_pool_create) serves the contexts of all.
 */
#ifndef CAMEO_BUNDLE_H
#define CAMEO_BUNDLE_H

#include "cameo.h"

#ifdef __cplusplus
extern "C" {
#endif

#define CAMEO_BUNDLE_SYMBOL "cameo_bundle"

/* A property of a model: an entry of its ONNX metadata_props. */
typedef struct cameo_bundle_property {
  const char *key;
  const char *value;
  int32_t model; /* its index in the bundle */
  int32_t reserved;
} cameo_bundle_property;

/* The weights of all models are one segment: model->weights_size of each is the size of all. */
typedef struct cameo_bundle {
  uint32_t abi_version; /* CAMEO_ABI_VERSION; check it before anything else */
  uint32_t struct_size; /* sizeof(cameo_bundle) when it was made */
  const char *name;
  const cameo_model *const *models; /* num_models, in the order of their names */
  const cameo_bundle_property
      *properties; /* num_properties, in the order of key, value and model */
  int32_t num_models;
  int32_t num_properties;
} cameo_bundle;

/* The number of models; 0 if there is no bundle, or one of another version of this header. */
CAMEO_INLINE int32_t cameo_bundle_count(const cameo_bundle *bundle) {
  return bundle && bundle->abi_version == CAMEO_ABI_VERSION ? bundle->num_models : 0;
}

/* The model at an index from 0 on, in the order of names; NULL if there is none, as at -1. */
CAMEO_INLINE const cameo_model *cameo_bundle_model(const cameo_bundle *bundle, int32_t index) {
  return index >= 0 && index < cameo_bundle_count(bundle) ? bundle->models[index] : NULL;
}

/* The order of two strings by their bytes: below, at or above 0. */
CAMEO_INLINE int32_t cameo_bundle_order(const char *a, const char *b) {
  while (*a && *a == *b)
    a++, b++;
  return (int32_t)(unsigned char)*a - (int32_t)(unsigned char)*b;
}

/* The index of the model of this name, which is its file's without the extension; -1: none is. */
CAMEO_INLINE int32_t cameo_bundle_find(const cameo_bundle *bundle, const char *name) {
  int32_t begin = 0, end = cameo_bundle_count(bundle);
  while (name && begin < end) {
    int32_t middle = begin + (end - begin) / 2;
    int32_t order = cameo_bundle_order(bundle->models[middle]->name, name);
    if (order == 0)
      return middle;
    if (order < 0)
      begin = middle + 1;
    else
      end = middle;
  }
  return -1;
}

/*
 * The index of the first model, from index `start` on, whose metadata_props have this value under
 * this key; -1: none is. All of them: start at 0, and then at the index found plus 1.
 */
CAMEO_INLINE int32_t cameo_bundle_find_by(const cameo_bundle *bundle, const char *key,
                                          const char *value, int32_t start) {
  int32_t begin = 0, end = 0, count = 0;
  if (key && value && cameo_bundle_count(bundle) > 0)
    count = end = bundle->num_properties;
  while (begin < end) { /* the first that is not before what is sought */
    int32_t middle = begin + (end - begin) / 2;
    const cameo_bundle_property *at = &bundle->properties[middle];
    int32_t order = cameo_bundle_order(at->key, key);
    if (order == 0)
      order = cameo_bundle_order(at->value, value);
    if (order < 0 || (order == 0 && at->model < start))
      begin = middle + 1;
    else
      end = middle;
  }
  if (begin == count || cameo_bundle_order(bundle->properties[begin].key, key) != 0 ||
      cameo_bundle_order(bundle->properties[begin].value, value) != 0)
    return -1;
  return bundle->properties[begin].model;
}

#ifdef __cplusplus
}
#endif

#endif
