// The arithmetic of quantization, in one place: rounding is to nearest even, saturation happens
// when the result is stored in its integer type.
#pragma once

#include <algorithm>
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

/// What DynamicQuantizeLinear finds for a tensor whose least and largest elements, 0 included, are
/// these: a scale and a zero point of 0 to 255.
struct DynamicRange {
  float scale = 1, zero = 0;
};

inline DynamicRange dynamicRange(float low, float high) {
  float scale = (high == low ? 1.0f : high - low) / 255.0f;
  float zero = std::nearbyint(std::clamp(0.0f - low / scale, 0.0f, 255.0f));
  return {scale, zero != zero ? 0 : zero};
}

} // namespace cameo::eval
