// Convolution through the blocked matrix product, or directly where a group has few output
// channels (depthwise); see Conv.h.
#include "ir/eval/graph/Conv.h"

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Gemm.h"
#include "ir/eval/graph/VectorKernels.h"

#include <algorithm>
#include <map>

namespace cameo::eval {
namespace {
int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }
} // namespace

void validRange(int64_t first, int64_t stride, int64_t in, int64_t out, int64_t &lo, int64_t &hi) {
  lo = std::max<int64_t>(ceilDiv(-first, stride), 0);
  hi = std::min(ceilDiv(in - first, stride), out);
}

namespace {

/// Offset of the outer dims of output position `outer` (row-major over out[0 .. rank-1)) in one
/// input plane, or -1 if the tap falls outside.
int64_t outerOffset(const ConvGeometry &g, int64_t outer, int64_t tap) {
  int64_t offset = 0, scale = g.in.back();
  tap /= g.kernel.back();
  for (size_t d = g.in.size() - 1; d-- > 0;) {
    int64_t o = outer % g.out[d], t = tap % g.kernel[d];
    outer /= g.out[d], tap /= g.kernel[d];
    int64_t position = o * g.stride[d] + g.offset[d] + t * g.step[d];
    if (position < 0 || position >= g.in[d])
      return -1;
    offset += position * scale;
    scale *= g.in[d];
  }
  return offset;
}

/// Calls f(j, offset, stride, n) for runs of output positions j .. j + n within [j0, j0 + count)
/// that read elements offset, offset + stride ... of the input plane under a tap.
template <class F>
void forRuns(const ConvGeometry &g, int64_t tap, int64_t j0, int64_t count, F f) {
  int64_t width = g.out.back(), stride = g.stride.back();
  int64_t first = g.offset.back() + tap % g.kernel.back() * g.step.back();
  int64_t lo, hi;
  validRange(first, stride, g.in.back(), width, lo, hi);
  for (int64_t j = j0; j < j0 + count;) {
    int64_t o = j % width, n = std::min(width - o, j0 + count - j);
    int64_t base = outerOffset(g, j / width, tap);
    int64_t begin = std::max(lo, o), end = std::min(hi, o + n);
    if (base >= 0 && begin < end)
      f(j + begin - o, base + first + begin * stride, stride, end - begin);
    j += n;
  }
}

/// One image and one group.
struct Part {
  const ConvProblem &problem;
  int64_t image, group, inSize, outSize, taps;

