// Conv, ConvInteger, QLinearConv and ConvTranspose: attributes to a ConvProblem; see Conv.h.
#include "ir/eval/Conv.h"

#include "ir/eval/Elements.h"
#include "ir/eval/Quant.h"

#include <algorithm>

namespace cameo::eval {
namespace {

struct ConvSetup {
  ConvProblem problem;
  std::vector<int64_t> outDims;
};

/// Checks input x (N x C x ...) against weights w (M x C/group x ...) and lays the problem out.
Result<ConvSetup> convSetup(EvalContext &c, int64_t xInput, int64_t wInput) {
  TRY(c.requireMinRank(xInput, 3));
  const Tensor &x = c.in(xInput), &w = c.in(wInput);
  TRY(c.requireRank(wInput, x.rank()));
  int64_t group = c.intAttr("group", 1);
  TRY(c.require(group >= 1 && x.dims[1] % group == 0 && w.dims[0] % group == 0 &&
                    x.dims[1] / group == w.dims[1],
                "input " + dimsText(x.dims) + ", weights " + dimsText(w.dims) + " and group " +
                    std::to_string(group) + " do not fit"));
  std::vector<int64_t> kernel(w.dims.begin() + 2, w.dims.end());
  // Inference compared kernel_shape, if there is one, with the weights.
  Spatial s = TRY(spatialOf(c, {x.dims.begin() + 2, x.dims.end()}, kernel));
  ConvSetup setup;
  setup.outDims = {x.dims[0], w.dims[0]};
  setup.outDims.insert(setup.outDims.end(), s.out.begin(), s.out.end());
  ConvProblem &p = setup.problem;
  p.input = &x;
  p.groups = group, p.channels = w.dims[1], p.outChannels = w.dims[0] / group;
  ConvGeometry &g = p.geometry;
  g.in = s.in, g.out = s.out, g.kernel = s.kernel, g.outStride = s.strides, g.step = s.dilations;
  g.spread.assign(s.rank(), 1);
  for (int64_t pad : s.padBegin)
    g.offset.push_back(-pad);
  return setup;
}

/// Zero points or scales of the weights: none, one, or one an output channel; as doubles.
Result<Tensor> perChannel(EvalContext &c, int64_t input, int64_t channels) {
  Tensor values = TRY(c.doubles({channels}));
  if (!c.has(input))
    return values;
  const Tensor &x = c.in(input);
  TRY(c.require(x.size() == 1 || x.size() == channels,
                c.inputName(input) + ": expected 1 or " + std::to_string(channels) +
                    " elements, got shape " + dimsText(x.dims)));
  for (int64_t i = 0; i < channels; i++)
    f64Out(values)[i] = load<double>(x, x.size() == 1 ? 0 : i);
  return values;
}

/// The reader of M x C/group x ... weights with a zero point an output channel.
auto weightReader(const Tensor &w, const Tensor &zeros) {
  int64_t perChannel = product(w.dims, 1, w.rank());
  return [&w, &zeros, perChannel](int64_t oc, int64_t k0, int64_t count, double *to) {
    loadRow(w, oc * perChannel + k0, 1, count, to);
    double zero = f64(zeros)[oc];
    for (int64_t i = 0; zero != 0 && i < count; i++)
      to[i] -= zero;
  };
}

} // namespace

EvalResult evalConv(EvalContext &c) {
  ConvSetup setup = TRY(convSetup(c, 0, 1));
  ConvProblem &p = setup.problem;
  const Tensor &w = c.in(1);
  TRY(c.require(!c.has(2) || c.in(2).dims == std::vector<int64_t>{w.dims[0]},
                "input B: expected " + std::to_string(w.dims[0]) + " elements"));
  Tensor zeros = TRY(c.doubles({w.dims[0]})), bias = TRY(perChannel(c, 2, w.dims[0]));
  Tensor y = TRY(c.allocate(c.in(0).dtype, setup.outDims));
  int64_t outSize = product(setup.outDims, 2, y.rank());
  p.weights = weightReader(w, zeros);
  p.store = [&](int64_t n, int64_t oc, int64_t j0, int64_t count, double *sums) {
    for (int64_t j = 0; j < count; j++)
      sums[j] += f64(bias)[oc];
    storeRow(y, (n * w.dims[0] + oc) * outSize + j0, 1, count, sums);
  };
  TRY(convolve(c, p));
  return one(y);
}

/// Inputs x, w, x_zero_point, w_zero_point.
EvalResult evalConvInteger(EvalContext &c) {
  ConvSetup setup = TRY(convSetup(c, 0, 1));
  ConvProblem &p = setup.problem;
  const Tensor &w = c.in(1);
  p.inputZero = c.has(2) ? TRY(c.floatScalar(2)) : 0;
  Tensor zeros = TRY(perChannel(c, 3, w.dims[0]));
  Tensor y = TRY(c.allocate(DType::I32, setup.outDims));
  int64_t outSize = product(setup.outDims, 2, y.rank());
  p.weights = weightReader(w, zeros);
  p.store = [&](int64_t n, int64_t oc, int64_t j0, int64_t count, double *sums) {
    for (int64_t j = 0; j < count; j++)
      store(y, (n * w.dims[0] + oc) * outSize + j0 + j, static_cast<int64_t>(sums[j]));
  };
  TRY(convolve(c, p));
  return one(y);
}

/// Inputs x, x_scale, x_zero_point, w, w_scale, w_zero_point, y_scale, y_zero_point, B (int32).
EvalResult evalQLinearConv(EvalContext &c) {
  ConvSetup setup = TRY(convSetup(c, 0, 3));
  ConvProblem &p = setup.problem;
  const Tensor &w = c.in(3);
  double xScale = TRY(c.floatScalar(1)), yScale = TRY(c.floatScalar(6));
  p.inputZero = TRY(c.floatScalar(2));
  double yZero = TRY(c.floatScalar(7));
  Tensor scales = TRY(perChannel(c, 4, w.dims[0]));
  Tensor zeros = TRY(perChannel(c, 5, w.dims[0]));
  Tensor bias = TRY(perChannel(c, 8, w.dims[0]));
  Tensor y = TRY(c.allocate(c.in(7).dtype, setup.outDims));
  int64_t outSize = product(setup.outDims, 2, y.rank());
  p.weights = weightReader(w, zeros);
  p.store = [&](int64_t n, int64_t oc, int64_t j0, int64_t count, double *sums) {
    for (int64_t j = 0; j < count; j++)
      sums[j] = requantize(sums[j] + f64(bias)[oc], xScale, f64(scales)[oc], yScale, yZero);
    storeRow(y, (n * w.dims[0] + oc) * outSize + j0, 1, count, sums);
  };
  TRY(convolve(c, p));
  return one(y);
}

namespace {

/// Begin padding (may be negative) and output size of each spatial dim of a transposed convolution.
Result<void> transposedSizes(EvalContext &c, const std::vector<int64_t> &extent,
                             const std::vector<int64_t> &strides, ConvGeometry &g) {
  int64_t rank = static_cast<int64_t>(g.in.size());
  std::vector<int64_t> extra = TRY(spatialAttr(c, "output_padding", rank, 0, 0));
  std::vector<int64_t> pads = TRY(spatialAttr(c, "pads", 2 * rank, 0, 0));
  bool hasShape = !c.intsAttr("output_shape").empty();
  std::vector<int64_t> shape = c.intsAttr("output_shape");
  // Some exporters give the whole shape, with batch and channels.
  if (hasShape && static_cast<int64_t>(shape.size()) == rank + 2)
    shape.erase(shape.begin(), shape.begin() + 2);
  TRY(c.require(!hasShape || static_cast<int64_t>(shape.size()) == rank,
                "output_shape: expected " + std::to_string(rank) + " values"));
  std::string autoPad = c.stringAttr("auto_pad", "NOTSET");
  bool same = autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER";
  for (int64_t d = 0; d < rank; d++) {
    int64_t full = strides[d] * (g.in[d] - 1) + extra[d] + extent[d];
    int64_t begin = pads[d], out = full - pads[d] - pads[d + rank];
    if (autoPad == "VALID")
      begin = 0, out = full;
    if (hasShape || same) {
      out = hasShape ? shape[d] : g.in[d] * strides[d];
      TRY(c.require(out >= 0 && out <= kMaxSpatial, "output_shape is out of range"));
      // Rounded down, also when the output is larger than what the input reaches.
      int64_t total = full - out, half = total >> 1;
      begin = autoPad == "SAME_UPPER" ? half : total - half;
    }
    g.out.push_back(std::max<int64_t>(out, 0));
    g.offset.push_back(begin);
  }
  return {};
}

} // namespace

/// Inputs X (N x C x ...), W (C x M/group x ...), B.
EvalResult evalConvTranspose(EvalContext &c) {
  TRY(c.requireMinRank(0, 3));
  const Tensor &x = c.in(0), &w = c.in(1);
  TRY(c.requireRank(1, x.rank()));
  int64_t group = c.intAttr("group", 1), rank = x.rank() - 2;
  TRY(c.require(group >= 1 && group <= kMaxSpatial && w.dims[1] <= kMaxSpatial &&
                    x.dims[1] == w.dims[0] && x.dims[1] % group == 0,
                "input " + dimsText(x.dims) + ", weights " + dimsText(w.dims) + " and group " +
                    std::to_string(group) + " do not fit"));
  ConvProblem p;
  p.input = &x;
  p.groups = group, p.channels = x.dims[1] / group, p.outChannels = w.dims[1];
  ConvGeometry &g = p.geometry;
  g.in.assign(x.dims.begin() + 2, x.dims.end());
  g.kernel.assign(w.dims.begin() + 2, w.dims.end());
  std::vector<int64_t> strides = TRY(spatialAttr(c, "strides", rank, 1, 1)), extent;
  std::vector<int64_t> dilations = TRY(spatialAttr(c, "dilations", rank, 1, 1));
  for (int64_t d = 0; d < rank; d++) {
    TRY(c.require(g.in[d] <= kMaxSpatial && g.kernel[d] >= 1 && g.kernel[d] <= kMaxSpatial,
                  "spatial sizes are out of range"));
    extent.push_back((g.kernel[d] - 1) * dilations[d] + 1);
    g.step.push_back(-dilations[d]);
  }
  TRY(transposedSizes(c, extent, strides, g));
  g.outStride.assign(rank, 1);
  g.spread = strides;
  int64_t outChannels = w.dims[1] * group, taps = product(g.kernel, 0, rank);
  std::vector<int64_t> outDims = {x.dims[0], outChannels};
  outDims.insert(outDims.end(), g.out.begin(), g.out.end());
  Tensor bias = TRY(perChannel(c, 2, outChannels));
  Tensor y = TRY(c.allocate(x.dtype, outDims));
  int64_t outSize = product(outDims, 2, y.rank());
  p.weights = [&](int64_t oc, int64_t k0, int64_t count, double *to) {
    for (int64_t i = 0; i < count; i++) {
      int64_t channel = oc / w.dims[1] * p.channels + (k0 + i) / taps;
      to[i] = load<double>(w, (channel * w.dims[1] + oc % w.dims[1]) * taps + (k0 + i) % taps);
    }
  };
  p.store = [&](int64_t n, int64_t oc, int64_t j0, int64_t count, double *sums) {
    for (int64_t j = 0; j < count; j++)
      sums[j] += f64(bias)[oc];
    storeRow(y, (n * outChannels + oc) * outSize + j0, 1, count, sums);
  };
  TRY(convolve(c, p));
  return one(y);
}

} // namespace cameo::eval
