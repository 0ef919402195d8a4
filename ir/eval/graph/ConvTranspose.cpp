// ConvTranspose: a matrix product of all taps' weights with the input, whose elements are added to
// the output where each tap puts them.
#include "ir/eval/graph/Conv.h"

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Gemm.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Per spatial dim, tap t adds input position i to output position i * stride + t * dilation -
/// begin.
struct Geometry {
  std::vector<int64_t> in, out, kernel, strides, dilations, begin;
};

/// Begin padding (may be negative) and output size of each spatial dim of a transposed convolution.
Result<void> transposedSizes(EvalContext &c, const std::vector<int64_t> &extent, Geometry &g) {
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
    int64_t full = g.strides[d] * (g.in[d] - 1) + extra[d] + extent[d];
    int64_t begin = pads[d], out = full - pads[d] - pads[d + rank];
    if (autoPad == "VALID")
      begin = 0, out = full;
    if (hasShape || same) {
      out = hasShape ? shape[d] : g.in[d] * g.strides[d];
      TRY(c.require(out <= kMaxSpatial, "output_shape is out of range"));
      // Rounded down, also when the output is larger than what the input reaches.
      int64_t total = full - out, half = total >> 1;
      begin = autoPad == "SAME_UPPER" ? half : total - half;
    }
    TRY(c.require(out >= 1, "expected a result of at least 1 in dim " + std::to_string(d + 2) +
                                ", got " + std::to_string(out)));
    g.out.push_back(out);
    g.begin.push_back(begin);
  }
  return {};
}

/// Adds n products of one tap, from input position j0 on, to one output plane.
void scatter(const Geometry &g, int64_t tap, int64_t j0, int64_t n, const double *products,
             double *plane) {
  int64_t width = g.in.back(), stride = g.strides.back(), lo, hi;
  int64_t first = tap % g.kernel.back() * g.dilations.back() - g.begin.back();
  validRange(first, stride, g.out.back(), width, lo, hi);
  for (int64_t j = j0; j < j0 + n; j += width - j % width) {
    int64_t outer = j / width, taps = tap / g.kernel.back(), base = first, scale = g.out.back();
    bool inside = true;
    for (size_t d = g.in.size() - 1; d-- > 0; scale *= g.out[d]) {
      int64_t at =
          outer % g.in[d] * g.strides[d] + taps % g.kernel[d] * g.dilations[d] - g.begin[d];
      inside = inside && at >= 0 && at < g.out[d];
      base += at * scale;
      outer /= g.in[d], taps /= g.kernel[d];
    }
    int64_t from = std::max(lo, j % width), to = std::min(hi, j % width + (j0 + n - j));
    const double *row = products + (j - j % width - j0);
    for (int64_t q = from; inside && q < to; q++)
      plane[base + q * stride] += row[q];
  }
}

/// Reads attributes and sizes of input X and weights W.
Result<Geometry> geometryOf(EvalContext &c) {
  const Tensor &x = c.in(0), &w = c.in(1);
  int64_t rank = x.rank() - 2;
  Geometry g;
  g.in.assign(x.dims.begin() + 2, x.dims.end());
  g.kernel.assign(w.dims.begin() + 2, w.dims.end());
  g.strides = TRY(spatialAttr(c, "strides", rank, 1, 1));
  g.dilations = TRY(spatialAttr(c, "dilations", rank, 1, 1));
  std::vector<int64_t> extent;
  for (int64_t d = 0; d < rank; d++) {
    TRY(c.require(g.in[d] <= kMaxSpatial && g.kernel[d] >= 1 && g.kernel[d] <= kMaxSpatial,
                  "spatial sizes are out of range"));
    extent.push_back((g.kernel[d] - 1) * g.dilations[d] + 1);
  }
  TRY(transposedSizes(c, extent, g));
  return g;
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
  Geometry g = TRY(geometryOf(c));
  int64_t channels = x.dims[1] / group, outChannels = w.dims[1];
  std::vector<int64_t> outDims = {x.dims[0], outChannels * group};
  outDims.insert(outDims.end(), g.out.begin(), g.out.end());
  Tensor bias = TRY(perChannel(c, 2, outChannels * group));
  Tensor y = TRY(c.allocate(x.dtype, outDims));
  int64_t outSize = product(outDims, 2, y.rank()), inSize = product(x.dims, 2, x.rank());
  int64_t taps = product(g.kernel, 0, rank);
  Tensor planes = TRY(c.doubles({outChannels, outSize}));
  for (int64_t part = 0; y.size() > 0 && part < x.dims[0] * group; part++) {
    int64_t firstIn = part * channels, firstWeight = part % group * channels;
    double *sums = f64Out(planes);
    for (int64_t i = 0; i < outChannels; i++)
      std::fill_n(sums + i * outSize, outSize, f64(bias)[part % group * outChannels + i]);
    GemmProblem problem{outChannels * taps, inSize, channels, {}, {}, {}};
    problem.rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
      loadRow(w, (firstWeight + k0) * outChannels * taps + i, outChannels * taps, count, to);
    };
    problem.rowOfB = [&](int64_t k, int64_t j0, int64_t count, double *to) {
      loadRow(x, (firstIn + k) * inSize + j0, 1, count, to);
    };
    problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
      scatter(g, i % taps, j0, count, row, sums + i / taps * outSize);
    };
    TRY(gemm(c, problem));
    storeRow(y, part * outChannels * outSize, 1, outChannels * outSize, sums);
  }
  return one(y);
}

} // namespace cameo::eval
