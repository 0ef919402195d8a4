// Conversions between element types in memory and double, for constants and the interpreter. Half
// types round to nearest even once, from double (IEEE 754-2019, 5.4.2); a NaN stays a NaN.
#pragma once

#include "ir/DType.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace cameo {

float halfToFloat(uint16_t bits);
uint16_t doubleToHalf(double value);
float bfloatToFloat(uint16_t bits);
uint16_t doubleToBfloat(double value);
/// The bf16 whose sum a float is: 24 bits of it are three times 8.
inline constexpr int64_t kPieces = 3;
/// Of the products of two floats' pieces, those that count: the others are below 2^-24 of the
/// whole.
inline constexpr int64_t kPieceProducts = 6;
/// Each is the rounding of what those before it leave. The first one has all of an infinity or a
/// NaN, and is truncated where rounding would make an infinity of a number.
inline std::array<uint16_t, kPieces> bfloatPieces(float value) {
  std::array<uint16_t, kPieces> pieces{};
  for (uint16_t &piece : pieces) {
    auto bits = std::bit_cast<uint32_t>(value);
    uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
    bool isFinite = (rounded & 0x7f800000) != 0x7f800000 && (bits & 0x7f800000) != 0x7f800000;
    piece = static_cast<uint16_t>((isFinite ? rounded : bits) >> 16);
    if (std::isnan(value))
      piece |= 0x40; // quiet: the bits that say that it is a NaN may all be lower ones
    value =
        std::isfinite(value) ? value - std::bit_cast<float>(static_cast<uint32_t>(piece) << 16) : 0;
  }
  return pieces;
}

/// One element at an address, as double (64-bit integers lose low bits past 2^53).
double loadDouble(DType dtype, const std::byte *from);
/// Converts as ONNX Cast does: integers from truncated, saturated floats; bool is value != 0.
void storeDouble(DType dtype, std::byte *to, double value);

} // namespace cameo
