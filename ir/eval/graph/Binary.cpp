// Elementwise ops of two or more broadcast operands: arithmetic, comparison, logic, shifts, and the
// variadic Sum, Mean, Min, Max. One table of scalar formulas in each wide type; results are stored
// rounded once or wrapped.
#include "ir/eval/graph/Arithmetic.h"
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include "ir/OpSpec.h"

#include <algorithm>
#include <unordered_map>

namespace cameo::eval {
namespace {

template <class W> using Formula = W (*)(W, W);

struct Row {
  Formula<double> real = nullptr;
  Formula<int64_t> integer = nullptr;
  Formula<uint64_t> natural = nullptr;
};

/// Broadcasts two tensors and applies f in W; the result's dims are given.
template <class W, class F>
Result<Tensor> zip(EvalContext &c, const Tensor &a, const Tensor &b, DType dtype, F f) {
  std::optional<std::vector<int64_t>> dims = broadcastDims(a.dims, b.dims);
  if (!dims)
    return c.error("shapes " + dimsText(a.dims) + " and " + dimsText(b.dims) + " do not broadcast");
  Tensor y = TRY(c.allocate(dtype, *dims));
  constexpr int64_t kChunk = 512;
  W left[kChunk], right[kChunk];
  RowWalk walk(*dims,
               {broadcastStrides(a.dims, *dims), broadcastStrides(b.dims, *dims), rowMajor(*dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i += kChunk) {
      int64_t n = std::min(kChunk, walk.rowLength() - i);
      loadRow(a, walk.offset(0) + i * walk.rowStride(0), walk.rowStride(0), n, left);
      loadRow(b, walk.offset(1) + i * walk.rowStride(1), walk.rowStride(1), n, right);
      for (int64_t k = 0; k < n; k++)
        left[k] = static_cast<W>(f(left[k], right[k]));
      storeRow(y, walk.offset(2) + i, 1, n, left);
    }
  return y;
}

template <class W> W minOf(W a, W b) { return std::min(a, b); }
template <class W> W maxOf(W a, W b) { return std::max(a, b); }

const Row &arithmeticRow(std::string_view name) {
  static const std::unordered_map<std::string_view, Row> table = {
      {"Add",
       {[](double a, double b) { return a + b; }, addInt,
        [](uint64_t a, uint64_t b) { return a + b; }}},
      {"Sub",
       {[](double a, double b) { return a - b; }, subInt,
        [](uint64_t a, uint64_t b) { return a - b; }}},
      {"Mul",
       {[](double a, double b) { return a * b; }, mulInt,
        [](uint64_t a, uint64_t b) { return a * b; }}},
      {"Div", {[](double a, double b) { return a / b; }, divInt, divNat}},
      {"Min", {minReal, minOf<int64_t>, minOf<uint64_t>}},
      {"Max", {maxReal, maxOf<int64_t>, maxOf<uint64_t>}},
      {"And", {nullptr, nullptr, [](uint64_t a, uint64_t b) { return a & b; }}},
      {"Or", {nullptr, nullptr, [](uint64_t a, uint64_t b) { return a | b; }}},
      {"Xor", {nullptr, nullptr, [](uint64_t a, uint64_t b) { return a ^ b; }}},
      {"BitwiseAnd",
       {nullptr, [](int64_t a, int64_t b) { return a & b; },
        [](uint64_t a, uint64_t b) { return a & b; }}},
      {"BitwiseOr",
       {nullptr, [](int64_t a, int64_t b) { return a | b; },
        [](uint64_t a, uint64_t b) { return a | b; }}},
      {"BitwiseXor",
       {nullptr, [](int64_t a, int64_t b) { return a ^ b; },
        [](uint64_t a, uint64_t b) { return a ^ b; }}},
  };
  return table.at(name);
}

template <class W> Formula<W> formulaOf(const Row &row) {
  if constexpr (std::is_same_v<W, double>)
    return row.real;
  else if constexpr (std::is_same_v<W, int64_t>)
    return row.integer;
  else
    return row.natural;
}

Result<Tensor> arithmetic(EvalContext &c, const Row &row, const Tensor &a, const Tensor &b) {
  return withWide(a.dtype, [&]<class W>() -> Result<Tensor> {
    Formula<W> formula = formulaOf<W>(row);
    TRY(c.require(formula,
                  "element type " + std::string(dtypeName(a.dtype)) + " is not supported"));
    return zip<W>(c, a, b, a.dtype, formula);
  });
}

} // namespace

EvalResult evalBinary(EvalContext &c) {
  return one(TRY(arithmetic(c, arithmeticRow(spec(c.op.kind()).name), c.in(0), c.in(1))));
}

/// Min and Max: any number of operands, one at least.
EvalResult evalMinMax(EvalContext &c) {
  const Row &row = arithmeticRow(spec(c.op.kind()).name);
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  Tensor y = c.in(0);
  for (int64_t i = 1; i < c.numInputs(); i++)
    y = TRY(arithmetic(c, row, y, c.in(i)));
  return one(y);
}

/// Sum and Mean: accumulated in double, rounded once.
EvalResult evalSumMean(EvalContext &c) {
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  Tensor sum = TRY(c.toF64(c.in(0)));
  auto add = [](double a, double b) { return a + b; };
  for (int64_t i = 1; i < c.numInputs(); i++)
    sum = TRY(zip<double>(c, sum, TRY(c.toF64(c.in(i))), DType::F64, add));
  double count = spec(c.op.kind()).name == "Mean" ? static_cast<double>(c.numInputs()) : 1;
  Tensor y = TRY(c.allocate(c.in(0).dtype, sum.dims));
  for (int64_t i = 0; i < y.size(); i++)
    store(y, i, f64(sum)[i] / count);
  return one(y);
}

namespace {
/// The result is 0 or 1 in the operands' wide type.
template <class W> Formula<W> comparison(std::string_view name) {
  if (name == "Equal")
    return [](W a, W b) { return static_cast<W>(a == b); };
  if (name == "Less")
    return [](W a, W b) { return static_cast<W>(a < b); };
  if (name == "LessOrEqual")
    return [](W a, W b) { return static_cast<W>(a <= b); };
  if (name == "Greater")
    return [](W a, W b) { return static_cast<W>(a > b); };
  return [](W a, W b) { return static_cast<W>(a >= b); };
}

Result<Tensor> equalStrings(EvalContext &c) {
  const Tensor &a = c.in(0), &b = c.in(1);
  std::optional<std::vector<int64_t>> dims = broadcastDims(a.dims, b.dims);
  if (!dims)
    return c.error("shapes " + dimsText(a.dims) + " and " + dimsText(b.dims) + " do not broadcast");
  Tensor y = TRY(c.allocate(DType::Bool, *dims));
  RowWalk walk(*dims,
               {broadcastStrides(a.dims, *dims), broadcastStrides(b.dims, *dims), rowMajor(*dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++)
      store<uint64_t>(y, walk.offset(2) + i,
                      (*a.strings)[walk.offset(0) + i * walk.rowStride(0)] ==
                          (*b.strings)[walk.offset(1) + i * walk.rowStride(1)]);
  return y;
}
} // namespace

EvalResult evalCompare(EvalContext &c) {
  std::string_view name = spec(c.op.kind()).name;
  if (c.in(0).dtype == DType::String)
    return one(TRY(equalStrings(c)));
  return withWide(c.in(0).dtype, [&]<class W>() -> EvalResult {
    return one(TRY(zip<W>(c, c.in(0), c.in(1), DType::Bool, comparison<W>(name))));
  });
}

namespace {
/// Base to an integer power modulo 2^64. A negative power of an integer is 0 but for 1 and -1.
int64_t powInt(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return base == 1 ? 1 : base == -1 ? (exponent % 2 ? -1 : 1) : 0;
  uint64_t result = 1, square = static_cast<uint64_t>(base);
  for (uint64_t rest = static_cast<uint64_t>(exponent); rest; rest >>= 1, square *= square)
    if (rest & 1)
      result *= square;
  return static_cast<int64_t>(result);
}

/// Remainder with the divisor's sign, as Python's %; x mod 0 is 0.
int64_t floorMod(int64_t a, int64_t b) {
  if (b == 0 || b == -1)
    return 0;
  int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
double floorModReal(double a, double b) {
  double rest = std::fmod(a, b);
  if (rest == 0)
    return std::copysign(rest, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}
} // namespace

/// The result has the base's type; the exponent may have another one.
EvalResult evalPow(EvalContext &c) {
  const Tensor &a = c.in(0), &b = c.in(1);
  if (isFloat(a.dtype) || isFloat(b.dtype))
    return one(
        TRY(zip<double>(c, a, b, a.dtype, [](double x, double y) { return std::pow(x, y); })));
  return one(TRY(zip<int64_t>(c, a, b, a.dtype, powInt)));
}

EvalResult evalMod(EvalContext &c) {
  bool truncates = c.intAttr("fmod") != 0;
  const Tensor &a = c.in(0), &b = c.in(1);
  if (isFloat(a.dtype))
    return one(TRY(zip<double>(c, a, b, a.dtype, [=](double x, double y) {
      return truncates ? std::fmod(x, y) : floorModReal(x, y);
    })));
  if (isUnsignedInt(a.dtype))
    return one(TRY(zip<uint64_t>(c, a, b, a.dtype, remNat)));
  return one(TRY(zip<int64_t>(c, a, b, a.dtype, truncates ? remInt : floorMod)));
}

EvalResult evalBitShift(EvalContext &c) {
  std::string direction = c.stringAttr("direction");
  TRY(c.require(direction == "LEFT" || direction == "RIGHT",
                "direction: expected LEFT or RIGHT, got '" + direction + "'"));
  bool left = direction == "LEFT";
  const Tensor &a = c.in(0), &b = c.in(1);
  int64_t width = dtypeBytes(a.dtype) * 8;
  // Storing drops what a narrower type shifts out on the left.
  if (isSignedInt(a.dtype))
    return one(TRY(zip<int64_t>(
        c, a, b, a.dtype, [=](int64_t x, int64_t y) { return shiftInt(x, y, left, width); })));
  return one(TRY(zip<uint64_t>(
      c, a, b, a.dtype, [=](uint64_t x, uint64_t y) { return shiftNat(x, y, left, width); })));
}

EvalResult evalPRelu(EvalContext &c) {
  const Tensor &x = c.in(0), &slope = c.in(1);
  std::optional<std::vector<int64_t>> dims = broadcastDims(x.dims, slope.dims);
  TRY(c.require(dims && *dims == x.dims, "slope of shape " + dimsText(slope.dims) +
                                             " does not broadcast to " + dimsText(x.dims)));
  return withWide(x.dtype, [&]<class W>() -> EvalResult {
    return one(TRY(zip<W>(c, x, slope, x.dtype, [](W a, W b) {
      // Wrapping: signed overflow is undefined.
      if constexpr (std::is_same_v<W, int64_t>)
        return a < 0 ? mulInt(a, b) : a;
      else
        return a < 0 ? a * b : a;
    })));
  });
}

/// Swish(A) * B, shapes being equal.
EvalResult evalSwiGLU(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1);
  return one(TRY(zip<double>(c, c.in(0), c.in(1), c.in(0).dtype, [=](double a, double b) {
    return a / (1 + std::exp(-alpha * a)) * b;
  })));
}

EvalResult evalWhere(EvalContext &c) {
  const Tensor &condition = c.in(0), &a = c.in(1), &b = c.in(2);
  std::optional<std::vector<int64_t>> dims = broadcastDims(a.dims, b.dims);
  if (dims)
    dims = broadcastDims(*dims, condition.dims);
  TRY(c.require(dims.has_value(), "shapes " + dimsText(condition.dims) + ", " + dimsText(a.dims) +
                                      " and " + dimsText(b.dims) + " do not broadcast"));
  Tensor y = TRY(c.allocate(a.dtype, *dims));
  RowWalk walk(*dims, {broadcastStrides(condition.dims, *dims), broadcastStrides(a.dims, *dims),
                       broadcastStrides(b.dims, *dims), rowMajor(*dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++) {
      bool first = load<uint64_t>(condition, walk.offset(0) + i * walk.rowStride(0)) != 0;
      int64_t side = first ? 1 : 2;
      copyElements(y, walk.offset(3) + i, 1, first ? a : b,
                   walk.offset(side) + i * walk.rowStride(side), 1, 1);
    }
  return one(y);
}

} // namespace cameo::eval
