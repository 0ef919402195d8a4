// Scalar arithmetic that is defined for every input, in the wide types of Elements.h: what the
// graph and the loop interpreter agree on. Storing into a narrower type wraps or rounds.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace cameo::eval {

inline double add(double a, double b) { return a + b; }
inline uint64_t add(uint64_t a, uint64_t b) { return a + b; }
inline int64_t add(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
}
inline double subtract(double a, double b) { return a - b; }
inline uint64_t subtract(uint64_t a, uint64_t b) { return a - b; }
inline int64_t subtract(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) - static_cast<uint64_t>(b));
}
inline double multiply(double a, double b) { return a * b; }
inline uint64_t multiply(uint64_t a, uint64_t b) { return a * b; }
inline int64_t multiply(int64_t a, int64_t b) {
  return static_cast<int64_t>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
}
inline double negate(double a) { return -a; }
inline uint64_t negate(uint64_t a) { return -a; }
inline int64_t negate(int64_t a) { return subtract(int64_t{0}, a); }
inline double absolute(double a) { return std::fabs(a); }
inline uint64_t absolute(uint64_t a) { return a; }
inline int64_t absolute(int64_t a) { return a < 0 ? negate(a) : a; }

/// Truncates; x/0 is 0 and INT64_MIN/-1 wraps, as everywhere in this compiler.
inline double divide(double a, double b) { return a / b; }
inline uint64_t divide(uint64_t a, uint64_t b) { return b == 0 ? 0 : a / b; }
inline int64_t divide(int64_t a, int64_t b) { return b == 0 ? 0 : b == -1 ? negate(a) : a / b; }
/// Has the sign of a; of integers, x rem 0 is 0.
inline double remainder(double a, double b) { return std::fmod(a, b); }
inline uint64_t remainder(uint64_t a, uint64_t b) { return b == 0 ? 0 : a % b; }
inline int64_t remainder(int64_t a, int64_t b) { return b == 0 || b == -1 ? 0 : a % b; }

/// What the sign bit alone produces when everything is shifted out: an amount that is negative or
/// the width (in bits) or more.
inline int64_t shift(int64_t a, int64_t b, bool left, int64_t width) {
  bool all = b < 0 || b >= width;
  if (left)
    return all ? 0 : static_cast<int64_t>(static_cast<uint64_t>(a) << b);
  return all ? (a < 0 ? -1 : 0) : a >> b;
}
inline uint64_t shift(uint64_t a, uint64_t b, bool left, int64_t width) {
  return b >= static_cast<uint64_t>(width) ? 0 : left ? a << b : a >> b;
}

/// NaN if either is NaN.
template <class W> W minimum(W a, W b) { return a != a || b != b ? a + b : std::min(a, b); }
template <class W> W maximum(W a, W b) { return a != a || b != b ? a + b : std::max(a, b); }

/// -1, 0 or 1; of zero and NaN the number itself.
inline double signum(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
inline uint64_t signum(uint64_t x) { return x != 0; }
inline int64_t signum(int64_t x) { return (x > 0) - (x < 0); }

inline double sigmoid(double x) {
  // exp of a positive argument would overflow to inf / inf.
  double e = std::exp(-std::fabs(x));
  return x >= 0 ? 1 / (1 + e) : x < 0 ? e / (1 + e) : x;
}

} // namespace cameo::eval
