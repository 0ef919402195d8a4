/*
 * The runtime's bitcode on another architecture, run by an emulator: a program without a C library
 * that checks what differs between targets. Exits with 0, or 1 and the failed line on stderr.
 */
#include "runtime/support/Support.h"
#include "tests/runtime/FakeModel.h"

#include <stdarg.h>

#if defined(__x86_64__)
enum { CALL_WRITE = 1, CALL_EXIT = 60 };
__asm__(".globl _start\n_start: xorl %ebp, %ebp\nandq $-16, %rsp\ncall start\n");
#elif defined(__arm__)
enum { CALL_WRITE = 4, CALL_EXIT = 1 };
__asm__(".globl _start\n_start: bl start\n");
#elif defined(__aarch64__)
enum { CALL_WRITE = 64, CALL_EXIT = 93 };
__asm__(".globl _start\n_start: bl start\n");
#else
enum { CALL_WRITE = 64, CALL_EXIT = 93 };
__asm__(".globl _start\n_start: .option push\n.option norelax\nla gp, __global_pointer$\n"
        ".option pop\ncall start\n");
#endif

static long systemCall(long number, const long a[6]) {
#if defined(__x86_64__)
  register long r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
  __asm__ volatile("syscall"
                   : "+a"(number)
                   : "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return number;
#elif defined(__riscv)
  register long a0 __asm__("a0") = a[0], a1 __asm__("a1") = a[1], a2 __asm__("a2") = a[2];
  register long a3 __asm__("a3") = a[3], a4 __asm__("a4") = a[4], a5 __asm__("a5") = a[5];
  register long a7 __asm__("a7") = number;
  __asm__ volatile("ecall"
                   : "+r"(a0)
                   : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7)
                   : "memory");
  return a0;
#elif defined(__aarch64__)
  register long x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2];
  register long x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
  register long x8 __asm__("x8") = number;
  __asm__ volatile("svc 0"
                   : "+r"(x0)
                   : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5), "r"(x8)
                   : "memory");
  return x0;
#else
  register long r0 __asm__("r0") = a[0], r1 __asm__("r1") = a[1], r2 __asm__("r2") = a[2];
  register long r3 __asm__("r3") = a[3], r4 __asm__("r4") = a[4], r5 __asm__("r5") = a[5];
  register long r7 __asm__("r7") = number;
  __asm__ volatile("svc 0"
                   : "+r"(r0)
                   : "r"(r1), "r"(r2), "r"(r3), "r"(r4), "r"(r5), "r"(r7)
                   : "memory");
  return r0;
#endif
}

long syscall(long number, ...) {
  long a[6];
  va_list list;
  va_start(list, number);
  for (int i = 0; i < 6; i++)
    a[i] = va_arg(list, long);
  va_end(list);
  long result = systemCall(number, a);
  return result < 0 && result > -4096 ? -1 : result;
}

static _Alignas(64) uint8_t heap[1 << 20];
static size_t used;

void *malloc(size_t size) {
  used = (used + 15) & ~(size_t)15;
  if (size > sizeof heap - used)
    return NULL;
  used += size;
  return heap + used - size;
}

void free(void *pointer) { (void)pointer; }

static int failures;

static void check(int good, int line) {
  char text[8] = "line   \n";
  if (good)
    return;
  for (int i = 7; i-- > 4 && line; line /= 10)
    text[i] = (char)('0' + line % 10);
  syscall(CALL_WRITE, 2, text, sizeof text);
  failures++;
}
#define CHECK(condition) check(condition, __LINE__)

static void checkDivision(void) {
  static const int64_t values[] = {0,           1,
                                   -1,          2,
                                   3,           -7,
                                   10,          1000000007,
                                   INT32_MAX,   INT32_MIN,
                                   UINT32_MAX,  1ll << 32,
                                   -5000000000, 123456789012345678,
                                   INT64_MAX,   INT64_MAX - 1,
                                   INT64_MIN,   INT64_MIN + 1};
  enum { COUNT = sizeof values / sizeof values[0] };
  for (int i = 0; i < COUNT; i++)
    for (int j = 0; j < COUNT; j++) {
      volatile int64_t n = values[i], d = values[j];
      volatile uint64_t un = (uint64_t)n, ud = (uint64_t)d;
      volatile int32_t sn = (int32_t)n, sd = (int32_t)d;
      volatile uint32_t usn = (uint32_t)n, usd = (uint32_t)d;
      if (d && !(n == INT64_MIN && d == -1)) {
        int64_t q = n / d, r = n % d;
        CHECK(q * d + r == n && (r == 0 || (r < 0) == (n < 0)));
        CHECK((r < 0 ? 0 - (uint64_t)r : (uint64_t)r) < (d < 0 ? 0 - (uint64_t)d : (uint64_t)d));
        CHECK((un / ud) * ud + un % ud == un && un % ud < ud);
      }
      if (sd && !(sn == INT32_MIN && sd == -1)) {
        CHECK((sn / sd) * sd + sn % sd == sn);
        CHECK(sn % sd == 0 || (sn % sd < 0) == (sn < 0));
        CHECK((usn / usd) * usd + usn % usd == usn && usn % usd < usd);
      }
    }
}

