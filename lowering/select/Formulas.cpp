// The scalar formula of every op that is selected here; ONNX's operator pages are the source. One
// row an op.
// Bodies compute halves in f32, so formulas see f32, f64, integers and bool.
#include "lowering/select/Select.h"

#include <cmath>

namespace cameo {
namespace {

using Args = std::vector<Value *>;
using Formula = Value *(*)(LoopBuilder &b, const Op &op, const Args &x);

double attr(const Op &op, const char *name) { return op.attrs.getFloat(name); }

Value *like(LoopBuilder &b, Value *x, double value) { return b.constant(x->type, value); }

bool isFloating(Value *x) { return isFloat(x->type.dtype()); }

Value *exponential(LoopBuilder &b, Value *x) { return b.unary(OpKind::ScalarExp, x); }

/// x / (1 + exp(-alpha x)), which is x times the sigmoid with one operation less. Where the
/// exponential is infinite, the quotient is the zero that the product is.
Value *swish(LoopBuilder &b, Value *x, double alpha) {
  return b.div(x, b.add(exponential(b, b.mul(x, like(b, x, -alpha))), like(b, x, 1)));
}

/// log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|)), which neither overflows nor cancels.
Value *softplus(LoopBuilder &b, Value *x) {
  Value *tail = exponential(b, b.unary(OpKind::ScalarNeg, b.unary(OpKind::ScalarAbs, x)));
  return b.add(b.max(x, like(b, x, 0)), b.unary(OpKind::ScalarLog, b.add(like(b, x, 1), tail)));
}

Value *hardSigmoid(LoopBuilder &b, Value *x, double alpha, double beta) {
  Value *line = b.mad(x, like(b, x, alpha), like(b, x, beta));
  return b.min(b.max(line, like(b, x, 0)), like(b, x, 1));
}

Value *positive(LoopBuilder &b, Value *x) { return b.cmp("gt", x, like(b, x, 0)); }

Value *elu(LoopBuilder &b, Value *x, double alpha) {
  Value *minusOne = b.sub(exponential(b, x), like(b, x, 1));
  return b.select(positive(b, x), x, b.mul(like(b, x, alpha), minusOne));
}

/// alpha * (exp(x / alpha) - 1) below zero. A large alpha makes x / alpha small, where exp - 1
/// would have no digits left: exp(z) - 1 = tanh(z / 2) * (exp(z) + 1).
Value *celu(LoopBuilder &b, Value *x, double alpha) {
  Value *z = b.div(x, like(b, x, alpha));
  Value *half = b.unary(OpKind::ScalarTanh, b.mul(z, like(b, x, 0.5)));
  Value *minusOne = b.mul(half, b.add(exponential(b, z), like(b, x, 1)));
  return b.select(positive(b, x), x, b.mul(like(b, x, alpha), minusOne));
}

Value *gelu(LoopBuilder &b, const Op &op, const Args &x) {
  Value *half = b.mul(x[0], like(b, x[0], 0.5)), *inner;
  if (op.attrs.getString("approximate") == "tanh") {
    Value *cubic = b.mul(b.mul(x[0], x[0]), b.mul(x[0], like(b, x[0], 0.044715)));
    inner =
        b.unary(OpKind::ScalarTanh, b.mul(b.add(x[0], cubic), like(b, x[0], std::sqrt(2 / M_PI))));
  } else {
    inner = b.unary(OpKind::ScalarErf, b.mul(x[0], like(b, x[0], std::sqrt(0.5))));
  }
  return b.mul(half, b.add(inner, like(b, x[0], 1)));
}

/// Zero and NaN are their own signs.
Value *sign(LoopBuilder &b, const Op &, const Args &x) {
  Value *zero = like(b, x[0], 0);
  Value *result = b.select(b.cmp("gt", x[0], zero), like(b, x[0], 1), x[0]);
  if (isUnsignedInt(x[0]->type.dtype()))
    return result;
  return b.select(b.cmp("lt", x[0], zero), like(b, x[0], -1), result);
}

/// fmod=0 takes the divisor's sign, fmod=1 the dividend's.
Value *modulo(LoopBuilder &b, const Op &op, const Args &x) {
  Value *remainder = b.rem(x[0], x[1]);
  if (op.attrs.getInt("fmod") || isUnsignedInt(x[0]->type.dtype()))
    return remainder;
  Value *zero = like(b, x[0], 0);
  Value *apart = b.binary(OpKind::ScalarXor, b.cmp("lt", remainder, zero), b.cmp("lt", x[1], zero));
  Value *adjust = b.binary(OpKind::ScalarAnd, apart, b.cmp("ne", remainder, zero));
  return b.select(adjust, b.add(remainder, x[1]), remainder);
}

/// The constant a region value is, if it is one.
std::optional<double> constantOf(Value *x) {
  Op *op = x->definingOp();
  if (!op || op->kind() != OpKind::ScalarConst)
    return std::nullopt;
  return isFloating(x) ? op->attrs.getFloat("value")
                       : static_cast<double>(op->attrs.getInt("value"));
}

/// Whole powers of integers but squares and cubes are selectPow's.
Value *power(LoopBuilder &b, const Op &, const Args &x) {
  std::optional<double> exponent = constantOf(x[1]);
  if (exponent == 2)
    return b.mul(x[0], x[0]);
  if (exponent == 3)
    return b.mul(b.mul(x[0], x[0]), x[0]);
  if (exponent == 0.5 && isFloating(x[0])) {
    Value *isLowest = b.cmp("eq", x[0], like(b, x[0], -INFINITY));
    return b.select(isLowest, like(b, x[0], INFINITY), b.unary(OpKind::ScalarSqrt, x[0]));
  }
  // Of integers in f64: the exponent is a fraction.
  DType work = isFloating(x[0]) ? x[0]->type.dtype() : DType::F64;
  Value *result = b.binary(OpKind::ScalarPow, b.cast(x[0], work), b.cast(x[1], work));
  return b.cast(result, x[0]->type.dtype());
}

Value *clip(LoopBuilder &b, const Op &, const Args &x) {
  Value *result = x[0];
  if (x.size() > 1 && x[1])
    result = b.max(result, x[1]);
  return x.size() > 2 && x[2] ? b.min(result, x[2]) : result;
}

Value *isInfinite(LoopBuilder &b, const Op &op, const Args &x) {
  Value *no = b.constantInt(sameLanes(x[0]->type, DType::Bool), 0);
  Value *low =
      op.attrs.getInt("detect_negative", 1) ? b.cmp("eq", x[0], like(b, x[0], -INFINITY)) : no;
  Value *high =
      op.attrs.getInt("detect_positive", 1) ? b.cmp("eq", x[0], like(b, x[0], INFINITY)) : no;
  return b.binary(OpKind::ScalarOr, low, high);
}

Value *shrink(LoopBuilder &b, const Op &op, const Args &x) {
  Value *bound = like(b, x[0], attr(op, "lambd")), *bias = like(b, x[0], attr(op, "bias"));
  Value *low = b.cmp("lt", x[0], like(b, x[0], -attr(op, "lambd")));
  Value *high = b.cmp("gt", x[0], bound);
  return b.select(low, b.add(x[0], bias), b.select(high, b.sub(x[0], bias), like(b, x[0], 0)));
}

Value *bitShift(LoopBuilder &b, const Op &op, const Args &x) {
  bool left = op.attrs.getString("direction") == "LEFT";
  return b.binary(left ? OpKind::ScalarShl : OpKind::ScalarShr, x[0], x[1]);
}

template <OpKind kind> Value *unary(LoopBuilder &b, const Op &, const Args &x) {
  return b.unary(kind, x[0]);
}
template <OpKind kind> Value *binary(LoopBuilder &b, const Op &, const Args &x) {
  return b.binary(kind, x[0], x[1]);
}
/// One operand or more, combined from the left.
template <OpKind kind> Value *variadic(LoopBuilder &b, const Op &, const Args &x) {
  Value *result = x[0];
  for (size_t i = 1; i < x.size(); i++)
    result = b.binary(kind, result, x[i]);
  return result;
}

struct Row {
  OpKind kind;
  Formula formula;
};

#define FORMULA(kind, expression)                                                                  \
  {OpKind::kind, [](LoopBuilder &b, const Op &op, const Args &x) -> Value * {                      \
     (void)b, (void)op;                                                                            \
     return expression;                                                                            \
   }}

constexpr Row kFormulas[] = {
    {OpKind::Add, binary<OpKind::ScalarAdd>},
    {OpKind::Sub, binary<OpKind::ScalarSub>},
    {OpKind::Mul, binary<OpKind::ScalarMul>},
    {OpKind::Div, binary<OpKind::ScalarDiv>},
    {OpKind::And, binary<OpKind::ScalarAnd>},
    {OpKind::Or, binary<OpKind::ScalarOr>},
    {OpKind::Xor, binary<OpKind::ScalarXor>},
    {OpKind::BitwiseAnd, binary<OpKind::ScalarAnd>},
    {OpKind::BitwiseOr, binary<OpKind::ScalarOr>},
    {OpKind::BitwiseXor, binary<OpKind::ScalarXor>},
    {OpKind::Max, variadic<OpKind::ScalarMax>},
    {OpKind::Min, variadic<OpKind::ScalarMin>},
    {OpKind::Sum, variadic<OpKind::ScalarAdd>},
    {OpKind::Abs, unary<OpKind::ScalarAbs>},
    {OpKind::Neg, unary<OpKind::ScalarNeg>},
    {OpKind::Not, unary<OpKind::ScalarNot>},
    {OpKind::BitwiseNot, unary<OpKind::ScalarNot>},
    {OpKind::Exp, unary<OpKind::ScalarExp>},
    {OpKind::Log, unary<OpKind::ScalarLog>},
    {OpKind::Sqrt, unary<OpKind::ScalarSqrt>},
    {OpKind::Sin, unary<OpKind::ScalarSin>},
    {OpKind::Cos, unary<OpKind::ScalarCos>},
    {OpKind::Tan, unary<OpKind::ScalarTan>},
    {OpKind::Asin, unary<OpKind::ScalarAsin>},
    {OpKind::Acos, unary<OpKind::ScalarAcos>},
    {OpKind::Atan, unary<OpKind::ScalarAtan>},
    {OpKind::Sinh, unary<OpKind::ScalarSinh>},
    {OpKind::Cosh, unary<OpKind::ScalarCosh>},
    {OpKind::Tanh, unary<OpKind::ScalarTanh>},
    {OpKind::Asinh, unary<OpKind::ScalarAsinh>},
    {OpKind::Acosh, unary<OpKind::ScalarAcosh>},
    {OpKind::Atanh, unary<OpKind::ScalarAtanh>},
    {OpKind::Erf, unary<OpKind::ScalarErf>},
    {OpKind::Floor, unary<OpKind::ScalarFloor>},
    {OpKind::Ceil, unary<OpKind::ScalarCeil>},
    {OpKind::Round, unary<OpKind::ScalarRound>},
    {OpKind::Sigmoid, unary<OpKind::ScalarSigmoid>},
    {OpKind::Sign, sign},
    {OpKind::Mod, modulo},
    {OpKind::Pow, power},
    {OpKind::Clip, clip},
    {OpKind::Gelu, gelu},
    {OpKind::IsInf, isInfinite},
    {OpKind::Shrink, shrink},
    {OpKind::BitShift, bitShift},
    FORMULA(Mean, b.div(variadic<OpKind::ScalarAdd>(b, op, x), like(b, x[0], x.size()))),
    FORMULA(Cast, x[0]), // to the result's type, by the caller
    FORMULA(IsNaN, b.cmp("ne", x[0], x[0])),
    FORMULA(Equal, b.cmp("eq", x[0], x[1])),
    FORMULA(Less, b.cmp("lt", x[0], x[1])),
    FORMULA(LessOrEqual, b.cmp("le", x[0], x[1])),
    FORMULA(Greater, b.cmp("gt", x[0], x[1])),
    FORMULA(GreaterOrEqual, b.cmp("ge", x[0], x[1])),
    FORMULA(Where, b.select(x[0], x[1], x[2])),
    FORMULA(Reciprocal, b.div(like(b, x[0], 1), x[0])),
    FORMULA(Relu, b.max(x[0], like(b, x[0], 0))),
    FORMULA(LeakyRelu, b.select(b.cmp("lt", x[0], like(b, x[0], 0)),
                                b.mul(x[0], like(b, x[0], attr(op, "alpha"))), x[0])),
    FORMULA(PRelu, b.select(b.cmp("lt", x[0], like(b, x[0], 0)), b.mul(x[0], x[1]), x[0])),
    FORMULA(ThresholdedRelu,
            b.select(b.cmp("gt", x[0], like(b, x[0], attr(op, "alpha"))), x[0], like(b, x[0], 0))),
    FORMULA(Elu, elu(b, x[0], attr(op, "alpha"))),
    FORMULA(Selu, b.mul(elu(b, x[0], attr(op, "alpha")), like(b, x[0], attr(op, "gamma")))),
    FORMULA(Celu, celu(b, x[0], attr(op, "alpha"))),
    FORMULA(HardSigmoid, hardSigmoid(b, x[0], attr(op, "alpha"), attr(op, "beta"))),
    FORMULA(HardSwish, b.mul(x[0], hardSigmoid(b, x[0], 1.0 / 6, 0.5))),
    FORMULA(Softplus, softplus(b, x[0])),
    FORMULA(Softsign, b.div(x[0], b.add(like(b, x[0], 1), b.unary(OpKind::ScalarAbs, x[0])))),
    FORMULA(Mish, b.mul(x[0], b.unary(OpKind::ScalarTanh, softplus(b, x[0])))),
    FORMULA(Swish, swish(b, x[0], attr(op, "alpha"))),
    FORMULA(SwiGLU, b.mul(swish(b, x[0], attr(op, "alpha")), x[1])),
};
#undef FORMULA

Formula formulaOf(OpKind kind) {
  for (const Row &row : kFormulas)
    if (row.kind == kind)
      return row.formula;
  return nullptr;
}

} // namespace

Result<void> selectPointwise(Selection &s) {
  for (Value *operand : s.op.operands())
    if (operand && operand->type.dtype() == DType::String)
      return s.unsupportedBecause("strings are not supported yet");
  Formula formula = formulaOf(s.op.kind());
  if (!formula)
    return s.unsupportedBecause("no lowering for this operator yet");
  for (int64_t i = 1; i < s.op.numResults(); i++)
    if (!s.op.result(i)->users().empty())
      return s.unsupportedBecause("the second output is not supported yet");
  while (s.op.numResults() > 1)
    s.op.eraseResult(s.op.numResults() - 1);
  Op *kernel = s.replaceWith(OpKind::KernelPointwise, {}, {}, 1);
  s.b.atEnd(kernel->region());
  std::vector<Value *> operands, elements;
  for (Value *operand : s.op.operands()) {
    Value *element = operand ? elementOf(s.b, kernel->region(), operand, operands) : nullptr;
    elements.push_back(element ? widened(s.b, element) : nullptr);
  }
  Value *result = formula(s.b, s.op, elements);
  s.b.create(OpKind::LoopYield, {s.b.cast(result, s.out().dtype())}, {});
  kernel->setOperands(operands);
  return {};
}

} // namespace cameo
