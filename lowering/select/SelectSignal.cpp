// Fourier transforms as products with a constant matrix of cosines and sines,
// real and imaginary parts interleaved; windows by their formula. Transforms of
// signals in models are short enough that the product kernel outweighs what a
// fast transform saves in operations.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/infer/Sizes.h"
#include "lowering/build/Shapes.h"

#include <cmath>
#include <numbers>
#include <numeric>

namespace cameo {
namespace {

// Elements of a matrix: 64 MiB of f32.
constexpr int64_t kLargestMatrix = int64_t(1) << 24;

struct Transform {
  Dim given, parts;   // elements of a line that are there, and numbers an element
  Dim length;         // of the transform: elements beyond are left out, missing ones 0
  Dim bins, outParts; // of the result
  bool inverse,
      mirrored; // mirrored: the line is half of a spectrum of real numbers

  Dim rows() const { return given * parts; }
  Dim columns() const { return bins * outParts; }
  std::vector<double> matrix() const;
  Value *element(LoopBuilder &b, Value *row, Value *column) const;
};

/// [given * parts, bins * outParts], of constant sizes.
std::vector<double> Transform::matrix() const {
  int64_t given = this->given.value(), parts = this->parts.value(), length = this->length.value();
  int64_t bins = this->bins.value(), outParts = this->outParts.value();
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

/// The same element by element, for sizes that only the run knows.
Value *Transform::element(LoopBuilder &b, Value *row, Value *column) const {
  auto number = [&](double value) { return b.constant(Type::scalar(DType::F64), value); };
  auto real = [&](Value *i) { return b.cast(b.cast(i, DType::I64), DType::F64); };
  Value *size = sizeValue(b, length), *zero = b.index(0);
  Value *at = b.div(row, sizeValue(b, parts)), *k = b.div(column, sizeValue(b, outParts));
  // Of complex inputs every odd row is an imaginary part; of complex results every odd column is.
  Value *isPart = b.cmp("ne", b.rem(row, sizeValue(b, parts)), zero);
  Value *givesPart = b.cmp("ne", b.rem(column, sizeValue(b, outParts)), zero);
  // What element n of the whole line adds, which is the row's or its mirror image.
  auto term = [&](Value *n, Value *counts, bool conjugate) {
    Value *turn = b.div(real(b.rem(b.mul(n, k), size)), real(size));
    Value *angle = b.mul(turn, number(2 * std::numbers::pi));
    Value *cosine = b.unary(OpKind::ScalarCos, angle);
    Value *sine = b.mul(b.unary(OpKind::ScalarSin, angle), number(inverse ? 1 : -1));
    Value *own = b.select(givesPart, sine, cosine);
    Value *other = b.select(givesPart, cosine, b.mul(sine, number(-1)));
    if (conjugate)
      other = b.mul(other, number(-1));
    return b.select(counts, b.select(isPart, other, own), number(0));
  };
  Value *half = b.div(size, b.index(2)), *mirror = b.sub(size, at);
  Value *counts = b.cmp(mirrored ? "le" : "lt", at, mirrored ? half : size);
  Value *sum = term(at, both(b, counts, b.cmp("lt", at, size)), false);
  if (mirrored)
    sum = b.add(sum, term(mirror, both(b, b.cmp("gt", at, zero), b.cmp("gt", mirror, half)), true));
  return inverse ? b.div(sum, real(size)) : sum;
}

/// Sums as long as a transform's lose too many digits in the elements' own type, where a fast
/// transform's do not.
DType signalWork(DType dtype) { return isStorageOnly(dtype) ? DType::F32 : DType::F64; }

/// The matrix of a transform: a constant where its sizes are.
Result<Value *> matrixOf(Selection &s, const Transform &t, DType dtype) {
  std::optional<std::vector<int64_t>> shape = constantDims({t.rows(), t.columns()});
  if (!shape || !t.length.isConst())
    return generated(s, {}, Type::tensor(dtype, {t.rows(), t.columns()}),
                     [&](LoopBuilder &b, const std::vector<Value *> &index) {
                       return t.element(b, index[0], index[1]);
                     });
  std::optional<int64_t> size = checkedNumElements(*shape);
  if (!size || *size > kLargestMatrix || t.length.value() > kLargestMatrix)
    return s.unsupportedBecause("a transform this long is not supported yet");
  std::vector<double> numbers = t.matrix();
  std::vector<std::byte> bytes(numbers.size() * sizeof(double));
  std::copy_n(reinterpret_cast<const std::byte *>(numbers.data()), bytes.size(), bytes.data());
  Value *matrix = s.b.Builder::constant(makeConst(DType::F64, *shape, std::move(bytes)));
  if (dtype == DType::F64)
    return matrix;
  // Rounded once, by the cast.
  AttrDict attrs;
  attrs.set("to", dtype);
  return lowered(s, OpKind::Cast, {matrix}, std::move(attrs));
}

/// x [rows, given * parts], of the type to compute in, transformed: [rows, bins * outParts].
Result<Value *> transformed(Selection &s, Value *x, const Transform &t) {
  return matrixProduct(s, x, TRY(matrixOf(s, t, x->type.dtype())), s.out().dtype());
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
  if (hasLength && !stated)
    return s.unsupportedBecause("a length known only at run time is not supported yet");
  const Dim &given = x.dim(axis), &parts = x.shape().back();
  Dim length = oneSided && inverse ? Dim(2) * (given - Dim(1)) : given;
  length = hasLength ? Dim(*stated) : length;
  if (length.isConst() && length.value() < 1)
    return s.unsupportedBecause("a transform of nothing is not supported");
  Transform t{given,
              parts,
              length,
              s.out().dim(axis),
              s.out().shape().back(),
              inverse,
              oneSided && inverse};
  std::vector<int64_t> perm(rank), back(rank);
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + axis, perm.begin() + axis + 1, perm.end() - 1);
  for (int64_t i = 0; i < rank; i++)
    back[perm[i]] = i;
  Value *wide = pointwise(s, {s.op.operand(0)}, x.withDType(signalWork(x.dtype())),
                          [](LoopBuilder &, const std::vector<Value *> &e) { return e[0]; });
  Value *moved = transposeView(s.b, wide, perm);
  Dims outer(moved->type.shape().begin(), moved->type.shape().end() - 2);
  Value *lines = reshapeView(s.b, moved, {product(outer), t.rows()});
  Value *result = TRY(transformed(s, lines, t));
  outer.push_back(t.bins);
  outer.push_back(t.outParts);
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
  if (!step)
    return s.unsupportedBecause("a step known only at run time is not supported yet");
  if (*step < 1 || provablyGreater(Dim(1), frame) || provablyGreater(frame, x.dim(1)))
    return s.unsupportedBecause("the frame does not fit the signal");
  const Dim &parts = x.dim(2);
  std::vector<Value *> operands = {s.op.operand(0)};
  if (window)
    operands.push_back(window);
  DType work = signalWork(x.dtype());
  Type type = Type::tensor(work, {out[0], out[1], frame * parts});
  Value *frames = generated(
      s, operands, type, [&](LoopBuilder &b, const std::vector<Value *> &index) -> Value * {
        Value *count = sizeValue(b, parts);
        Value *within = b.div(index[2], count), *part = b.rem(index[2], count);
        Value *at = b.add(b.mul(index[1], b.index(*step)), within);
        Value *element = b.cast(elementAt(b, x, 0, {index[0], at, part}), work);
        if (!window)
          return element;
        Value *factor = indexWithin(b, within, frame, window->type.dim(0));
        return b.mul(element, b.cast(elementAt(b, window->type, 1, {factor}), work));
      });
  Transform t{frame, parts, frame, out[2], out[3], false, false};
  Value *lines = reshapeView(s.b, frames, {out[0] * out[1], frame * parts});
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
