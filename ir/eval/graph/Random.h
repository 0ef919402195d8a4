// Counter-based random numbers: element i of a stream is a pure function of seed and i, so results
// do not depend on evaluation order.
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>

namespace cameo::eval {

class Random {
public:
  explicit Random(uint64_t seed) : seed_(seed) {}

  /// Finalizer of SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators).
  uint64_t bits(uint64_t i) const {
    uint64_t z = seed_ + (i + 1) * 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// In [0, 1).
  double uniform(uint64_t i) const { return static_cast<double>(bits(i) >> 11) * 0x1p-53; }
  /// Normal with mean 0 and deviation 1 (Box and Muller).
  double normal(uint64_t i) const {
    double radius = std::sqrt(-2 * std::log(1 - uniform(2 * i)));
    return radius * std::cos(2 * std::numbers::pi * uniform(2 * i + 1));
  }

private:
  uint64_t seed_;
};

} // namespace cameo::eval
