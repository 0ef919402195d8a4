// Convolution of any kind as a matrix product: weights times the input windows, which are fetched a
// row at a time and never stored as a matrix. Serves Conv, ConvTranspose, ConvInteger, QLinearConv.
#pragma once

#include "ir/eval/Spatial.h"

#include <functional>

namespace cameo::eval {

/// Per spatial dim, output position o and tap t read position `o * outStride + offset + t * step`
/// of the input spread out with `spread - 1` zeros between elements.
struct ConvGeometry {
  std::vector<int64_t> in, out, kernel, outStride, offset, step, spread;
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

Result<void> convolve(EvalContext &c, const ConvProblem &problem);

} // namespace cameo::eval
