// MaxPool, AveragePool, LpPool, their global forms, and MaxUnpool. Planes are widened one at a
// time.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Spatial.h"

#include "ir/OpSpec.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Calls f(offset) for each element of the input plane under the window of output position `o`.
template <class F> void forWindow(const Spatial &s, int64_t o, F f) {
  int64_t taps = s.taps(), rank = s.rank();
  int64_t start[8];
  for (int64_t d = rank; d-- > 0; o /= s.out[d])
    start[d] = o % s.out[d] * s.strides[d] - s.padBegin[d];
  for (int64_t tap = 0; tap < taps; tap++) {
    int64_t rest = tap, offset = 0, scale = 1;
    bool inside = true;
    for (int64_t d = rank; d-- > 0 && inside; rest /= s.kernel[d]) {
      int64_t position = start[d] + rest % s.kernel[d] * s.dilations[d];
      inside = position >= 0 && position < s.in[d];
      offset += position * scale;
      scale *= s.in[d];
    }
    if (inside)
      f(offset);
  }
}

/// Elements under the window that are in the input or the padding: what an average that counts
/// padding divides by. With ceil_mode the last window may reach past the padding.
int64_t paddedCount(const Spatial &s, int64_t o) {
  int64_t count = 1;
  for (int64_t d = s.rank(); d-- > 0; o /= s.out[d]) {
    int64_t start = o % s.out[d] * s.strides[d] - s.padBegin[d];
    int64_t room = s.in[d] + s.padEnd[d] - start;
    count *= std::min(s.kernel[d], (room + s.dilations[d] - 1) / s.dilations[d]);
  }
  return count;
}

struct PoolSetup {
  Spatial spatial;
  std::vector<int64_t> outDims;
  int64_t planes = 0;
};

Result<PoolSetup> poolSetup(EvalContext &c, bool global) {
  TRY(c.requireMinRank(0, 3));
  const Tensor &x = c.in(0);
  TRY(c.require(x.rank() <= 10, "more than 8 spatial dims"));
  std::vector<int64_t> in(x.dims.begin() + 2, x.dims.end());
  PoolSetup setup;
  if (global) {
    setup.spatial.in = setup.spatial.kernel = in;
    size_t rank = in.size();
    setup.spatial.out = setup.spatial.strides = setup.spatial.dilations =
        std::vector<int64_t>(rank, 1);
    setup.spatial.padBegin = setup.spatial.padEnd = std::vector<int64_t>(rank, 0);
    TRY(c.require(product(in, 0, x.rank() - 2) > 0, "expected spatial dims that are not empty"));
  } else {
    setup.spatial = TRY(spatialOf(c, in, {}));
  }
  setup.outDims = {x.dims[0], x.dims[1]};
  setup.outDims.insert(setup.outDims.end(), setup.spatial.out.begin(), setup.spatial.out.end());
  setup.planes = x.dims[0] * x.dims[1];
  int64_t work = 1;
  for (int64_t factor : setup.spatial.kernel)
    if (__builtin_mul_overflow(work, factor, &work))
      return c.error("kernel " + dimsText(setup.spatial.kernel) + " is too large");
  return setup;
}

/// Widens each plane to W and calls reduce(plane, o, planeIndex) for each output element.
template <class W, class F>
EvalResult poolPlanes(EvalContext &c, const PoolSetup &setup, F reduce) {
  const Tensor &x = c.in(0);
  const Spatial &s = setup.spatial;
  Tensor y = TRY(c.allocate(x.dtype, setup.outDims));
  TRY(c.charge({y.size(), s.taps()}));
  int64_t inSize = s.inSize(), outSize = s.outSize();
  Tensor planeBytes = TRY(c.allocate(DType::I64, {inSize})), rowBytes = TRY(c.ints({outSize}));
  W *plane = reinterpret_cast<W *>(planeBytes.writable());
  W *row = reinterpret_cast<W *>(rowBytes.writable());
  for (int64_t p = 0; y.size() > 0 && p < setup.planes; p++) {
    loadRow(x, p * inSize, 1, inSize, plane);
    for (int64_t o = 0; o < outSize; o++)
      row[o] = reduce(plane, o, p);
    storeRow(y, p * outSize, 1, outSize, row);
  }
  return one(y);
}

EvalResult averagePool(EvalContext &c, bool global) {
  PoolSetup setup = TRY(poolSetup(c, global));
  const Spatial &s = setup.spatial;
  bool countPadding = !global && c.intAttr("count_include_pad") != 0;
  return poolPlanes<double>(c, setup, [&](const double *plane, int64_t o, int64_t) {
    double sum = 0;
    int64_t count = 0;
    forWindow(s, o, [&](int64_t offset) { sum += plane[offset], count++; });
    return sum / static_cast<double>(countPadding ? paddedCount(s, o) : count);
  });
}

EvalResult lpPool(EvalContext &c, bool global) {
  PoolSetup setup = TRY(poolSetup(c, global));
  double p = static_cast<double>(c.intAttr("p", 2));
  return poolPlanes<double>(c, setup, [&](const double *plane, int64_t o, int64_t) {
    double sum = 0;
    forWindow(setup.spatial, o,
              [&](int64_t offset) { sum += std::pow(std::fabs(plane[offset]), p); });
    return std::pow(sum, 1 / p);
  });
}

