// The arithmetic of quantization, in one place: rounding is to nearest even, saturation happens
// when the result is stored in its integer type.
#pragma once

#include <cmath>

namespace cameo::eval {

/// `rne(float(acc) * float(sx * sw / sy)) + zp`, unsaturated: the order of operations every backend
/// must follow for bit equality. Scales are float values; `acc` is an exact integer.
inline double requantize(double acc, double xScale, double wScale, double yScale,
                         double yZeroPoint) {
  float scale =
      static_cast<float>(xScale) * static_cast<float>(wScale) / static_cast<float>(yScale);
  float scaled = static_cast<float>(acc) * scale;
  return std::nearbyint(static_cast<double>(scaled)) + yZeroPoint;
}

/// `rne(float(x / scale)) + zp`, unsaturated.
inline double quantize(double x, double scale, double zeroPoint) {
  float ratio = static_cast<float>(x) / static_cast<float>(scale);
  return std::nearbyint(static_cast<double>(ratio)) + zeroPoint;
}

} // namespace cameo::eval
