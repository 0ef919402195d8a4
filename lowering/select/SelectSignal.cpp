// Fourier transforms as products with a constant matrix of cosines and sines,
// real and imaginary parts interleaved; windows by their formula. Transforms of
// signals in models are short enough that the product kernel outweighs what a
// fast transform saves in operations.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/Shapes.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace cameo {
namespace {

// Elements of a matrix: 64 MiB of f32.
constexpr int64_t kLargestMatrix = int64_t(1) << 24;

struct Transform {
  int64_t given,
      parts;              // elements of a line that are there, and numbers an element
  int64_t length;         // of the transform: elements beyond are left out, missing ones 0
  int64_t bins, outParts; // of the result
  bool inverse,
      mirrored; // mirrored: the line is half of a spectrum of real numbers

  std::vector<double> matrix() const;
};

/// [given * parts, bins * outParts]
std::vector<double> Transform::matrix() const {
  std::vector<double> result(given * parts * bins * outParts, 0.0);
  double scale = inverse ? 1.0 / static_cast<double>(length) : 1;
  for (int64_t n = 0; n < length; n++) {
    bool conjugate = mirrored && n > length / 2;
    int64_t at = conjugate ? length - n : n;
    if (at >= given)
      continue;
    for (int64_t k = 0; k < bins; k++) {
      double turn = static_cast<double>(n * k % length) / static_cast<double>(length);
      double real = scale * std::cos(2 * std::numbers::pi * turn);
      double imaginary = scale * std::sin(2 * std::numbers::pi * turn) * (inverse ? 1 : -1);
      // (a + ib) (real + i imaginary), with -b for b where the element is the
      // mirror image.
      for (int64_t part = 0; part < parts; part++) {
        double sign = part && conjugate ? -1 : 1;
        double *to = &result[((at * parts + part) * bins + k) * outParts];
        to[0] += sign * (part ? -imaginary : real);
        if (outParts == 2)
          to[1] += sign * (part ? real : imaginary);
      }
    }
  }
  return result;
}

/// Sums as long as a transform's lose too many digits in the elements' own type, where a fast
/// transform's do not.
DType workOf(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16 ? DType::F32 : DType::F64;
}

/// x [rows, given * parts], of the type to compute in, transformed: [rows, bins * outParts].
Result<Value *> transformed(Selection &s, Value *x, const Transform &t) {
  int64_t rows = 0, columns = 0, size = 0;
  if (__builtin_mul_overflow(t.given, t.parts, &rows) ||
      __builtin_mul_overflow(t.bins, t.outParts, &columns) ||
      __builtin_mul_overflow(rows, columns, &size) || size > kLargestMatrix ||
      t.length > kLargestMatrix)
    return s.unsupportedBecause("a transform this long is not supported yet");
  DType dtype = x->type.dtype();
  std::vector<double> numbers = t.matrix();
  std::vector<std::byte> bytes(numbers.size() * sizeof(double));
  std::copy_n(reinterpret_cast<const std::byte *>(numbers.data()), bytes.size(), bytes.data());
  Value *matrix = s.b.Builder::constant(makeConst(DType::F64, {rows, columns}, std::move(bytes)));
  // Rounded once, by the cast.
  if (dtype != DType::F64) {
    AttrDict attrs;
    attrs.set("to", dtype);
    matrix = TRY(lowered(s, OpKind::Cast, {matrix}, std::move(attrs)));
  }
  return matrixProduct(s, x, matrix, s.out().dtype());
}

/// The only element of an operand, where it is known.
std::optional<int64_t> knownNumber(Selection &s, int64_t i) {
  std::optional<std::vector<int64_t>> known = constantInts(s.op.operand(i));
  return known && known->size() == 1 ? std::optional((*known)[0]) : std::nullopt;
}

} // namespace

