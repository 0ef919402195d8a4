/*
 * Messages: a formatter of a few lines instead of snprintf, the texts of status codes and faults,
 * and the names and sizes of element types.
 */
#include "Runtime.h"

struct writer {
  char *out;
  int64_t size;
  int64_t used;
};

static void putText(struct writer *writer, const char *text) {
  for (; text && *text; text++)
    if (writer->used + 1 < writer->size)
      writer->out[writer->used++] = *text;
}

static void putNumber(struct writer *writer, int64_t value) {
  char digits[24];
  int32_t i = sizeof digits - 1;
  if (value == CAMEO_UNKNOWN) {
    putText(writer, "?");
    return;
  }
  uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
  digits[i] = 0;
  do
    digits[--i] = (char)('0' + rest % 10);
  while (rest /= 10);
  if (value < 0)
    digits[--i] = '-';
  putText(writer, digits + i);
}

static void put(struct writer *writer, const char *text, const struct cameo_words *words) {
  for (; *text; text++) {
    if (*text != '%') {
      char one[2] = {*text, 0};
      putText(writer, one);
      continue;
    }
    switch (*++text) {
    case 's':
      putText(writer, words->s);
      break;
    case 't':
      putText(writer, words->t);
      break;
    case 'a':
      putNumber(writer, words->a);
      break;
    case 'b':
      putNumber(writer, words->b);
      break;
    case '%':
      putText(writer, "%");
      break;
    default:
      putNumber(writer, words->c);
    }
  }
}

void cameo_say(char *out, int64_t size, const char *text, const struct cameo_words *words) {
  struct writer writer = {out, size, 0};
  if (!out || size <= 0)
    return;
  put(&writer, text, words);
  out[writer.used] = 0;
}

void cameo_say_fault(char *out, int64_t size, const struct cameo_code *code,
                     const struct cameo_fault *fault) {
  static const char *const texts[] = {"failed",
#define X(name, text) text,
                                      CAMEO_FAULTS(X)
#undef X
  };
  struct writer writer = {out, size, 0};
  struct cameo_words words = {0};
  words.a = fault->a;
  words.b = fault->b;
  if (fault->node >= 0 && fault->node < code->num_nodes) {
    words.s = code->nodes[fault->node];
    put(&writer, "node '%s': ", &words);
  }
  words.s = fault->text;
  int32_t own = fault->code - CAMEO_FAULT_OWN;
  if (own >= 0)
    put(&writer, own < code->num_texts ? code->texts[own] : texts[0], &words);
  else
    put(&writer, texts[fault->code > 0 ? fault->code : 0], &words);
  out[writer.used] = 0;
}

const char *cameo_rt_status_string(int32_t status) {
  static const char *const texts[] = {
      "ok",
      "invalid argument",
      "wrong kind of value",
      "wrong element type",
      "wrong rank",
      "wrong shape",
      "output buffer too small",
      "context is busy",
      "out of memory",
      "size overflow",
      "missing CPU feature",
      "no threads",
      "no weights",
      "an operator failed",
      "wrong ABI version",
      "cancelled",
      "limit reached",
      "damaged library or weights",
  };
  if (status < 0 || status >= (int32_t)(sizeof texts / sizeof texts[0]))
    return "unknown status";
  return texts[status];
}

struct dtype {
  const char *name;
  int32_t bits;
};
static const struct dtype dtypes[] = {
    {"undefined", 0},      {"float32", 32},     {"uint8", 8},          {"int8", 8},
    {"uint16", 16},        {"int16", 16},       {"int32", 32},         {"int64", 64},
    {"string", 0},         {"bool", 8},         {"float16", 16},       {"float64", 64},
    {"uint32", 32},        {"uint64", 64},      {"complex64", 64},     {"complex128", 128},
    {"bfloat16", 16},      {"float8e4m3fn", 8}, {"float8e4m3fnuz", 8}, {"float8e5m2", 8},
    {"float8e5m2fnuz", 8}, {"uint4", 4},        {"int4", 4},           {"float4e2m1", 4},
    {"float8e8m0", 8},     {"uint2", 2},        {"int2", 2},
};

static const struct dtype *dtypeOf(int32_t dtype) {
  int32_t known = dtype >= 0 && dtype < (int32_t)(sizeof dtypes / sizeof dtypes[0]);
  return &dtypes[known ? dtype : 0];
}

const char *cameo_dtype_name(int32_t dtype) { return dtypeOf(dtype)->name; }

int32_t cameo_dtype_bits(int32_t dtype) { return dtypeOf(dtype)->bits; }

int32_t cameo_tensor_bytes(int32_t dtype, int32_t rank, const int64_t *dims, int64_t *bytes) {
  int64_t bits = cameo_dtype_bits(dtype), count = 1;
  *bytes = 0;
  for (int32_t i = 0; i < rank; i++)
    if (dims[i] == 0)
      return CAMEO_OK;
  for (int32_t i = 0; i < rank; i++)
    if (dims[i] < 0 || __builtin_mul_overflow(count, dims[i], &count))
      return CAMEO_OVERFLOW;
  if (__builtin_mul_overflow(count, bits, &count) || count > INT64_MAX - 7)
    return CAMEO_OVERFLOW;
  *bytes = (count + 7) / 8;
  return *bytes > (int64_t)(SIZE_MAX / 2) ? CAMEO_OVERFLOW : CAMEO_OK;
}
