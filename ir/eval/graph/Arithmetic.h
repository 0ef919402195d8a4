// Scalar arithmetic that is defined for every input, in the wide types of Elements.h: what the
// graph and the loop interpreter agree on. Storing into a narrower type wraps or rounds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cameo::eval {

inline int64_t addInt(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline int64_t subInt(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline int64_t mulInt(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
inline int64_t negInt(int64_t a) { return subInt(0, a); }
inline int64_t absInt(int64_t a) { return a < 0 ? negInt(a) : a; }

/// Truncates; x/0 is 0 and INT64_MIN/-1 wraps, as everywhere in this compiler.
inline int64_t divInt(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? negInt(a) : a / b; }
inline uint64_t divNat(uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }
/// Has the sign of a; x rem 0 is 0.
inline int64_t remInt(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }
inline uint64_t remNat(uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }

/// What the sign bit alone produces when everything is shifted out: an amount that is negative or
/// the width (in bits) or more.
inline int64_t shiftInt(int64_t a, int64_t b, bool left, int64_t width) {
  bool all = b < 0 || b >= width;
  if (left)
    return all ? 0 : static_cast<int64_t>(static_cast<uint64_t>(a) << b);
  return all ? (a < 0 ? -1 : 0) : a >> b;
}
inline uint64_t shiftNat(uint64_t a, uint64_t b, bool left, int64_t width) {
  return b >= static_cast<uint64_t>(width) ? 0 : left ? a << b : a >> b;
}

/// NaN if either is NaN.
inline double minReal(double a, double b) { return a != a || b != b ? a + b : std::min(a, b); }
inline double maxReal(double a, double b) { return a != a || b != b ? a + b : std::max(a, b); }

inline double sigmoid(double x) {
  // exp of a positive argument would overflow to inf / inf.
  double e = std::exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + e) : x < 0 ? e / (1 + e) : x;
}

} // namespace cameo::eval