static void checkConversions(void) {
  volatile int64_t i = -123456789012345678, exact = -(1ll << 53) + 1;
  volatile uint64_t u = UINT64_MAX, tie = (1ull << 40) + (1ull << 16), above = tie + 1;
  volatile double d = -1234567890123.75, big = 0x1.8p63;
  volatile float f = -1.5e12f, huge = 0x1.8p63f;
  CHECK((double)i == -123456789012345680.0 && (double)exact == -0x1.fffffffffffffp52);
  CHECK((float)i == -0x1.b69b4cp56f);
  CHECK((double)u == 0x1p64 && (float)u == 0x1p64f);
  CHECK((float)tie == 0x1p40f && (float)above == 0x1.000002p40f);
  CHECK((int64_t)d == -1234567890123 && (int64_t)f == -1500000026624);
  CHECK((uint64_t)big == 3ull << 62 && (uint64_t)huge == 3ull << 62);
  d = 0.99;
  CHECK((int64_t)d == 0 && (uint64_t)d == 0);
  CHECK(cameo_float_to_half(65504.0f) == 0x7bff && cameo_double_to_half(0x1p-24) == 1);
  CHECK(cameo_half_to_float(0x3c01) == 0x1.004p0f);
}

static int near(double got, double want) {
  double difference = got - want, bound = (want < 0 ? -want : want) * 0x1p-51;
  return difference <= bound && -difference <= bound;
}

static void checkMath(void) {
  volatile double x = 1.25, large = 1e22;
  CHECK(near(cameo_exp(x), 3.4903429574618414) && near(cameo_log(x), 0.22314355131420976));
  CHECK(near(cameo_sin(large), -0.8522008497671888) && near(cameo_tan(x), 3.0095696738628313));
  CHECK(near(cameo_pow(x, 10.5), 10.41250292910165) && near(cameo_erf(x), 0.9229001282564582));
  CHECK(near(cameo_atan(x), 0.8960553845713439) && near(cameo_asin(x / 2), 0.6751315329370317));
}

static void checkRun(void) {
  cameo_options options = cameo_default_options();
  cameo_context *context = NULL;
  float a[12], y[24];
  int64_t hits[1], mode = MODE_PLAIN, dimsA[2] = {3, 4}, dimsB[2] = {3, 0};
  double facts[4];
  for (int i = 0; i < 12; i++)
    a[i] = (float)i;
  cameo_value in[3] = {{0}}, out[3] = {{0}};
  in[0].as.tensor = (cameo_tensor){a, dimsA, sizeof a, CAMEO_FLOAT32, 2};
  in[1].as.tensor = (cameo_tensor){a, dimsB, 0, CAMEO_FLOAT32, 2};
  in[2].as.tensor = (cameo_tensor){&mode, NULL, 8, CAMEO_INT64, 0};
  out[0].as.tensor = (cameo_tensor){y, NULL, sizeof y, 0, 0};
  out[1].as.tensor = (cameo_tensor){hits, NULL, sizeof hits, 0, 0};
  out[2].as.tensor = (cameo_tensor){facts, NULL, sizeof facts, 0, 0};
  CHECK(cameo_create(fake(), &options, &context) == CAMEO_OK);
  CHECK(cameo_run(context, in, out) == CAMEO_OK);
  CHECK(y[11] == 44 && y[23] == 44 && facts[FACT_ROUNDS] == ROUNDS && facts[FACT_MODE] == 1);
  mode = MODE_TEAM_FAIL;
  CHECK(cameo_run(context, in, out) == CAMEO_RUN_FAILED);
  dimsA[0] = 1ll << 40;
  CHECK(cameo_run(context, in, out) != CAMEO_OK);
  dimsA[0] = INT64_MAX;
  CHECK(cameo_run(context, in, out) != CAMEO_OK);
  CHECK(cameo_last_error(context)[0]);
  cameo_destroy(context);
  options.threads = 2; /* there is no pthread_create in this program */
  CHECK(cameo_create(fake(), &options, &context) == CAMEO_NO_THREADS);
}

void start(void) {
  checkDivision();
  checkConversions();
  checkMath();
  checkRun();
  for (;;)
    syscall(CALL_EXIT, failures != 0);
}
