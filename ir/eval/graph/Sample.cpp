// GridSample and AffineGrid: sampling of N-dimensional images at computed positions, as PyTorch's
// grid_sample and affine_grid define them.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

enum class Padding { Zeros, Border, Reflection };

struct GridAttrs {
  std::string mode;
  Padding padding = Padding::Zeros;
  bool alignCorners = false;
};

/// x reflected at low and high until it is between.
double reflect(double x, double low, double high) {
  double range = high - low;
  if (!(range > 0) || !std::isfinite(x))
    return low;
  double distance = std::fabs(x - low), rest = std::fmod(distance, range);
  bool odd = std::fmod(std::floor(distance / range), 2) != 0;
  // Left of low the picture is mirrored once more, which fabs did.
  return odd ? high - rest : low + rest;
}

/// A coordinate in [-1, 1] to elements of an axis, with the borders handled as the padding says.
double position(const GridAttrs &attrs, double normalized, int64_t n) {
  double length = static_cast<double>(n);
  double x = attrs.alignCorners ? (normalized + 1) / 2 * (length - 1)
                                : ((normalized + 1) * length - 1) / 2;
  if (attrs.mode == "nearest")
    x = std::nearbyint(x);
  double low = attrs.alignCorners ? 0 : -0.5, high = attrs.alignCorners ? length - 1 : length - 0.5;
  if (x >= low && x <= high)
    return x;
  if (attrs.padding == Padding::Border)
    return x > 0 ? length - 1 : 0;
  return attrs.padding == Padding::Reflection ? reflect(x, low, high) : x;
}

/// Element `i` of an axis, or -1 for zero.
int64_t tapIndex(const GridAttrs &attrs, int64_t i, int64_t n) {
  if (i >= 0 && i < n)
    return i;
  if (attrs.padding == Padding::Zeros)
    return -1;
  if (attrs.padding == Padding::Border)
    return std::clamp<int64_t>(i, 0, n - 1);
  double length = static_cast<double>(n);
  double low = attrs.alignCorners ? 0 : -0.5, high = attrs.alignCorners ? length - 1 : length - 0.5;
  return std::clamp<int64_t>(static_cast<int64_t>(reflect(static_cast<double>(i), low, high)), 0,
                             n - 1);
}

/// Up to four taps along one axis.
struct Taps {
  int64_t count = 0;
  int64_t index[4];
  double weight[4];
};

/// Cubic convolution with a = -0.75 (Keys, 1981).
double cubicWeight(double x) {
  constexpr double a = -0.75;
  x = std::fabs(x);
  return x <= 1 ? ((a + 2) * x - (a + 3)) * x * x + 1 : ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
}

Taps tapsAt(const GridAttrs &attrs, double x, int64_t n) {
  Taps taps;
  // Far outside (or NaN) nothing but padding can be seen, and the integer would overflow.
  if (!(std::fabs(x) < 1e15))
    x = -1e15;
  int64_t base = static_cast<int64_t>(std::floor(x));
  double ratio = x - std::floor(x);
  auto add = [&](int64_t i, double weight) {
    taps.index[taps.count] = tapIndex(attrs, i, n);
    taps.weight[taps.count++] = weight;
  };
  if (attrs.mode == "nearest")
    add(base, 1);
  else if (attrs.mode == "cubic")
    for (int64_t t = -1; t <= 2; t++)
      add(base + t, cubicWeight(ratio - static_cast<double>(t)));
  else
    add(base, 1 - ratio), add(base + 1, ratio);
  return taps;
}

/// The weighted sum over the product of taps of the axes from `axis` on.
double sample(const Tensor &x, const std::vector<Taps> &taps, size_t axis, int64_t offset) {
  if (axis == taps.size())
    return load<double>(x, offset);
  double sum = 0;
  for (int64_t t = 0; t < taps[axis].count; t++)
    if (taps[axis].index[t] >= 0 && taps[axis].weight[t] != 0)
      sum += taps[axis].weight[t] *
             sample(x, taps, axis + 1, offset * x.dims[axis + 2] + taps[axis].index[t]);
  return sum;
}

} // namespace

