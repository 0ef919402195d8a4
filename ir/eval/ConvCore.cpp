// Convolution through the blocked matrix product, or directly where a group has few output
// channels (depthwise); see Conv.h.
#include "ir/eval/Conv.h"

#include "ir/eval/Elements.h"
#include "ir/eval/Gemm.h"

#include <algorithm>

namespace cameo::eval {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return a >= 0 ? (a + b - 1) / b : -(-a / b); }

/// Output positions [lo, hi) along the last dim for which tap position `first + o * stride` lies in
/// the (not spread) input.
void validRange(int64_t first, int64_t stride, int64_t in, int64_t out, int64_t &lo, int64_t &hi) {
  lo = std::max<int64_t>(ceilDiv(-first, stride), 0);
  hi = std::min(ceilDiv(in - first, stride), out);
}

/// Offset of the outer dims of output position `outer` (row-major over out[0 .. rank-1)) in one
/// input plane, or -1 if the tap falls outside.
int64_t outerOffset(const ConvGeometry &g, int64_t outer, int64_t tap) {
  int64_t offset = 0, scale = g.in.back();
  tap /= g.kernel.back();
  for (size_t d = g.in.size() - 1; d-- > 0;) {
    int64_t o = outer % g.out[d], t = tap % g.kernel[d];
    outer /= g.out[d], tap /= g.kernel[d];
    int64_t position = o * g.outStride[d] + g.offset[d] + t * g.step[d];
    if (position < 0 || position % g.spread[d] || position / g.spread[d] >= g.in[d])
      return -1;
    offset += position / g.spread[d] * scale;
    scale *= g.in[d];
  }
  return offset;
}

/// Calls f(j, offset, stride, n) for runs of output positions j .. j + n within [j0, j0 + count)
/// that read elements offset, offset + stride ... of the input plane under a tap.
template <class F>
void forRuns(const ConvGeometry &g, int64_t tap, int64_t j0, int64_t count, F f) {
  int64_t width = g.out.back(), stride = g.outStride.back(), spread = g.spread.back();
  int64_t first = g.offset.back() + tap % g.kernel.back() * g.step.back();
  int64_t lo, hi;
  // Where the input is spread, runs are found one element at a time.
  validRange(first, stride, (g.in.back() - 1) * spread + 1, width, lo, hi);
  for (int64_t j = j0; j < j0 + count;) {
    int64_t o = j % width, n = std::min(width - o, j0 + count - j);
    int64_t base = outerOffset(g, j / width, tap);
    int64_t begin = std::max(lo, o), end = std::min(hi, o + n);
    if (base >= 0 && begin < end) {
      int64_t start = first + begin * stride;
      if (spread == 1)
        f(j + begin - o, base + start, stride, end - begin);
      else
        for (int64_t q = begin; q < end; q++, start += stride)
          if (start % spread == 0)
            f(j + q - o, base + start / spread, 1, 1);
    }
    j += n;
  }
}

/// Weights fetched at a time.
constexpr int64_t kMaxPacked = 256;

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
    double row[kMaxPacked];
    for (int64_t q = 0; q < count; q += kMaxPacked) {
      int64_t n = std::min(kMaxPacked, count - q);
      p.weights(part.group * p.outChannels + i, k0 + q, n, row);
      for (int64_t r = 0; r < n; r++)
        to[(q + r) * kPanel] = row[r];
    }
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

/// y += weight * x over n elements, x being `stride` elements apart.
void addScaled(double *y, const double *x, int64_t stride, double weight, int64_t n) {
  typedef double Vector __attribute__((vector_size(64), aligned(8)));
  int64_t q = 0;
  for (; stride == 1 && q + 8 <= n; q += 8)
    *reinterpret_cast<Vector *>(y + q) += weight * *reinterpret_cast<const Vector *>(x + q);
  for (; q < n; q++)
    y[q] += weight * x[q * stride];
}

/// Scratch of convolveDirectly.
struct Scratch {
  double *plane, *sums, *weights; // input plane, output plane, taps of one channel
};

/// Tap by tap over whole planes.
Result<void> convolveDirectly(EvalContext &c, const Part &part, const Scratch &scratch) {
  const ConvProblem &p = part.problem;
  TRY(c.charge({p.outChannels, p.channels, part.taps, part.outSize}));
  for (int64_t i = 0; i < p.outChannels; i++) {
    int64_t oc = part.group * p.outChannels + i;
    std::fill_n(scratch.sums, part.outSize, 0.0);
    for (int64_t channel = 0; channel < p.channels; channel++) {
      loadRow(*p.input, part.planeOffset(channel), 1, part.inSize, scratch.plane);
      for (int64_t q = 0; p.inputZero != 0 && q < part.inSize; q++)
        scratch.plane[q] -= p.inputZero;
      p.weights(oc, channel * part.taps, part.taps, scratch.weights);
      for (int64_t tap = 0; tap < part.taps; tap++)
        forRuns(p.geometry, tap, 0, part.outSize,
                [&](int64_t j, int64_t offset, int64_t stride, int64_t n) {
                  addScaled(scratch.sums + j, scratch.plane + offset, stride, scratch.weights[tap],
                            n);
                });
    }
    p.store(part.image, oc, 0, part.outSize, scratch.sums);
  }
  return {};
}

} // namespace

Result<void> convolve(EvalContext &c, const ConvProblem &p) {
  int64_t rank = static_cast<int64_t>(p.geometry.in.size());
  int64_t inSize = product(p.geometry.in, 0, rank), outSize = product(p.geometry.out, 0, rank);
  int64_t taps = product(p.geometry.kernel, 0, rank), images = p.input->dims[0];
  if (outSize == 0 || p.outChannels == 0)
    return {};
  constexpr int64_t kFewChannels = 4;
  bool direct = p.outChannels < kFewChannels;
  Tensor plane = TRY(c.doubles({direct ? inSize : 0}));
  Tensor sums = TRY(c.doubles({direct ? outSize : 0})),
         weights = TRY(c.doubles({direct ? taps : 0}));
  Scratch scratch{f64Out(plane), f64Out(sums), f64Out(weights)};
  for (int64_t image = 0; image < images; image++)
    for (int64_t group = 0; group < p.groups; group++) {
      Part part{p, image, group, inSize, outSize, taps};
      if (direct)
        TRY(convolveDirectly(c, part, scratch));
      else
        TRY(convolveByGemm(c, part));
    }
  return {};
}

} // namespace cameo::eval
