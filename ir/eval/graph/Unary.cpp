// Elementwise ops of one operand: a table of scalar formulas in double and in 64-bit integers, and
// the activations that have attributes.
#include "ir/eval/graph/Arithmetic.h"
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include "ir/OpSpec.h"

#include <algorithm>
#include <numbers>
#include <unordered_map>

namespace cameo::eval {
namespace {

constexpr int64_t kChunk = 512;

/// Applies f to every element in the wide type W of the operand.
template <class W, class F> EvalResult map(EvalContext &c, DType dtype, F f) {
  const Tensor &x = c.in(0);
  Tensor y = TRY(c.allocate(dtype, x.dims));
  W row[kChunk];
  int64_t size = x.size();
  for (int64_t i = 0; i < size; i += kChunk) {
    int64_t n = std::min(kChunk, size - i);
    loadRow(x, i, 1, n, row);
    for (int64_t k = 0; k < n; k++)
      row[k] = static_cast<W>(f(row[k]));
    storeRow(y, i, 1, n, row);
  }
  return one(std::move(y));
}

template <class F> EvalResult mapFloat(EvalContext &c, F f) {
  return map<double>(c, c.in(0).dtype, f);
}

struct Formula {
  double (*real)(double);
  /// For signed integers; nullptr where the op takes floats only.
  int64_t (*integer)(int64_t);
};

double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x; }
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); }
double hardSwish(double x) { return x * std::max(0.0, std::min(1.0, x / 6 + 0.5)); }
int64_t integerSign(int64_t x) { return (x > 0) - (x < 0); }
/// NaN stays NaN.
double relu(double x) { return x < 0 ? 0 : x; }

const std::unordered_map<std::string_view, Formula> &formulas() {
  static const std::unordered_map<std::string_view, Formula> table = {
      {"Abs", {[](double x) { return std::fabs(x); }, absInt}},
      {"Neg", {[](double x) { return -x; }, negInt}},
      {"Sign", {sign, integerSign}},
      {"Relu", {relu, [](int64_t x) { return std::max<int64_t>(x, 0); }}},
      {"Sqrt", {[](double x) { return std::sqrt(x); }, nullptr}},
      {"Exp", {[](double x) { return std::exp(x); }, nullptr}},
      {"Log", {[](double x) { return std::log(x); }, nullptr}},
      {"Sin", {[](double x) { return std::sin(x); }, nullptr}},
      {"Cos", {[](double x) { return std::cos(x); }, nullptr}},
      {"Tan", {[](double x) { return std::tan(x); }, nullptr}},
      {"Asin", {[](double x) { return std::asin(x); }, nullptr}},
      {"Acos", {[](double x) { return std::acos(x); }, nullptr}},
      {"Atan", {[](double x) { return std::atan(x); }, nullptr}},
      {"Sinh", {[](double x) { return std::sinh(x); }, nullptr}},
      {"Cosh", {[](double x) { return std::cosh(x); }, nullptr}},
      {"Tanh", {[](double x) { return std::tanh(x); }, nullptr}},
      {"Asinh", {[](double x) { return std::asinh(x); }, nullptr}},
      {"Acosh", {[](double x) { return std::acosh(x); }, nullptr}},
      {"Atanh", {[](double x) { return std::atanh(x); }, nullptr}},
      {"Erf", {[](double x) { return std::erf(x); }, [](int64_t x) { return integerSign(x); }}},
      {"Floor", {[](double x) { return std::floor(x); }, nullptr}},
      {"Ceil", {[](double x) { return std::ceil(x); }, nullptr}},
      {"Round", {[](double x) { return std::nearbyint(x); }, nullptr}},
      {"Reciprocal", {[](double x) { return 1 / x; }, nullptr}},
      {"Sigmoid", {sigmoid, nullptr}},
      {"Softplus", {softplus, nullptr}},
      {"Softsign", {[](double x) { return x / (1 + std::fabs(x)); }, nullptr}},
      {"HardSwish", {hardSwish, nullptr}},
      {"Mish", {[](double x) { return x * std::tanh(softplus(x)); }, nullptr}},
  };
  return table;
}

} // namespace

