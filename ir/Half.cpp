// Element conversions; see Half.h.
#include "ir/Half.h"

#include "ir/Result.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace cameo {
namespace {

template <class T> T read(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

template <class T> void write(std::byte *to, T value) { std::memcpy(to, &value, sizeof(T)); }

template <class T> void writeInt(std::byte *to, double value) {
  constexpr double kLow = static_cast<double>(std::numeric_limits<T>::min());
  // 2^bits: the first value past the largest, exactly representable for every width.
  constexpr double kPast = static_cast<double>(std::numeric_limits<T>::max() / 2 + 1) * 2;
  T result = 0;
  if (value >= kPast)
    result = std::numeric_limits<T>::max();
  else if (value <= kLow)
    result = std::numeric_limits<T>::min();
  else if (value == value)
    result = static_cast<T>(value);
  write(to, result);
}

/// Rounds a double to a binary format of `mantissa` stored bits and `exponent` bits.
uint16_t narrow(double value, int mantissa, int exponent) {
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

uint16_t doubleToHalf(double value) { return narrow(value, 10, 5); }
float bfloatToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}
uint16_t doubleToBfloat(double value) { return narrow(value, 7, 8); }

double loadDouble(DType dtype, const std::byte *from) {
  switch (dtype) {
  case DType::F32:
    return read<float>(from);
  case DType::F64:
    return read<double>(from);
  case DType::F16:
    return halfToFloat(read<uint16_t>(from));
  case DType::BF16:
    return bfloatToFloat(read<uint16_t>(from));
  case DType::U8:
  case DType::Bool:
    return read<uint8_t>(from);
  case DType::I8:
    return read<int8_t>(from);
  case DType::U16:
    return read<uint16_t>(from);
  case DType::I16:
    return read<int16_t>(from);
  case DType::U32:
    return read<uint32_t>(from);
  case DType::I32:
    return read<int32_t>(from);
  case DType::U64:
    return static_cast<double>(read<uint64_t>(from));
  case DType::I64:
    return static_cast<double>(read<int64_t>(from));
  case DType::String:
    break;
  }
  ICE("a string has no numeric value");
}

void storeDouble(DType dtype, std::byte *to, double value) {
  switch (dtype) {
  case DType::F32:
    return write(to, static_cast<float>(value));
  case DType::F64:
    return write(to, value);
  case DType::F16:
    return write(to, doubleToHalf(value));
  case DType::BF16:
    return write(to, doubleToBfloat(value));
  case DType::Bool:
    return write<uint8_t>(to, value != 0);
  case DType::U8:
    return writeInt<uint8_t>(to, value);
  case DType::I8:
    return writeInt<int8_t>(to, value);
  case DType::U16:
    return writeInt<uint16_t>(to, value);
  case DType::I16:
    return writeInt<int16_t>(to, value);
  case DType::U32:
    return writeInt<uint32_t>(to, value);
  case DType::I32:
    return writeInt<int32_t>(to, value);
  case DType::U64:
    return writeInt<uint64_t>(to, value);
  case DType::I64:
    return writeInt<int64_t>(to, value);
  case DType::String:
    break;
  }
  ICE("a string has no numeric value");
}

} // namespace cameo