/// The index MaxPool reports: that in the whole input, counting the last two spatial dims column by
/// column for storage_order 1.
int64_t reportedIndex(const Spatial &s, int64_t offset, int64_t plane, bool columnMajor) {
  int64_t inSize = s.inSize();
  if (columnMajor && s.rank() >= 2) {
    int64_t width = s.in[s.rank() - 1], height = s.in[s.rank() - 2], area = height * width;
    int64_t row = offset % area / width, column = offset % width;
    offset = offset / area * area + column * height + row;
  }
  return plane * inSize + offset;
}

/// Of equal maxima the first counts; a NaN wins.
EvalResult maxPool(EvalContext &c, bool global) {
  PoolSetup setup = TRY(poolSetup(c, global));
  const Spatial &s = setup.spatial;
  bool wantsIndices = c.wantsResult(1), columnMajor = !global && c.intAttr("storage_order") != 0;
  Tensor indices = TRY(c.ints(wantsIndices ? setup.outDims : std::vector<int64_t>{0}));
  int64_t outSize = s.outSize();
  EvalResult result = withWide(c.in(0).dtype, [&]<class W>() {
    return poolPlanes<W>(c, setup, [&](const W *plane, int64_t o, int64_t p) {
      int64_t best = -1;
      forWindow(s, o, [&](int64_t offset) {
        if (best < 0 || plane[offset] > plane[best] ||
            (plane[offset] != plane[offset] && plane[best] == plane[best]))
          best = offset;
      });
      if (wantsIndices)
        i64Out(indices)[p * outSize + o] = best < 0 ? 0 : reportedIndex(s, best, p, columnMajor);
      constexpr bool kReal = std::is_same_v<W, double>;
      W lowest = kReal ? static_cast<W>(-HUGE_VAL) : std::numeric_limits<W>::lowest();
      return best < 0 ? lowest : plane[best];
    });
  });
  if (result && wantsIndices)
    result->emplace_back(indices);
  return result;
}

} // namespace

EvalResult evalMaxPool(EvalContext &c) { return maxPool(c, false); }
EvalResult evalAveragePool(EvalContext &c) { return averagePool(c, false); }
EvalResult evalLpPool(EvalContext &c) { return lpPool(c, false); }
EvalResult evalGlobalMaxPool(EvalContext &c) { return maxPool(c, true); }
EvalResult evalGlobalAveragePool(EvalContext &c) { return averagePool(c, true); }
EvalResult evalGlobalLpPool(EvalContext &c) { return lpPool(c, true); }

/// Inputs X, I (indices MaxPool gave), output_shape: elements go back where they came from, zeros
/// elsewhere. With an output_shape the indices still are those of the shape that attributes imply.
EvalResult evalMaxUnpool(EvalContext &c) {
  TRY(c.requireMinRank(0, 3));
  const Tensor &x = c.in(0), &indices = c.in(1);
  TRY(c.require(indices.dims == x.dims,
                "input I: expected shape " + dimsText(x.dims) + ", got " + dimsText(indices.dims)));
  int64_t rank = x.rank() - 2;
  std::vector<int64_t> kernel = TRY(spatialAttr(c, "kernel_shape", rank, 1, 1));
  std::vector<int64_t> strides = TRY(spatialAttr(c, "strides", rank, 1, 1));
  std::vector<int64_t> pads = TRY(spatialAttr(c, "pads", 2 * rank, 0, 0));
  std::vector<int64_t> implied = {x.dims[0], x.dims[1]};
  for (int64_t d = 0; d < rank; d++) {
    TRY(c.require(x.dims[d + 2] <= kMaxSpatial, "spatial sizes are out of range"));
    implied.push_back((x.dims[d + 2] - 1) * strides[d] + kernel[d] - pads[d] - pads[d + rank]);
  }
  std::vector<int64_t> dims = c.has(2) ? TRY(c.intList(2)) : implied;
  TRY(c.require(dims.size() == implied.size(), "output_shape has the wrong rank"));
  Tensor y = TRY(c.allocate(x.dtype, dims));
  std::optional<int64_t> impliedSize = checkedNumElements(implied);
  TRY(c.require(impliedSize.has_value(), "pads are larger than the output"));
  std::vector<int64_t> strideOf = rowMajor(dims);
  for (int64_t i = 0; i < x.size(); i++) {
    int64_t index = load<int64_t>(indices, i), target = 0;
    bool inside = index >= 0 && index < *impliedSize;
    for (size_t d = dims.size(); inside && d-- > 0; index /= implied[d]) {
      int64_t position = index % implied[d];
      inside = position < dims[d];
      target += position * strideOf[d];
    }
    TRY(c.require(inside, "index " + std::to_string(load<int64_t>(indices, i)) +
                              " is outside the output " + dimsText(dims)));
    copyElements(y, target, 1, x, i, 1, 1);
  }
  return one(y);
}

} // namespace cameo::eval
