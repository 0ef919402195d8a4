// Conversions of half types: every half, and every float that could round differently.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <random>

extern "C" {
#include "runtime/support/Support.h"
}

namespace {

template <typename To, typename From> To bitCast(From from) {
  To to;
  static_assert(sizeof to == sizeof from);
  memcpy(&to, &from, sizeof to);
  return to;
}

/// The bfloat16 nearest to a value that is not NaN, by trying both neighbours.
uint16_t nearestBfloat(double value) {
  double largest = static_cast<double>(bitCast<float>(0x7f7f0000u));
  double step = std::ldexp(1.0, 120); /* of the largest, to where infinity would be */
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  value = std::fabs(value);
  if (value >= largest + step / 2)
    return sign | 0x7f80;
  uint32_t low = bitCast<uint32_t>(static_cast<float>(value)) >> 16;
  while (low && static_cast<double>(bitCast<float>(low << 16)) > value)
    low--;
  while (low < 0x7f7f && static_cast<double>(bitCast<float>((low + 1) << 16)) <= value)
    low++;
  if (low >= 0x7f7f)
    return sign | 0x7f7f;
  double below = value - static_cast<double>(bitCast<float>(low << 16));
  double above = static_cast<double>(bitCast<float>((low + 1) << 16)) - value;
  return sign | static_cast<uint16_t>(low + (above < below || (above == below && (low & 1))));
}

} // namespace

TEST(HalfTest, everyHalf) {
  for (uint32_t i = 0; i < 65536; i++) {
    uint16_t half = static_cast<uint16_t>(i);
    float want = static_cast<float>(bitCast<_Float16>(half));
    float got = cameo_half_to_float(half);
    ASSERT_EQ(bitCast<uint32_t>(got), bitCast<uint32_t>(want)) << i;
    ASSERT_EQ(bitCast<uint64_t>(cameo_half_to_double(half)),
              bitCast<uint64_t>(static_cast<double>(want)));
    uint16_t quiet = std::isnan(want) ? half | 0x200 : half;
    ASSERT_EQ(cameo_float_to_half(got), quiet) << i;
    ASSERT_EQ(cameo_double_to_half(got), quiet) << i;
    float wide = cameo_bfloat_to_float(half);
    uint32_t bits = i << 16;
    ASSERT_EQ(bitCast<uint32_t>(wide), std::isnan(wide) ? bits | 0x400000 : bits);
    quiet = std::isnan(wide) ? half | 0x40 : half;
    ASSERT_EQ(cameo_float_to_bfloat(wide), quiet);
    ASSERT_EQ(cameo_double_to_bfloat(cameo_bfloat_to_double(half)), quiet);
  }
}

TEST(HalfTest, floatsAroundEveryHalf) {
  for (uint32_t i = 0; i < 65536; i++) {
    /* The half, its upper neighbour's middle, and the floats next to those. */
    uint32_t base = bitCast<uint32_t>(cameo_half_to_float(static_cast<uint16_t>(i)));
    for (uint32_t offset : {0u, 1u, 0xfffu, 0x1000u, 0x1001u, 0x1fffu}) {
      float value = bitCast<float>(base + offset);
      if (std::isnan(value))
        continue;
      _Float16 want = static_cast<_Float16>(value);
      ASSERT_EQ(cameo_float_to_half(value), bitCast<uint16_t>(want)) << value;
      ASSERT_EQ(cameo_double_to_half(value), bitCast<uint16_t>(want)) << value;
      ASSERT_EQ(cameo_float_to_bfloat(value), nearestBfloat(value)) << value;
    }
  }
}

TEST(HalfTest, anyBits) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300000; i++) {
    uint64_t bits = random();
    if (i % 2) /* exponents that matter to halves */
      bits = (bits & 0x800fffffffffffff) | (1023 - 30 + bits % 60) << 52;
    double wide = bitCast<double>(bits);
    float value = bitCast<float>(static_cast<uint32_t>(bits >> 20));
    if (std::isnan(wide) || std::isnan(value))
      continue;
    ASSERT_EQ(cameo_double_to_half(wide), bitCast<uint16_t>(static_cast<_Float16>(wide))) << wide;
    ASSERT_EQ(cameo_float_to_half(value), bitCast<uint16_t>(static_cast<_Float16>(value))) << value;
    ASSERT_EQ(cameo_double_to_bfloat(wide), nearestBfloat(wide)) << wide;
    ASSERT_EQ(cameo_float_to_bfloat(value), nearestBfloat(value)) << value;
  }
}

TEST(HalfTest, doubleRoundsOnce) {
  double value = 1 + 0x1p-11 + 0x1p-40; /* to float first would lose the last bit: a tie */
  EXPECT_EQ(cameo_double_to_half(value), 0x3c01);
  EXPECT_EQ(cameo_double_to_bfloat(1 + 0x1p-8 + 0x1p-40), 0x3f81);
}
