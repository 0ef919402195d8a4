// Fourier transforms by their definition, windows, and the mel scale.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <complex>
#include <numbers>

namespace cameo::eval {
namespace {

using Complex = std::complex<double>;

/// Transforms of one length.
class Fourier {
public:
  Fourier(int64_t length, bool inverse) : length_(length), inverse_(inverse) {
    for (int64_t i = 0; i < length; i++) {
      double angle = 2 * std::numbers::pi * static_cast<double>(i) / static_cast<double>(length);
      roots_.emplace_back(std::cos(angle), inverse ? std::sin(angle) : -std::sin(angle));
    }
  }

  /// Element k of the transform of `line`, which has `length` elements.
  Complex bin(const std::vector<Complex> &line, int64_t k) const {
    Complex sum = 0;
    int64_t at = 0;
    for (int64_t n = 0; n < length_; n++) {
      sum += line[n] * roots_[at];
      at += k;
      at -= at >= length_ ? length_ : 0;
    }
    return inverse_ ? sum / static_cast<double>(length_) : sum;
  }

private:
  int64_t length_;
  bool inverse_;
  std::vector<Complex> roots_;
};

/// Element i of the last dim of x, of `parts` (1 or 2) numbers.
Complex complexAt(const Tensor &x, int64_t i, int64_t parts) {
  return {f64(x)[i * parts], parts == 2 ? f64(x)[i * parts + 1] : 0};
}

constexpr int64_t kMaxLength = int64_t{1} << 31;

/// The only element of an input, between bounds.
Result<int64_t> lengthInput(EvalContext &c, int64_t i, int64_t least) {
  int64_t length = TRY(c.intScalar(i));
  TRY(c.require(length >= least && length <= kMaxLength,
                c.inputName(i) + ": " + std::to_string(length) + " is out of range"));
  return length;
}

Result<void> requireComplex(EvalContext &c) {
  const Tensor &x = c.in(0);
  return c.require(x.rank() >= 2 && (x.dims.back() == 1 || x.dims.back() == 2),
                   "expected a last dim of 1 or 2, got shape " + dimsText(x.dims));
}

} // namespace

/// Inputs: signal [..., 1 or 2], length of the transform, axis.
EvalResult evalDFT(EvalContext &c) {
  TRY(requireComplex(c));
  const Tensor &x = c.in(0);
  bool inverse = c.intAttr("inverse") != 0, oneSided = c.intAttr("onesided") != 0;
  int64_t rank = x.rank(), axis = TRY(c.axis(c.has(2) ? TRY(c.intScalar(2)) : -2, rank));
  TRY(c.require(axis < rank - 1, "the last dim is real and imaginary part"));
  int64_t given = x.dims[axis], parts = x.dims.back();
  int64_t length = oneSided && inverse ? std::max<int64_t>(2 * (given - 1), 0) : given;
  if (c.has(1))
    length = TRY(lengthInput(c, 1, 0));
  int64_t bins = oneSided && !inverse ? length / 2 + 1 : length;
  int64_t outParts = oneSided && inverse ? 1 : 2;
  std::vector<int64_t> dims = x.dims;
  dims[axis] = bins, dims.back() = outParts;
  Tensor y = TRY(c.allocate(x.dtype, dims)), signal = TRY(c.toF64(x));
  TRY(c.charge({y.size(), length}));
  if (y.size() == 0)
    return one(y);
  int64_t inner = product(x.dims, axis + 1, rank - 1), outer = product(x.dims, 0, axis);
  Fourier fourier(length, inverse);
  std::vector<Complex> line(length);
  for (int64_t row = 0; row < outer * inner; row++) {
    int64_t from = row / inner * given * inner + row % inner;
    int64_t to = row / inner * bins * inner + row % inner;
    for (int64_t n = 0; n < length; n++) {
      // Half of a spectrum of real numbers: the other half is its mirror image.
      bool mirrored = oneSided && inverse && n > length / 2;
      int64_t at = mirrored ? length - n : n;
      Complex value = at < given ? complexAt(signal, from + at * inner, parts) : 0;
      line[n] = mirrored ? std::conj(value) : value;
    }
    for (int64_t k = 0; k < bins; k++) {
      Complex bin = fourier.bin(line, k);
      double values[2] = {bin.real(), bin.imag()};
      storeRow(y, (to + k * inner) * outParts, 1, outParts, values);
    }
  }
  return one(y);
}

/// Inputs signal [batch, length, 1 or 2], frame_step, window, frame_length.
EvalResult evalSTFT(EvalContext &c) {
  TRY(c.requireRank(0, 3));
  TRY(requireComplex(c));
  const Tensor &x = c.in(0);
  int64_t length = x.dims[1], parts = x.dims[2], step = TRY(lengthInput(c, 1, 1));
  int64_t frame = c.has(3) ? TRY(lengthInput(c, 3, 1)) : c.has(2) ? c.in(2).size() : length;
  TRY(c.require(frame >= 1 && frame <= length && (!c.has(2) || c.in(2).size() == frame),
                "a frame of " + std::to_string(frame) + " does not fit a signal of " +
                    std::to_string(length) + " or its window"));
  int64_t frames = (length - frame) / step + 1;
  int64_t bins = c.intAttr("onesided", 1) != 0 ? frame / 2 + 1 : frame;
  Tensor y = TRY(c.allocate(x.dtype, {x.dims[0], frames, bins, 2}));
  Tensor signal = TRY(c.toF64(x)), window = TRY(c.doubles({frame}));
  std::fill_n(f64Out(window), frame, 1.0);
  if (c.has(2))
    loadRow(c.in(2), 0, 1, frame, f64Out(window));
  TRY(c.charge({y.size(), frame}));
  Fourier fourier(frame, false);
  std::vector<Complex> line(frame);
  for (int64_t row = 0; row < x.dims[0] * frames; row++) {
    int64_t from = row / frames * length + row % frames * step;
    for (int64_t n = 0; n < frame; n++)
      line[n] = f64(window)[n] * complexAt(signal, from + n, parts);
    for (int64_t k = 0; k < bins; k++) {
      Complex bin = fourier.bin(line, k);
      double values[2] = {bin.real(), bin.imag()};
      storeRow(y, (row * bins + k) * 2, 1, 2, values);
    }
  }
  return one(y);
}

/// HannWindow, HammingWindow and BlackmanWindow: sums of cosines.
EvalResult evalSignalWindow(EvalContext &c) {
  int64_t size = TRY(lengthInput(c, 0, 0));
  bool periodic = c.intAttr("periodic", 1) != 0;
  OpKind kind = c.op.kind();
  double weights[3] = {0.5, 0.5, 0};
  if (kind == OpKind::HammingWindow)
    weights[0] = 25.0 / 46, weights[1] = 21.0 / 46;
  if (kind == OpKind::BlackmanWindow)
    weights[0] = 0.42, weights[2] = 0.08;
  Tensor y = TRY(c.allocate(c.resultDType(0), {size}));
  double period = static_cast<double>(periodic ? size : size - 1);
  for (int64_t i = 0; i < size; i++) {
    // A symmetric window of one element has no period.
    double angle = period > 0 ? 2 * std::numbers::pi * static_cast<double>(i) / period : 0;
    store(y, i, weights[0] - weights[1] * std::cos(angle) + weights[2] * std::cos(2 * angle));
  }
  return one(y);
}

/// Inputs num_mel_bins, dft_length, sample_rate, lower and upper edge in hertz: a triangle of
/// weights a mel bin, as columns.
EvalResult evalMelWeightMatrix(EvalContext &c) {
  int64_t count = TRY(lengthInput(c, 0, 0)), length = TRY(lengthInput(c, 1, 0));
  int64_t rate = TRY(lengthInput(c, 2, 1)), bins = length / 2 + 1;
  double low = TRY(c.floatScalar(3)), high = TRY(c.floatScalar(4));
  auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  double step = (mel(high) - mel(low)) / static_cast<double>(count + 2);
  Tensor y = TRY(c.allocate(c.resultDType(0), {bins, count})), edges = TRY(c.ints({count + 2}));
  for (int64_t i = 0; i < count + 2; i++) {
    double hertz = 700 * (std::pow(10, (mel(low) + static_cast<double>(i) * step) / 2595) - 1);
    double bin = std::floor(static_cast<double>(length + 1) * hertz / static_cast<double>(rate));
    TRY(c.require(bin >= 0 && bin < static_cast<double>(bins), "an edge is outside the spectrum"));
    i64Out(edges)[i] = static_cast<int64_t>(bin);
  }
  TRY(c.charge({bins, count}));
  for (int64_t i = 0; i < count; i++) {
    int64_t left = i64(edges)[i], middle = i64(edges)[i + 1], right = i64(edges)[i + 2];
    for (int64_t j = left; j < right; j++) {
      double rise = static_cast<double>(j - left) / static_cast<double>(middle - left);
      double fall = static_cast<double>(right - j) / static_cast<double>(right - middle);
      store(y, j * count + i, j < middle ? rise : fall);
    }
    store(y, middle * count + i, 1.0);
  }
  return one(y);
}

} // namespace cameo::eval
