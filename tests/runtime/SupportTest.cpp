// Math within its bounds of libm's long double functions; rounding, fmod and memory functions
// exact.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

extern "C" {
#include "runtime/support/Support.h"

/* The functions with the C library's names, renamed for the test. */
double own_floor(double), own_ceil(double), own_trunc(double), own_round(double);
double own_rint(double), own_nearbyint(double), own_roundeven(double), own_fmod(double, double);
float own_floorf(float), own_ceilf(float), own_truncf(float), own_roundf(float);
float own_rintf(float), own_nearbyintf(float), own_roundevenf(float), own_fmodf(float, float);
void *own_memcpy(void *, const void *, size_t), *own_memmove(void *, const void *, size_t);
void *own_memset(void *, int, size_t);
int own_memcmp(const void *, const void *, size_t);
__int128 own_multi3(__int128, __int128);
}

namespace {

const double kInfinity = std::numeric_limits<double>::infinity();
const double kSpecial[] = {0.0,
                           -0.0,
                           0.5,
                           -0.5,
                           1,
                           -1,
                           1.5,
                           -1.5,
                           2,
                           -2,
                           2.5,
                           3,
                           -3,
                           5e-324,
                           -5e-324,
                           0x1p-1022,
                           -0x1p-1022,
                           1e-10,
                           0x1.fffffffffffffp-2,
                           0x1p51 + 0.5,
                           0x1p52 + 1,
                           -0x1p52 - 1,
                           0x1p53 + 2,
                           0x1.fffffep22,
                           8388609,
                           1e30,
                           1e308,
                           -1e308,
                           kInfinity,
                           -kInfinity,
                           std::numeric_limits<double>::quiet_NaN()};

/// Units in the last place of a double; 0 for equal NaN and infinities.
double ulps(double got, long double want) {
  if (std::isnan(got) || std::isnan(want))
    return std::isnan(got) == std::isnan(want) ? 0 : kInfinity;
  double rounded = static_cast<double>(want);
  if (std::isinf(rounded) || std::isinf(got))
    return rounded == got ? 0 : kInfinity;
  int exponent = 0;
  std::frexp(want, &exponent);
  exponent = std::max(exponent, -1021);
  return static_cast<double>(std::fabs(static_cast<long double>(got) - want) /
                             std::ldexp(1.0L, exponent - 53));
}

struct Function {
  const char *name;
  double (*own)(double);
  long double (*reference)(long double);
  double low, high, bound;
};

const Function kFunctions[] = {
    {"exp", cameo_exp, expl, -746, 711, 0.8},   {"exp", cameo_exp, expl, -1, 1, 0.7},
    {"expm1", cameo_expm1, expm1l, -1, 1, 1},   {"expm1", cameo_expm1, expm1l, -50, 710, 1},
    {"log", cameo_log, logl, 0, 10, 0.51},      {"log1p", cameo_log1p, log1pl, -1, 10, 0.7},
    {"sin", cameo_sin, sinl, -1, 1, 0.8},       {"sin", cameo_sin, sinl, -1e4, 1e4, 0.8},
    {"sin", cameo_sin, sinl, -1e12, 1e12, 0.8}, {"cos", cameo_cos, cosl, -4, 4, 0.8},
    {"cos", cameo_cos, cosl, -1e8, 1e8, 0.8},   {"tan", cameo_tan, tanl, -2, 2, 1},
    {"tan", cameo_tan, tanl, -1e7, 1e7, 1},     {"asin", cameo_asin, asinl, -1, 1, 0.7},
    {"acos", cameo_acos, acosl, -1, 1, 0.7},    {"atan", cameo_atan, atanl, -3, 3, 0.6},
    {"sinh", cameo_sinh, sinhl, -3, 3, 1.6},    {"sinh", cameo_sinh, sinhl, -711, 711, 1.6},
    {"cosh", cameo_cosh, coshl, -3, 3, 1.2},    {"cosh", cameo_cosh, coshl, -711, 711, 1.2},
    {"tanh", cameo_tanh, tanhl, -1, 1, 2},      {"tanh", cameo_tanh, tanhl, -20, 20, 2},
    {"asinh", cameo_asinh, asinhl, -4, 4, 1.6}, {"acosh", cameo_acosh, acoshl, 1, 3, 2},
    {"acosh", cameo_acosh, acoshl, 1, 1000, 2}, {"atanh", cameo_atanh, atanhl, -1, 1, 1.6},
    {"erf", cameo_erf, erfl, -1, 1, 1.6},       {"erf", cameo_erf, erfl, -7, 7, 1.6},
};

} // namespace

TEST(SupportTest, mathWithinBounds) {
  std::mt19937_64 random(1);
  for (const Function &f : kFunctions) {
    std::uniform_real_distribution<double> inRange(f.low, f.high);
    for (int i = 0; i < 40000; i++) {
      uint64_t bits = random();
      double x = inRange(random), any;
      memcpy(&any, &bits, sizeof any);
      ASSERT_LE(ulps(f.own(x), f.reference(x)), f.bound) << f.name << "(" << x << ")";
      ASSERT_LE(ulps(f.own(any), f.reference(any)), f.bound) << f.name << "(" << any << ")";
    }
    for (double x : kSpecial) {
      double got = f.own(x);
      ASSERT_LE(ulps(got, f.reference(x)), f.bound) << f.name << "(" << x << ")";
      if (got == 0) {
        ASSERT_EQ(std::signbit(got), std::signbit(f.reference(x))) << f.name << "(" << x << ")";
      }
    }
  }
}

