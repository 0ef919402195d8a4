// Convolution of any kind as a matrix product: weights times the input windows, which are fetched a
// row at a time and never stored as a matrix. Serves Conv, ConvInteger, QLinearConv.
#pragma once

#include "ir/eval/graph/Spatial.h"

#include <functional>

namespace cameo::eval {

/// Per spatial dim, output position o and tap t read input position `o * stride + offset + t *
/// step`.
struct ConvGeometry {
  std::vector<int64_t> in, out, kernel, stride, offset, step;
};

struct ConvProblem {
  const Tensor *input = nullptr; // N x (groups * channels) x in
  ConvGeometry geometry;
  int64_t groups = 1, channels = 1, outChannels = 1; // channels of one group
  /// Subtracted from every element of the input, but not from the padding.
  double inputZero = 0;
  /// Writes weights [k0, k0 + count) of output channel oc (over all groups), which count taps
  /// within the group's input channels.
  std::function<void(int64_t oc, int64_t k0, int64_t count, double *to)> weights;
  /// Takes finished sums: image n, output channel oc, output positions j0 .. j0 + count.
  std::function<void(int64_t n, int64_t oc, int64_t j0, int64_t count, double *sums)> store;
};

/// Output positions [lo, hi) of `out` for which `first + o * stride` lies in [0, in).
void validRange(int64_t first, int64_t stride, int64_t in, int64_t out, int64_t &lo, int64_t &hi);

/// Zero points, scales or biases of output channels as doubles: zeros if the input is absent, one
/// for all, or one a channel.
Result<Tensor> perChannel(EvalContext &c, int64_t input, int64_t channels);

Result<void> convolve(EvalContext &c, const ConvProblem &problem);

} // namespace cameo::eval
