// Elementwise ops. Most have their meaning in their row of the op table; here are the evaluators
// made of those, and ops that are no function of one or two elements of one type.
#include "ir/eval/graph/Arithmetic.h"
#include "ir/eval/graph/Map.h"

#include <numbers>

namespace cameo::eval {
namespace {

double softplus(double x) { return maximum(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
/// NaN stays NaN.
double clamped(double x, double low, double high) { return minimum(maximum(x, low), high); }
/// NaN stays NaN.
template <class W> W relu(W x) { return maximum(x, W{0}); }

} // namespace

#define ELEMENTWISE_OP(kind, version, ins, outs, constraints, attrs, rule, ...)                    \
  EvalResult eval##kind(EvalContext &c) { return __VA_ARGS__; }
#include "ir/ops/Ops.def"

EvalResult evalGelu(EvalContext &c) {
  if (c.stringAttr("approximate") == "tanh")
    return real(c, [](double x) {
      double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    });
  return real(c, [](double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); });
}

namespace {
/// min(max(x, low), high): NaN stays NaN, a NaN bound gives NaN, and low > high gives high.
template <class W> EvalResult clip(EvalContext &c, W low, W high) {
  return elementwise<W>(c, c.in(0).dtype, [=](W x) {
    W y = x < low || low != low ? low : x;
    return y > high || high != high ? high : y;
  });
}
} // namespace

EvalResult evalClip(EvalContext &c) {
  for (int64_t i : {1, 2})
    TRY(c.require(!c.has(i) || c.in(i).size() == 1, c.inputName(i) + ": expected one element"));
  return withWide(c.in(0).dtype, [&]<class W>() -> EvalResult {
    constexpr bool kReal = std::is_same_v<W, double>;
    W lowest = kReal ? static_cast<W>(-HUGE_VAL) : std::numeric_limits<W>::lowest();
    W highest = kReal ? static_cast<W>(HUGE_VAL) : std::numeric_limits<W>::max();
    return clip<W>(c, c.has(1) ? load<W>(c.in(1), 0) : lowest,
                   c.has(2) ? load<W>(c.in(2), 0) : highest);
  });
}

/// Min and Max: any number of operands, one at least.
EvalResult evalMinMax(EvalContext &c) {
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  bool least = c.op.kind() == OpKind::Min;
  return withWide(c.in(0).dtype, [&]<class W>() -> EvalResult {
    Tensor y = c.in(0);
    for (int64_t i = 1; i < c.numInputs(); i++)
      y = TRY(zip<W>(c, y, c.in(i), y.dtype, least ? minimum<W> : maximum<W>));
    return one(y);
  });
}

/// Sum and Mean: accumulated in double, rounded once.
EvalResult evalSumMean(EvalContext &c) {
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  Tensor sum = TRY(c.toF64(c.in(0)));
  auto plus = [](double a, double b) { return a + b; };
  for (int64_t i = 1; i < c.numInputs(); i++)
    sum = TRY(zip<double>(c, sum, TRY(c.toF64(c.in(i))), DType::F64, plus));
  double count = c.op.kind() == OpKind::Mean ? static_cast<double>(c.numInputs()) : 1;
  Tensor y = TRY(c.allocate(c.in(0).dtype, sum.dims));
  for (int64_t i = 0; i < y.size(); i++)
    store(y, i, f64(sum)[i] / count);
  return one(y);
}

namespace {
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

EvalResult evalEqual(EvalContext &c) {
  if (c.in(0).dtype == DType::String)
    return one(TRY(equalStrings(c)));
  return test(c, [](auto a, auto b) { return a == b; });
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

/// Remainder with the divisor's sign, as Python's %; of integers, x mod 0 is 0.
uint64_t modulo(uint64_t a, uint64_t b) { return remainder(a, b); }
int64_t modulo(int64_t a, int64_t b) {
  int64_t rest = remainder(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
double modulo(double a, double b) {
  double rest = remainder(a, b);
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

/// fmod=0 takes the divisor's sign, fmod=1 the dividend's.
EvalResult evalMod(EvalContext &c) {
  if (c.intAttr("fmod"))
    return number(c, [](auto a, auto b) { return remainder(a, b); });
  return number(c, [](auto a, auto b) { return modulo(a, b); });
}

EvalResult evalBitShift(EvalContext &c) {
  std::string direction = c.stringAttr("direction");
  TRY(c.require(direction == "LEFT" || direction == "RIGHT",
                "direction: expected LEFT or RIGHT, got '" + direction + "'"));
  bool left = direction == "LEFT";
  // Storing drops what a narrower type shifts out on the left.
  int64_t width = dtypeBytes(c.in(0).dtype) * 8;
  return integer(c, [=](auto x, auto y) { return shift(x, y, left, width); });
}

EvalResult evalPRelu(EvalContext &c) {
  const Tensor &x = c.in(0), &slope = c.in(1);
  std::optional<std::vector<int64_t>> dims = broadcastDims(x.dims, slope.dims);
  TRY(c.require(dims && *dims == x.dims, "slope of shape " + dimsText(slope.dims) +
                                             " does not broadcast to " + dimsText(x.dims)));
  return number(c, [](auto a, auto b) { return a < 0 ? multiply(a, b) : a; });
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
