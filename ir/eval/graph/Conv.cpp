// Conv, ConvInteger and QLinearConv: attributes to a ConvProblem; see Conv.h.
#include "ir/eval/graph/Conv.h"

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Quant.h"

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
  g.in = s.in, g.out = s.out, g.kernel = s.kernel, g.stride = s.strides, g.step = s.dilations;
  for (int64_t pad : s.padBegin)
    g.offset.push_back(-pad);
  return setup;
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

} // namespace cameo::eval