EvalResult evalUnary(EvalContext &c) {
  const Formula &formula = formulas().at(spec(c.op.kind()).name);
  DType dtype = c.in(0).dtype;
  if (isFloat(dtype))
    return mapFloat(c, formula.real);
  TRY(c.require(formula.integer, "integers are not supported"));
  if (isSignedInt(dtype))
    return map<int64_t>(c, dtype, formula.integer);
  // Unsigned values below 2^63 mean the same as int64_t, and no formula of unsigned values here
  // changes what is above: they are their own absolute value, and wrap when negated.
  bool negated = spec(c.op.kind()).name == "Neg";
  bool isSign = spec(c.op.kind()).name == "Sign" || spec(c.op.kind()).name == "Erf";
  return map<uint64_t>(c, dtype, [=](uint64_t x) {
    return negated ? -x : isSign ? static_cast<uint64_t>(x != 0) : x;
  });
}

EvalResult evalNot(EvalContext &c) {
  return map<uint64_t>(c, DType::Bool, [](uint64_t x) { return x == 0 ? 1 : 0; });
}

EvalResult evalBitwiseNot(EvalContext &c) {
  return map<uint64_t>(c, c.in(0).dtype, [](uint64_t x) { return ~x; });
}

EvalResult evalIsNaN(EvalContext &c) {
  return map<double>(c, DType::Bool, [](double x) { return x != x ? 1.0 : 0.0; });
}

EvalResult evalIsInf(EvalContext &c) {
  bool positive = c.intAttr("detect_positive", 1), negative = c.intAttr("detect_negative", 1);
  return map<double>(c, DType::Bool, [=](double x) {
    return std::isinf(x) && (x > 0 ? positive : negative) ? 1.0 : 0.0;
  });
}

EvalResult evalHardSigmoid(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 0.2), beta = c.floatAttr("beta", 0.5);
  return mapFloat(c, [=](double x) {
    double y = alpha * x + beta;
    return y != y ? y : std::max(0.0, std::min(1.0, y));
  });
}

EvalResult evalLeakyRelu(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 0.01);
  return mapFloat(c, [=](double x) { return x < 0 ? alpha * x : x; });
}

EvalResult evalElu(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1);
  return mapFloat(c, [=](double x) { return x < 0 ? alpha * std::expm1(x) : x; });
}

EvalResult evalSelu(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1.67326319217681884765625);
  double gamma = c.floatAttr("gamma", 1.05070102214813232421875);
  return mapFloat(c, [=](double x) { return gamma * (x <= 0 ? alpha * std::expm1(x) : x); });
}

EvalResult evalCelu(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1);
  return mapFloat(c, [=](double x) { return x < 0 ? alpha * std::expm1(x / alpha) : x; });
}

EvalResult evalThresholdedRelu(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1);
  return mapFloat(c, [=](double x) { return x > alpha ? x : 0.0; });
}

EvalResult evalShrink(EvalContext &c) {
  double lambda = c.floatAttr("lambd", 0.5), bias = c.floatAttr("bias", 0);
  // Integers too are computed in double: the attributes are floats.
  return mapFloat(c, [=](double x) {
    if (x < -lambda)
      return x + bias;
    return x > lambda ? x - bias : 0.0;
  });
}

EvalResult evalGelu(EvalContext &c) {
  if (c.stringAttr("approximate", "none") == "tanh")
    return mapFloat(c, [](double x) {
      double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1 + std::tanh(inner));
    });
  return mapFloat(c, [](double x) { return 0.5 * x * (1 + std::erf(x / std::numbers::sqrt2)); });
}

EvalResult evalSwish(EvalContext &c) {
  double alpha = c.floatAttr("alpha", 1);
  return mapFloat(c, [=](double x) { return x * sigmoid(alpha * x); });
}

namespace {
/// min(max(x, low), high): NaN stays NaN, a NaN bound gives NaN, and low > high gives high.
template <class W> EvalResult clip(EvalContext &c, W low, W high) {
  return map<W>(c, c.in(0).dtype, [=](W x) {
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

} // namespace cameo::eval