Result<void> selectDFT(Selection &s) {
  const Type &x = s.in(0);
  int64_t rank = x.rank(), axis = rank - 2;
  if (s.op.numOperands() > 2 && s.op.operand(2)) {
    std::optional<int64_t> given = knownNumber(s, 2);
    if (!given)
      return s.unsupportedBecause("an axis known only at run time is not supported yet");
    axis = *normalizeAxis(*given, rank);
  }
  bool inverse = s.op.attrs.getInt("inverse"), oneSided = s.op.attrs.getInt("onesided");
  bool hasLength = s.op.numOperands() > 1 && s.op.operand(1);
  std::optional<int64_t> stated = hasLength ? knownNumber(s, 1) : std::nullopt;
  const Dim &extent = x.dim(axis);
  if (!extent.isConst() || !x.shape().back().isConst() || (hasLength && !stated))
    return s.unsupportedBecause("a length known only at run time is not supported yet");
  int64_t given = extent.value();
  int64_t length = oneSided && inverse ? std::max<int64_t>(2 * (given - 1), 0) : given;
  length = hasLength ? *stated : length;
  if (length < 1)
    return s.unsupportedBecause("a transform of nothing is not supported");
  Transform t{given,
              x.shape().back().value(),
              length,
              oneSided && !inverse ? length / 2 + 1 : length,
              oneSided && inverse ? 1 : 2,
              inverse,
              oneSided && inverse};
  std::vector<int64_t> perm(rank), back(rank);
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + axis, perm.begin() + axis + 1, perm.end() - 1);
  for (int64_t i = 0; i < rank; i++)
    back[perm[i]] = i;
  Value *wide = pointwise(s, {s.op.operand(0)}, x.withDType(workOf(x.dtype())),
                          [](LoopBuilder &, const std::vector<Value *> &e) { return e[0]; });
  Value *moved = transposeView(s.b, wide, perm);
  Dims outer(moved->type.shape().begin(), moved->type.shape().end() - 2);
  Value *lines = reshapeView(s.b, moved, {product(outer), Dim(given) * Dim(t.parts)});
  Value *result = TRY(transformed(s, lines, t));
  outer.push_back(Dim(t.bins));
  outer.push_back(Dim(t.outParts));
  s.replaceWithValue(transposeView(s.b, reshapeView(s.b, result, outer), back));
  return {};
}

/// Frames times the window, each transformed.
Result<void> selectSTFT(Selection &s) {
  Type x = s.in(0);
  std::optional<int64_t> step = knownNumber(s, 1);
  Value *window = s.op.numOperands() > 2 ? s.op.operand(2) : nullptr;
  Dims out = s.out().shape();
  Dim frame = window ? window->type.dim(0) : x.dim(1);
  if (s.op.numOperands() > 3 && s.op.operand(3)) {
    std::optional<int64_t> stated = knownNumber(s, 3);
    frame = stated ? Dim(*stated) : frame;
  }
  if (!step || !frame.isConst() || !out[2].isConst() || !x.dim(2).isConst())
    return s.unsupportedBecause("a frame known only at run time is not supported yet");
  if (*step < 1 || frame.value() < 1 || (x.dim(1).isConst() && frame.value() > x.dim(1).value()) ||
      (window && !(window->type.dim(0) == frame)))
    return s.unsupportedBecause("the frame does not fit the signal or the window");
  int64_t parts = x.dim(2).value();
  std::vector<Value *> operands = {s.op.operand(0)};
  if (window)
    operands.push_back(window);
  DType work = workOf(x.dtype());
  Type type = Type::tensor(work, {out[0], out[1], frame * Dim(parts)});
  Value *frames = generated(
      s, operands, type, [&](LoopBuilder &b, const std::vector<Value *> &index) -> Value * {
        Value *within = b.div(index[2], b.index(parts)), *part = b.rem(index[2], b.index(parts));
        Value *at = b.add(b.mul(index[1], b.index(*step)), within);
        Value *element = b.cast(elementAt(b, x, 0, {index[0], at, part}), work);
        if (!window)
          return element;
        return b.mul(element, b.cast(elementAt(b, window->type, 1, {within}), work));
      });
  Transform t{frame.value(), parts, frame.value(), out[2].value(), 2, false, false};
  Value *lines = reshapeView(s.b, frames, {out[0] * out[1], frame * Dim(parts)});
  s.replaceWithValue(reshapeView(s.b, TRY(transformed(s, lines, t)), out));
  return {};
}

/// Hann, Hamming and Blackman windows: sums of cosines.
Result<void> selectSignalWindow(Selection &s) {
  bool periodic = s.op.attrs.getInt("periodic", 1);
  double weights[3] = {0.5, 0.5, 0};
  if (s.op.kind() == OpKind::HammingWindow)
    weights[0] = 25.0 / 46, weights[1] = 21.0 / 46;
  if (s.op.kind() == OpKind::BlackmanWindow)
    weights[0] = 0.42, weights[2] = 0.08;
  Dim size = s.out().dim(0);
  generate(s, {}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    auto number = [&](double value) { return b.constant(Type::scalar(DType::F64), value); };
    auto real = [&](Value *i) { return b.cast(b.cast(i, DType::I64), DType::F64); };
    // A symmetric window of one element has no period.
    Value *period = b.max(real(sizeValue(b, periodic ? size : size - Dim(1))), number(1));
    Value *angle = b.div(b.mul(real(index[0]), number(2 * std::numbers::pi)), period);
    Value *once = b.mul(b.unary(OpKind::ScalarCos, angle), number(weights[1]));
    Value *twice = b.unary(OpKind::ScalarCos, b.add(angle, angle));
    return b.add(b.sub(number(weights[0]), once), b.mul(twice, number(weights[2])));
  });
  return {};
}

} // namespace cameo