  int64_t planeOffset(int64_t channel) const {
    return ((image * problem.groups + group) * problem.channels + channel) * inSize;
  }
};

Result<void> convolveByGemm(EvalContext &c, const Part &part) {
  const ConvProblem &p = part.problem;
  GemmProblem problem{p.outChannels, part.outSize, p.channels * part.taps, {}, {}, {}};
  problem.rowOfA = [&](int64_t i, int64_t k0, int64_t count, double *to) {
    p.weights(part.group * p.outChannels + i, k0, count, to);
  };
  problem.rowOfB = [&](int64_t k, int64_t j0, int64_t count, double *to) {
    std::fill_n(to, count, 0.0);
    int64_t plane = part.planeOffset(k / part.taps);
    forRuns(p.geometry, k % part.taps, j0, count,
            [&](int64_t j, int64_t offset, int64_t stride, int64_t n) {
              double *run = to + (j - j0);
              loadRow(*p.input, plane + offset, stride, n, run);
              if (p.inputZero != 0)
                for (int64_t q = 0; q < n; q++)
                  run[q] -= p.inputZero;
            });
  };
  problem.store = [&](int64_t i, int64_t j0, int64_t count, double *row) {
    p.store(part.image, part.group * p.outChannels + i, j0, count, row);
  };
  return gemm(c, problem);
}

/// One channel of the input as convolveDirectly reads it: padded, and split by the strides into
/// phases, so that what a tap reads for neighbouring outputs are neighbours whatever the stride.
struct PhasedPlane {
  std::vector<std::vector<int64_t>> phases; // of each dim: taps' positions modulo the stride
  std::vector<int64_t> extent;              // of each dim of a phase
  std::vector<int64_t> dims, strides;       // phases of each dim, then extents
  std::vector<int64_t> taps;                // where each tap reads for output 0
};

PhasedPlane planeOf(const ConvGeometry &g) {
  PhasedPlane plane;
  size_t rank = g.in.size();
  std::vector<std::vector<int64_t>> phaseOfTap(rank), shiftOfTap(rank);
  for (size_t d = 0; d < rank; d++) {
    std::vector<int64_t> &phases = plane.phases.emplace_back();
    std::map<int64_t, int64_t> known;
    for (int64_t t = 0; t < g.kernel[d]; t++) {
      int64_t phase = t * g.step[d] % g.stride[d];
      auto [found, isNew] = known.try_emplace(phase, static_cast<int64_t>(phases.size()));
      if (isNew)
        phases.push_back(phase);
      phaseOfTap[d].push_back(found->second);
      shiftOfTap[d].push_back(t * g.step[d] / g.stride[d]);
    }
    plane.extent.push_back(g.out[d] + shiftOfTap[d].back());
    plane.dims.push_back(static_cast<int64_t>(phases.size()));
  }
  plane.dims.insert(plane.dims.end(), plane.extent.begin(), plane.extent.end());
  if (!checkedNumElements(plane.dims))
    return plane;
  plane.strides = rowMajor(plane.dims);
  for (int64_t tap = 0; tap < product(g.kernel, 0, static_cast<int64_t>(rank)); tap++) {
    int64_t rest = tap, offset = 0;
    for (size_t d = rank; d-- > 0; rest /= g.kernel[d]) {
      int64_t t = rest % g.kernel[d];
      offset += phaseOfTap[d][t] * plane.strides[d] + shiftOfTap[d][t] * plane.strides[rank + d];
    }
    plane.taps.push_back(offset);
  }
  return plane;
}

/// Fills what lies within the input; the padding stays as it is.
void fillPlane(const Part &part, const PhasedPlane &plane, int64_t channel, double *to) {
  const ConvProblem &p = part.problem;
  const ConvGeometry &g = p.geometry;
  size_t rank = g.in.size();
  int64_t extent = plane.extent.back(), size = product(plane.dims, 0, 2 * int64_t(rank));
  for (int64_t begin = 0; begin < size; begin += extent) {
    int64_t phase = begin / plane.strides[rank - 1] % plane.dims[rank - 1], lo, hi;
    int64_t first = plane.phases.back()[phase] + g.offset.back(), stride = g.stride.back();
    int64_t base = part.planeOffset(channel) + first, scale = g.in.back();
    bool inside = true;
    for (size_t d = rank - 1; d-- > 0; scale *= g.in[d]) {
      int64_t q = begin / plane.strides[rank + d] % plane.extent[d];
      phase = begin / plane.strides[d] % plane.dims[d];
      int64_t position = q * g.stride[d] + plane.phases[d][phase] + g.offset[d];
      inside = inside && position >= 0 && position < g.in[d];
      base += position * scale;
    }
    validRange(first, stride, g.in.back(), extent, lo, hi);
    if (!inside || lo >= hi)
      continue;
    loadRow(*p.input, base + lo * stride, stride, hi - lo, to + begin + lo);
    for (int64_t q = lo; p.inputZero != 0 && q < hi; q++)
      to[begin + q] -= p.inputZero;
  }
}

/// Buffers of convolveDirectly. Rows of sums are whole vectors long, so reading the plane may go
/// `kPanel` past its end.
struct Scratch {
  Tensor plane, sums, weights;
  int64_t rowLength;
};

Result<Scratch> scratchFor(EvalContext &c, const ConvProblem &p, const PhasedPlane &plane,
                           int64_t taps) {
  const std::vector<int64_t> &out = p.geometry.out;
  int64_t rank = static_cast<int64_t>(out.size());
  std::optional<int64_t> size = checkedNumElements(plane.dims);
  TRY(c.require(size && *size <= INT64_MAX - kPanel, "the padded input is too large"));
  Scratch scratch;
  scratch.rowLength = (out.back() + kPanel - 1) / kPanel * kPanel;
  scratch.plane = TRY(c.doubles({*size + kPanel}));
  scratch.sums = TRY(c.doubles({p.outChannels, product(out, 0, rank - 1), scratch.rowLength}));
  scratch.weights = TRY(c.doubles({taps}));
  return scratch;
}

/// Row by row of the output, all taps of an input channel at a time.
Result<void> convolveDirectly(EvalContext &c, const Part &part, const PhasedPlane &plane,
                              Scratch &scratch) {
  const ConvProblem &p = part.problem;
  const ConvGeometry &g = p.geometry;
  size_t rank = g.in.size();
  int64_t width = g.out.back(), rows = part.outSize / width, length = scratch.rowLength;
  double *sums = f64Out(scratch.sums), *input = f64Out(scratch.plane);
  TRY(c.charge({p.outChannels, p.channels, part.taps, part.outSize}));
  std::fill_n(sums, p.outChannels * rows * length, 0.0);
  for (int64_t channel = 0; channel < p.channels; channel++) {
    fillPlane(part, plane, channel, input);
    for (int64_t i = 0; i < p.outChannels; i++) {
      p.weights(part.group * p.outChannels + i, channel * part.taps, part.taps,
                f64Out(scratch.weights));
      for (int64_t row = 0; row < rows; row++) {
        int64_t rest = row, offset = 0;
        for (size_t d = rank - 1; d-- > 0; rest /= g.out[d])
          offset += rest % g.out[d] * plane.strides[rank + d];
        vectorKernels().addRows(sums + (i * rows + row) * length, length, input + offset,
                                plane.taps.data(), f64(scratch.weights), part.taps);
      }
    }
  }
  for (int64_t row = 0; row < p.outChannels * rows; row++)
    p.store(part.image, part.group * p.outChannels + row / rows, row % rows * width, width,
            sums + row * length);
  return {};
}

} // namespace

Result<void> convolve(EvalContext &c, const ConvProblem &p) {
  int64_t rank = static_cast<int64_t>(p.geometry.in.size());
  int64_t inSize = product(p.geometry.in, 0, rank), outSize = product(p.geometry.out, 0, rank);
  int64_t taps = product(p.geometry.kernel, 0, rank), images = p.input->dims[0];
  if (outSize == 0 || p.outChannels == 0)
    return {};
  // With few output channels the product would spend its time fetching windows.
  constexpr int64_t kFewChannels = 4;
  bool direct = p.outChannels < kFewChannels && taps > 1 && p.channels > 0;
  PhasedPlane plane;
  Scratch scratch;
  if (direct) {
    plane = planeOf(p.geometry);
    scratch = TRY(scratchFor(c, p, plane, taps));
  }
  for (int64_t image = 0; image < images; image++)
    for (int64_t group = 0; group < p.groups; group++) {
      Part part{p, image, group, inSize, outSize, taps};
      if (direct)
        TRY(convolveDirectly(c, part, plane, scratch));
      else
        TRY(convolveByGemm(c, part));
    }
  return {};
}

} // namespace cameo::eval
