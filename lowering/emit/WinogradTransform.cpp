// See WinogradTransform.h. Rows of points p and -p share their even and odd parts.
#include "lowering/emit/WinogradTransform.h"

namespace cameo {
namespace {

using Values = LoopBuilder::Values;

constexpr double kRoot2 = 1.41421356237309504880, kRootHalf = 0.70710678118654752440;

/// a * factor + c.
Value *scaledSum(LoopBuilder &b, Value *a, double factor, Value *c) {
  return b.mad(a, b.constant(a->type, factor), c);
}

Value *scaled(LoopBuilder &b, Value *a, double factor) {
  return b.mul(a, b.constant(a->type, factor));
}

} // namespace

// Row p is [1, p, p^2] over the product of p's differences to the other points.
std::span<const std::array<double, 3>> winogradWeightMatrix(int64_t tile) {
  static constexpr std::array<double, 3> two[] = {
      {-1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, -0.5, 0.5}, {0, 0, 1}};
  static constexpr double third = 1.0 / 3;
  static constexpr std::array<double, 3> four[] = {{1, 0, 0},
                                                   {-2 * third, -2 * third * kRootHalf, -third},
                                                   {-2 * third, 2 * third * kRootHalf, -third},
                                                   {third / 2, third / 2 * kRoot2, third},
                                                   {third / 2, -third / 2 * kRoot2, third},
                                                   {0, 0, 1}};
  if (tile == 2)
    return two;
  return four;
}

// Row p are the coefficients of the product of x - q over the other points q; the last row's
// product is over all.
Values winogradInput(LoopBuilder &b, int64_t tile, const Values &d) {
  if (tile == 2)
    return {b.sub(d[2], d[0]), b.add(d[1], d[2]), b.sub(d[2], d[1]), b.sub(d[3], d[1])};
  Value *even = scaledSum(b, d[2], -2, d[4]), *odd = scaledSum(b, d[1], -2, d[3]);
  Value *even2 = scaledSum(b, d[2], -0.5, d[4]), *odd2 = scaledSum(b, d[1], -0.5, d[3]);
  return {scaledSum(b, d[2], -2.5, b.add(d[0], d[4])), scaledSum(b, odd, kRootHalf, even),
          scaledSum(b, odd, -kRootHalf, even),         scaledSum(b, odd2, kRoot2, even2),
          scaledSum(b, odd2, -kRoot2, even2),          scaledSum(b, d[3], -2.5, b.add(d[1], d[5]))};
}

// Column p is [1, p, p^2, ...], that of infinity the unit vector of the last row.
Values winogradOutput(LoopBuilder &b, int64_t tile, const Values &s) {
  Value *sum = b.add(s[1], s[2]), *difference = b.sub(s[1], s[2]);
  if (tile == 2)
    return {b.add(s[0], sum), b.add(difference, s[3])};
  Value *sum2 = b.add(s[3], s[4]), *difference2 = b.sub(s[3], s[4]);
  Value *cubes = scaledSum(b, difference2, 2 * kRoot2, scaled(b, difference, kRootHalf / 2));
  return {b.add(b.add(s[0], sum), sum2),
          scaledSum(b, difference2, kRoot2, scaled(b, difference, kRootHalf)),
          scaledSum(b, sum2, 2, scaled(b, sum, 0.5)), b.add(cubes, s[5])};
}

} // namespace cameo
