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
/// Takes the next piece of a float: returns the bf16 that it is rounded to, and leaves the bits of
/// the float that remains. The first piece has all of an infinity or a NaN, and is truncated where
/// rounding would make an infinity of a number. It works with masks, so that GCC makes vectors of
/// loops over it: gigabytes of weights go through here.
inline uint16_t takePiece(uint32_t &bits) {
  constexpr uint32_t kExponent = 0x7f800000, kQuietNan = 0x400000;
  auto maskIf = [](bool condition) { return -static_cast<uint32_t>(condition); };
  uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);
  uint32_t isFinite = maskIf((bits & kExponent) != kExponent);
  uint32_t rounds = isFinite & maskIf((rounded & kExponent) != kExponent);
  // The bits that say that it is a NaN may all be lower ones.
  uint32_t nan = maskIf((bits & 0x7fffffff) > kExponent) & kQuietNan;
  uint32_t piece = ((rounded & rounds) | (bits & ~rounds)) & 0xffff0000;
  piece |= nan;
  float rest = std::bit_cast<float>(bits) - std::bit_cast<float>(piece);
  bits = std::bit_cast<uint32_t>(rest) & isFinite;
  return static_cast<uint16_t>(piece >> 16);
}
inline std::array<uint16_t, kPieces> bfloatPieces(float value) {
  std::array<uint16_t, kPieces> pieces{};
  auto bits = std::bit_cast<uint32_t>(value);
  for (uint16_t &piece : pieces)
    piece = takePiece(bits);
  return pieces;
}

/// One element at an address, as double (64-bit integers lose low bits past 2^53).
double loadDouble(DType dtype, const std::byte *from);
/// Converts as ONNX Cast does: integers from truncated, saturated floats; bool is value != 0.
void storeDouble(DType dtype, std::byte *to, double value);

} // namespace cameo
