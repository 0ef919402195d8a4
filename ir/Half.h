// Conversions between element types in memory and double, for constants and the interpreter. Half
// types round to nearest even once, from double (IEEE 754-2019, 5.4.2); a NaN stays a NaN.
#pragma once

#include "ir/DType.h"

#include <cstddef>
#include <cstdint>

namespace cameo {

float halfToFloat(uint16_t bits);
uint16_t doubleToHalf(double value);
float bfloatToFloat(uint16_t bits);
uint16_t doubleToBfloat(double value);

/// One element at an address, as double (64-bit integers lose low bits past 2^53).
double loadDouble(DType dtype, const std::byte *from);
/// Converts as ONNX Cast does: integers from truncated, saturated floats; bool is value != 0.
void storeDouble(DType dtype, std::byte *to, double value);

} // namespace cameo