/// Inputs X (N x C x D...), grid (N x out... x rank, coordinates innermost first).
EvalResult evalGridSample(EvalContext &c) {
  TRY(c.requireMinRank(0, 3));
  const Tensor &x = c.in(0), &grid = c.in(1);
  int64_t rank = x.rank() - 2;
  TRY(c.requireRank(1, x.rank()));
  TRY(c.require(grid.dims[0] == x.dims[0] && grid.dims.back() == rank && rank <= 8,
                "grid " + dimsText(grid.dims) + " does not fit X " + dimsText(x.dims)));
  TRY(c.require(x.dtype != DType::String, "strings cannot be sampled"));
  GridAttrs attrs;
  attrs.mode = c.stringAttr("mode", "linear");
  std::string padding = c.stringAttr("padding_mode", "zeros");
  attrs.padding = padding == "border"       ? Padding::Border
                  : padding == "reflection" ? Padding::Reflection
                                            : Padding::Zeros;
  attrs.alignCorners = c.intAttr("align_corners") != 0;
  std::vector<int64_t> dims = {x.dims[0], x.dims[1]};
  dims.insert(dims.end(), grid.dims.begin() + 1, grid.dims.end() - 1);
  Tensor y = TRY(c.allocate(x.dtype, dims));
  int64_t channels = x.dims[1], points = product(dims, 2, y.rank());
  TRY(c.require(y.size() == 0 || product(x.dims, 2, x.rank()) > 0, "X is empty"));
  TRY(c.charge({y.size(), 1 << (2 * rank)}));
  std::vector<Taps> taps(rank);
  for (int64_t i = 0; y.size() > 0 && i < x.dims[0] * points; i++) {
    int64_t image = i / points;
    for (int64_t d = 0; d < rank; d++) {
      double normalized = load<double>(grid, i * rank + (rank - 1 - d));
      taps[d] = tapsAt(attrs, position(attrs, normalized, x.dims[d + 2]), x.dims[d + 2]);
    }
    for (int64_t channel = 0; channel < channels; channel++) {
      int64_t plane = image * channels + channel;
      store(y, plane * points + i % points, sample(x, taps, 0, plane));
    }
  }
  return one(y);
}

/// Inputs theta (N x rank x (rank + 1)), size (N, C, D...): the positions each output element maps
/// to, coordinates innermost first.
EvalResult evalAffineGrid(EvalContext &c) {
  TRY(c.requireRank(0, 3));
  std::vector<int64_t> size = TRY(c.intList(1));
  int64_t rank = static_cast<int64_t>(size.size()) - 2;
  TRY(c.require(rank == 2 || rank == 3, "size: expected 4 or 5 values"));
  std::vector<int64_t> expected = {size[0], rank, rank + 1};
  TRY(c.require(c.in(0).dims == expected,
                "theta: expected shape " + dimsText(expected) + ", got " + dimsText(c.in(0).dims)));
  bool alignCorners = c.intAttr("align_corners") != 0;
  std::vector<int64_t> dims(size.begin() + 2, size.end());
  dims.insert(dims.begin(), size[0]);
  dims.push_back(rank);
  Tensor y = TRY(c.allocate(c.in(0).dtype, dims)), theta = TRY(c.toF64(c.in(0)));
  int64_t points = product(dims, 1, rank + 1);
  for (int64_t i = 0; y.size() > 0 && i < size[0] * points; i++) {
    double base[4];
    int64_t rest = i % points;
    for (int64_t d = rank; d-- > 0; rest /= size[d + 2]) {
      double n = static_cast<double>(size[d + 2]), at = static_cast<double>(rest % size[d + 2]);
      // Innermost first.
      base[rank - 1 - d] =
          alignCorners ? (n == 1 ? 0 : 2 * at / (n - 1) - 1) : (2 * at + 1) / n - 1;
    }
    base[rank] = 1;
    for (int64_t r = 0; r < rank; r++) {
      double sum = 0;
      for (int64_t k = 0; k <= rank; k++)
        sum += f64(theta)[(i / points * rank + r) * (rank + 1) + k] * base[k];
      store(y, i * rank + r, sum);
    }
  }
  return one(y);
}

} // namespace cameo::eval
