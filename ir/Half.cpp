// Element conversions; see Half.h.
#include "ir/Half.h"

#include "ir/Storage.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace cameo {
namespace {

/// Rounds a double to a binary format of `mantissa` stored bits and `exponent` bits.
uint16_t roundTo(double value, int mantissa, int exponent) {
  uint64_t bits = std::bit_cast<uint64_t>(value);
  uint16_t sign = static_cast<uint16_t>(bits >> 63 << 15);
  uint16_t infinity = static_cast<uint16_t>(((1 << exponent) - 1) << mantissa);
  if (value != value)
    return sign | infinity | static_cast<uint16_t>(1 << (mantissa - 1));
  double magnitude = std::fabs(value);
  int bias = (1 << (exponent - 1)) - 1;
  int scale = 0;
  std::frexp(magnitude, &scale);
  // The unit in the last place, that of the smallest normal for subnormals.
  int unit = std::max(scale - 1, 1 - bias) - mantissa;
  double steps = std::nearbyint(std::ldexp(magnitude, -unit));
  double limit = std::ldexp(1.0, mantissa + 1);
  int biased = unit + mantissa + bias;
  if (steps >= limit) {
    steps /= 2;
    biased++;
  }
  if (std::isinf(magnitude) || biased >= (1 << exponent) - 1)
    return sign | infinity;
  uint32_t payload = static_cast<uint32_t>(steps);
  // A carry out of the subnormals lands in the exponent by itself.
  uint32_t hidden = 1u << mantissa;
  uint32_t encoded =
      payload < hidden ? payload : (static_cast<uint32_t>(biased) << mantissa) + (payload - hidden);
  return static_cast<uint16_t>(sign | encoded);
}

} // namespace

float halfToFloat(uint16_t bits) {
  int exponent = bits >> 10 & 31;
  int mantissa = bits & 1023;
  float magnitude;
  if (exponent == 31)
    magnitude =
        mantissa ? std::numeric_limits<float>::quiet_NaN() : std::numeric_limits<float>::infinity();
  else if (exponent == 0)
    magnitude = std::ldexp(static_cast<float>(mantissa), -24);
  else
    magnitude = std::ldexp(static_cast<float>(mantissa + 1024), exponent - 25);
  return bits & 0x8000 ? -magnitude : magnitude;
}

uint16_t doubleToHalf(double value) { return roundTo(value, 10, 5); }
float bfloatToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}
uint16_t doubleToBfloat(double value) { return roundTo(value, 7, 8); }

double loadDouble(DType dtype, const std::byte *from) {
  return withStorage(dtype, [&]<class T>() { return widen<double>(readAs<T>(from)); });
}

void storeDouble(DType dtype, std::byte *to, double value) {
  withStorage(dtype, [&]<class T>() { writeAs(to, narrow<T>(value)); });
}

} // namespace cameo