TEST(SupportTest, powWithinBounds) {
  std::mt19937_64 random(2);
  std::uniform_real_distribution<double> logs(-300, 300), exponents(-745, 710);
  for (int i = 0; i < 300000; i++) {
    double x = std::exp(logs(random) * (i % 2 ? 1 : 0.01)), y = exponents(random) / std::log(x);
    ASSERT_LE(ulps(cameo_pow(x, y), powl(x, y)), 0.8) << x << " " << y;
  }
  for (double x : kSpecial)
    for (double y : kSpecial) {
      double got = cameo_pow(x, y);
      ASSERT_LE(ulps(got, powl(x, y)), 0.8) << x << " " << y;
      if (got == 0) {
        ASSERT_EQ(std::signbit(got), std::signbit(powl(x, y))) << x << " " << y;
      }
    }
}

namespace {

template <typename T> void expectSame(T got, T want, double x, double y = 0) {
  bool same =
      std::isnan(want) ? std::isnan(got) : got == want && std::signbit(got) == std::signbit(want);
  ASSERT_TRUE(same) << x << " " << y << ": " << got << ", not " << want;
}

void checkRounding(double x) {
  float f = static_cast<float>(x);
  expectSame(own_floor(x), std::floor(x), x);
  expectSame(own_ceil(x), std::ceil(x), x);
  expectSame(own_trunc(x), std::trunc(x), x);
  expectSame(own_round(x), std::round(x), x);
  expectSame(own_rint(x), std::rint(x), x);
  expectSame(own_nearbyint(x), std::rint(x), x);
  expectSame(own_roundeven(x), std::rint(x), x);
  expectSame(own_floorf(f), std::floor(f), x);
  expectSame(own_ceilf(f), std::ceil(f), x);
  expectSame(own_truncf(f), std::trunc(f), x);
  expectSame(own_roundf(f), std::round(f), x);
  expectSame(own_rintf(f), std::rint(f), x);
  expectSame(own_nearbyintf(f), std::rint(f), x);
  expectSame(own_roundevenf(f), std::rint(f), x);
}

} // namespace

TEST(SupportTest, rounding) {
  for (double x : kSpecial)
    checkRounding(x);
  std::mt19937_64 random(3);
  for (int i = 0; i < 100000; i++) {
    double any, size = std::ldexp(1.0, static_cast<int>(random() % 60) - 3);
    uint64_t bits = random();
    memcpy(&any, &bits, sizeof any);
    checkRounding(any);
    checkRounding(std::uniform_real_distribution<double>(-size, size)(random));
    checkRounding(static_cast<double>(static_cast<int64_t>(bits) >> (bits % 60)) / 2);
  }
}

TEST(SupportTest, remainder) {
  std::mt19937_64 random(4);
  auto check = [](double x, double y) {
    expectSame(own_fmod(x, y), std::fmod(x, y), x, y);
    float f = static_cast<float>(x), g = static_cast<float>(y);
    expectSame(own_fmodf(f, g), std::fmod(f, g), x, y);
  };
  for (double x : kSpecial)
    for (double y : kSpecial)
      check(x, y);
  for (int i = 0; i < 100000; i++) {
    uint64_t a = random(), b = random();
    double x, y;
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    check(x, y);
    check(std::ldexp(x, -1000), std::ldexp(y, -1000)); /* many denormals */
    check(static_cast<double>(a >> (a % 64)), static_cast<double>((b >> (b % 64)) + 1));
  }
}

TEST(SupportTest, memory) {
  std::vector<uint8_t> from(400), to(400), want(400);
  for (size_t i = 0; i < from.size(); i++)
    from[i] = static_cast<uint8_t>(i * 7 + 1);
  for (size_t size = 0; size < 200; size++)
    for (size_t offset : {0, 1, 5, 8, 16, 17, 63}) {
      want.assign(400, 9);
      to = want;
      std::copy_n(from.begin() + 3, size, want.begin() + offset);
      ASSERT_EQ(own_memcpy(to.data() + offset, from.data() + 3, size), to.data() + offset);
      ASSERT_EQ(to, want) << size;
      ASSERT_EQ(own_memcmp(to.data() + offset, from.data() + 3, size), 0);
      for (size_t start : {size_t(0), offset}) { /* overlapping, down and up */
        to = want = from;
        memmove(want.data() + start, want.data() + (offset - start), size);
        own_memmove(to.data() + start, to.data() + (offset - start), size);
        ASSERT_EQ(to, want) << size << " " << offset;
      }
      want.assign(400, 9);
      to = want;
      std::fill_n(want.begin() + offset, size, 0xee);
      own_memset(to.data() + offset, 0xee, size);
      ASSERT_EQ(to, want) << size;
      if (size) {
        to[offset + size - 1]++;
        ASSERT_EQ(own_memcmp(to.data() + offset, want.data() + offset, size), 1);
        ASSERT_EQ(own_memcmp(want.data() + offset, to.data() + offset, size), -1);
      }
    }
}

TEST(SupportTest, wideProducts) {
  std::mt19937_64 random(1);
  auto wide = [&] {
    unsigned __int128 bits = static_cast<unsigned __int128>(random()) << 64 | random();
    return static_cast<__int128>(bits) >> random() % 128;
  };
  for (int i = 0; i < 100000; i++) {
    __int128 a = wide(), b = wide();
    auto product = static_cast<unsigned __int128>(a) * static_cast<unsigned __int128>(b);
    ASSERT_TRUE(own_multi3(a, b) == static_cast<__int128>(product)) << i;
  }
}
