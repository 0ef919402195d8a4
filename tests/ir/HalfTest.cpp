// Conversions of half types against the compiler's: every 16-bit pattern, and doubles around every
// rounding boundary.
#include "ir/Half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>

using namespace cameo;

namespace {

uint16_t bitsOf(_Float16 value) { return std::bit_cast<uint16_t>(value); }

/// bfloat16 by the definition: nearest, ties to even, over the float16 neighbours of the float32.
uint16_t bfloatByHand(double value) {
  float lower =
      std::bit_cast<float>(std::bit_cast<uint32_t>(static_cast<float>(value)) & 0xffff0000);
  // Doubles rounded to float first may have crossed a boundary: compare the candidates themselves.
  uint16_t best = static_cast<uint16_t>(std::bit_cast<uint32_t>(lower) >> 16);
  double bestError = INFINITY;
  for (int step = -1; step <= 1; step++) {
    uint16_t bits = static_cast<uint16_t>((std::bit_cast<uint32_t>(lower) >> 16) + step);
    double candidate = std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
    if (!std::isfinite(candidate) || std::signbit(candidate) != std::signbit(value))
      continue;
    double error = std::abs(candidate - value);
    if (error < bestError || (error == bestError && bits % 2 == 0))
      best = bits, bestError = error;
  }
  return best;
}

TEST(Half, EveryPatternWidens) {
  for (uint32_t bits = 0; bits < 65536; bits++) {
    float ours = halfToFloat(static_cast<uint16_t>(bits));
    float theirs = static_cast<float>(std::bit_cast<_Float16>(static_cast<uint16_t>(bits)));
    bool same = std::bit_cast<uint32_t>(ours) == std::bit_cast<uint32_t>(theirs);
    EXPECT_TRUE(same || (std::isnan(ours) && std::isnan(theirs))) << bits;
    float wide = bfloatToFloat(static_cast<uint16_t>(bits));
    EXPECT_EQ(std::bit_cast<uint32_t>(wide), bits << 16);
  }
}

TEST(Half, EveryPatternComesBack) {
  for (uint32_t bits = 0; bits < 65536; bits++) {
    double half = halfToFloat(static_cast<uint16_t>(bits));
    double bfloat = bfloatToFloat(static_cast<uint16_t>(bits));
    uint16_t halfBack = doubleToHalf(half), bfloatBack = doubleToBfloat(bfloat);
    EXPECT_TRUE(std::isnan(half) ? std::isnan(halfToFloat(halfBack)) : halfBack == bits) << bits;
    EXPECT_TRUE(std::isnan(bfloat) ? std::isnan(bfloatToFloat(bfloatBack)) : bfloatBack == bits)
        << bits;
  }
}

TEST(Half, RoundsOnceToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7bff; bits++) {
    double low = halfToFloat(static_cast<uint16_t>(bits));
    double high = halfToFloat(static_cast<uint16_t>(bits + 1)), middle = (low + high) / 2;
    for (double value : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, 1e9)})
      for (double sign : {1.0, -1.0})
        EXPECT_EQ(doubleToHalf(sign * value), bitsOf(static_cast<_Float16>(sign * value))) << value;
  }
  EXPECT_EQ(doubleToHalf(65519.999), 0x7bff);
  EXPECT_EQ(doubleToHalf(65520.0), 0x7c00);
  EXPECT_EQ(doubleToHalf(-1e300), 0xfc00);
  EXPECT_EQ(doubleToHalf(1e-300), 0);
}

TEST(Half, BfloatRoundsOnceToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7f7f; bits++) {
    double low = bfloatToFloat(static_cast<uint16_t>(bits));
    double high = bfloatToFloat(static_cast<uint16_t>(bits + 1)), middle = (low + high) / 2;
    for (double value : {middle, std::nextafter(middle, 0.0), std::nextafter(middle, 1e300)})
      EXPECT_EQ(doubleToBfloat(value), bfloatByHand(value)) << value;
  }
  EXPECT_EQ(doubleToBfloat(3.4e38), 0x7f80);
  EXPECT_EQ(doubleToBfloat(INFINITY), 0x7f80);
}

TEST(Half, PiecesAddUpToTheFloat) {
  for (float value : {0.0f, -1.0f, 0.1f, -3.1415927f, 16777215.0f, 1.0000001f, 1e-30f, 3.0e38f,
                      std::numeric_limits<float>::max(), std::numeric_limits<float>::lowest(),
                      std::nextafter(256.0f, 0.0f), INFINITY, -INFINITY}) {
    std::array<uint16_t, kPieces> pieces = bfloatPieces(value);
    double sum = 0; // two pieces of the largest number add up to more than that
    for (uint16_t piece : pieces)
      sum += static_cast<double>(bfloatToFloat(piece));
    EXPECT_EQ(sum, static_cast<double>(value));
    if (std::abs(value) < 3e38f) {
      EXPECT_EQ(pieces[0], doubleToBfloat(value));
    }
  }
  uint32_t lowNaN = 0x7f800001; // a NaN whose upper bits are those of an infinity
  float nan;
  std::memcpy(&nan, &lowNaN, sizeof nan);
  EXPECT_TRUE(std::isnan(bfloatToFloat(bfloatPieces(nan)[0])));
}

TEST(Half, StoresAsCastDoes) {
  auto store = [](DType dtype, double value) {
    std::byte bytes[8] = {};
    storeDouble(dtype, bytes, value);
    return loadDouble(dtype, bytes);
  };
  EXPECT_EQ(store(DType::I8, 300), 127);
  EXPECT_EQ(store(DType::U8, -1), 0);
  EXPECT_EQ(store(DType::I32, -2.9), -2);
  EXPECT_EQ(store(DType::I32, NAN), 0);
  EXPECT_EQ(store(DType::Bool, 0.25), 1);
  EXPECT_EQ(store(DType::F32, 0.1), static_cast<double>(0.1f));
}

} // namespace
