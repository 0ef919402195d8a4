// Col2Im, and DeformConv as a matrix product with the samples that its offsets pick.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Gemm.h"
#include "ir/eval/graph/Spatial.h"

#include <algorithm>

namespace cameo::eval {

/// Inputs: columns [batch, channels * taps, blocks], image shape, block shape. Blocks that overlap
/// are added up.
EvalResult evalCol2Im(EvalContext &c) {
  TRY(c.requireRank(0, 3));
  const Tensor &x = c.in(0);
  std::vector<int64_t> image = TRY(c.intList(1)), block = TRY(c.intList(2));
  int64_t rank = static_cast<int64_t>(image.size());
  TRY(c.require(rank > 0 && block.size() == image.size(), "image and block differ in rank"));
  std::vector<int64_t> strides = TRY(spatialAttr(c, "strides", rank, 1, 1));
  std::vector<int64_t> dilations = TRY(spatialAttr(c, "dilations", rank, 1, 1));
  std::vector<int64_t> pads = TRY(spatialAttr(c, "pads", 2 * rank, 0, 0)), grid;
  for (int64_t d = 0; d < rank; d++) {
    TRY(c.require(image[d] >= 0 && image[d] <= kMaxSpatial && block[d] >= 1 &&
                      block[d] <= kMaxSpatial,
                  "sizes are out of range"));
    int64_t room = image[d] + pads[d] + pads[d + rank] - (block[d] - 1) * dilations[d] - 1;
    grid.push_back(room < 0 ? 0 : room / strides[d] + 1);
  }
  std::optional<int64_t> taps = checkedNumElements(block), blocks = checkedNumElements(grid);
  TRY(c.require(taps && blocks == x.dims[2] && x.dims[1] % *taps == 0,
                "columns " + dimsText(x.dims) + " do not fit blocks " + dimsText(block) + " of " +
                    dimsText(image)));
  std::vector<int64_t> dims = {x.dims[0], x.dims[1] / *taps};
  dims.insert(dims.end(), image.begin(), image.end());
  Tensor y = TRY(c.doubles(dims)), columns = TRY(c.toF64(x));
  int64_t plane = product(image, 0, rank);
  TRY(c.charge({x.size(), rank}));
  for (int64_t i = 0; i < x.size(); i++) {
    int64_t at = i % *blocks, tap = i / *blocks % *taps, target = 0, scale = 1;
    bool inside = true;
    for (int64_t d = rank; d-- > 0; scale *= image[d]) {
      int64_t position = at % grid[d] * strides[d] + tap % block[d] * dilations[d] - pads[d];
      inside = inside && position >= 0 && position < image[d];
      target += position * scale;
      at /= grid[d], tap /= block[d];
    }
    if (inside)
      f64Out(y)[i / (*blocks * *taps) * plane + target] += f64(columns)[i];
  }
  return one(TRY(c.fromF64(y, x.dtype)));
}

namespace {

/// The plane at a position between elements, linearly interpolated; 0 outside.
double interpolate(const double *plane, const std::vector<int64_t> &dims,
                   const std::vector<double> &position) {
  double sum = 0;
  for (int corner = 0; corner < 1 << dims.size(); corner++) {
    double weight = 1;
    int64_t offset = 0;
    for (size_t d = 0; d < dims.size() && weight != 0; d++) {
      double low = std::floor(position[d]), part = position[d] - low;
      double at = low + (corner >> d & 1);
      weight *= corner >> d & 1 ? part : 1 - part;
      if (!(at >= 0 && at < static_cast<double>(dims[d])))
        weight = 0;
      else
        offset = offset * dims[d] + static_cast<int64_t>(at);
    }
    sum += weight != 0 ? weight * plane[offset] : 0;
  }
  return sum;
}

struct Deform {
  Spatial s;
  int64_t group, offsetGroup, channels, outChannels, taps, outSize;
};

Result<Deform> deformOf(EvalContext &c) {
  TRY(c.requireMinRank(0, 3));
  const Tensor &x = c.in(0), &w = c.in(1), &offset = c.in(2);
  int64_t rank = x.rank() - 2;
  TRY(c.requireRank(1, x.rank()));
  TRY(c.require(rank <= 8, "more than 8 spatial dims"));
  Deform f;
  f.group = c.intAttr("group", 1), f.offsetGroup = c.intAttr("offset_group", 1);
  TRY(c.require(f.group >= 1 && f.offsetGroup >= 1 && x.dims[1] % f.group == 0 &&
                    x.dims[1] % f.offsetGroup == 0 && w.dims[0] % f.group == 0 &&
                    x.dims[1] / f.group == w.dims[1],
                "input " + dimsText(x.dims) + ", weights " + dimsText(w.dims) +
                    " and groups do not fit"));
  f.s = TRY(spatialOf(c, {x.dims.begin() + 2, x.dims.end()}, {w.dims.begin() + 2, w.dims.end()}));
  f.channels = x.dims[1], f.outChannels = w.dims[0];
  f.taps = f.s.taps(), f.outSize = f.s.outSize();
  std::vector<int64_t> dims = {x.dims[0], f.offsetGroup * f.taps * rank};
  dims.insert(dims.end(), f.s.out.begin(), f.s.out.end());
  TRY(c.require(offset.dims == dims, "input offset: expected shape " + dimsText(dims) + ", got " +
                                         dimsText(offset.dims)));
  dims[1] = f.offsetGroup * f.taps;
  TRY(c.require(!c.has(4) || c.in(4).dims == dims, "input mask: expected shape " + dimsText(dims)));
  TRY(c.require(!c.has(3) || c.in(3).size() == f.outChannels, "input B: expected one a channel"));
  return f;
}

/// What tap `tap` of a channel reads at output position o of an image.
double sample(const Deform &f, const double *x, const double *offsets, const double *mask,
              int64_t image, int64_t channel, int64_t tap, int64_t o) {
  int64_t rank = f.s.rank();
  int64_t line = (image * f.offsetGroup + channel / (f.channels / f.offsetGroup)) * f.taps + tap;
  std::vector<double> position(rank);
  int64_t restOut = o, restTap = tap;
  for (int64_t d = rank; d-- > 0;) {
    int64_t at = restOut % f.s.out[d] * f.s.strides[d] - f.s.padBegin[d] +
                 restTap % f.s.kernel[d] * f.s.dilations[d];
    position[d] = static_cast<double>(at) + offsets[(line * rank + d) * f.outSize + o];
    restOut /= f.s.out[d], restTap /= f.s.kernel[d];
  }
  const double *plane = x + (image * f.channels + channel) * f.s.inSize();
  return (mask ? mask[line * f.outSize + o] : 1) * interpolate(plane, f.s.in, position);
}

} // namespace

/// Inputs X, W, offset, B, mask.
EvalResult evalDeformConv(EvalContext &c) {
  Deform f = TRY(deformOf(c));
  std::vector<int64_t> dims = {c.in(0).dims[0], f.outChannels};
  dims.insert(dims.end(), f.s.out.begin(), f.s.out.end());
  Tensor y = TRY(c.allocate(c.in(0).dtype, dims)), x = TRY(c.toF64(c.in(0)));
  Tensor offsets = TRY(c.toF64(c.in(2))), mask = TRY(c.toF64(c.in(4)));
  int64_t channels = f.channels / f.group, outChannels = f.outChannels / f.group;
  TRY(c.charge({dims[0], f.channels, f.taps, f.outSize, int64_t{1} << f.s.rank()}));
  for (int64_t part = 0; y.size() > 0 && part < dims[0] * f.group; part++) {
    int64_t image = part / f.group, group = part % f.group;
    GemmProblem problem{outChannels, f.outSize, channels * f.taps, {}, {}, {}};
    problem.rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
      loadRow(c.in(1), (group * outChannels + i) * channels * f.taps + k0, 1, count, to);
    };
    problem.rowOfB = [&](int64_t k, int64_t j0, int64_t count, double *to) {
      for (int64_t j = 0; j < count; j++)
        to[j] = sample(f, f64(x), f64(offsets), c.has(4) ? f64(mask) : nullptr, image,
                       group * channels + k / f.taps, k % f.taps, j0 + j);
    };
    problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
      int64_t oc = group * outChannels + i;
      double bias = c.has(3) ? load<double>(c.in(3), oc) : 0;
      for (int64_t j = 0; j < count; j++)
        row[j] += bias;
      storeRow(y, (image * f.outChannels + oc) * f.outSize + j0, 1, count, row);
    };
    TRY(gemm(c, problem));
  }
  return one(y);
}

} // namespace cameo::eval
