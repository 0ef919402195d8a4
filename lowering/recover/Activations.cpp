// Recovers activation functions.
//
// Turn this: %e = Erf(%x / 1.4142)  %y = %x * (%e + 1) * 0.5      Into this: %y = Gelu(%x)
// Turn this: %s = Sigmoid(%x * 1.702)  %y = %x * %s               Into this: %y = Swish(%x) {alpha
// = 1.702} Only if: nothing else reads what is in between.
#include "lowering/Passes.h"
#include "lowering/recover/Recover.h"

#include <cmath>

namespace cameo {
namespace {

using namespace match;

const Capture kX;
const Number kAlpha;

template <OpKind kind> Value *unary(Rewriter &b, const Match &m) {
  return b.graphValue(kind, {m.at(kX)});
}

Value *tanhGelu(Rewriter &b, const Match &m) {
  AttrDict attrs;
  attrs.set("approximate", "tanh");
  return b.graphValue(OpKind::Gelu, {m.at(kX)}, std::move(attrs));
}

Value *swish(Rewriter &b, const Match &m) {
  AttrDict attrs;
  attrs.set("alpha", m.at(kAlpha));
  return b.graphValue(OpKind::Swish, {m.at(kX)}, std::move(attrs));
}

Value *hardSigmoid(Rewriter &b, const Match &m, double alpha) {
  AttrDict attrs;
  attrs.set("alpha", alpha);
  return b.graphValue(OpKind::HardSigmoid, {m.at(kX)}, std::move(attrs));
}

Value *hardSigmoidOfSixth(Rewriter &b, const Match &m) { return hardSigmoid(b, m, 1.0 / 6); }
Value *hardSigmoidOfAlpha(Rewriter &b, const Match &m) { return hardSigmoid(b, m, m.at(kAlpha)); }

Pattern softplus(const Pattern &x) { return op(OpKind::Softplus, {x}) | log(1 + exp(x)); }

/// x between 0 and a number.
Pattern clipped(const Pattern &x, double most) {
  return op(OpKind::Clip, {x, 0, most}) | op(OpKind::Min, {op(OpKind::Max, {x, 0}), most}) |
         op(OpKind::Max, {op(OpKind::Min, {x, most}), 0}) |
         op(OpKind::Min, {op(OpKind::Relu, {x}), most}) |
         op(OpKind::Relu, {op(OpKind::Min, {x, most})});
}

Pattern tanhGeluOf(const Pattern &inner) { return 0.5 * kX * (1 + tanh(inner)); }

bool isHardSwishFactor(Value &value) {
  const AttrDict &attrs = value.definingOp()->attrs;
  return std::abs(attrs.getFloat("alpha") - 1.0 / 6) < 1e-7 && attrs.getFloat("beta") == 0.5;
}

std::vector<Layer> activations() {
  const Pattern x = kX;
  const double root = std::sqrt(2 / M_PI), cubic = 0.044715;
  const Pattern sixth = clipped(x / 6 + 0.5, 1);
  return {
      {0.5 * x * (1 + erf(x * M_SQRT1_2)), unary<OpKind::Gelu>},
      {tanhGeluOf(root * (x + cubic * pow(x, 3))), tanhGelu},
      {tanhGeluOf(root * x * (1 + cubic * pow(x, 2))), tanhGelu},
      {x * op(OpKind::Sigmoid, {kAlpha * x}), swish},
      {x / (1 + exp(-(kAlpha * x))), swish},
      {x * tanh(softplus(x)), unary<OpKind::Mish>},
      {(1.0 / 6) * x * clipped(x + 3, 6), unary<OpKind::HardSwish>},
      {x * sixth, unary<OpKind::HardSwish>},
      {x * op(OpKind::HardSigmoid, {x}).where(isHardSwishFactor), unary<OpKind::HardSwish>},
      {(1.0 / 6) * clipped(x + 3, 6), hardSigmoidOfSixth},
      {clipped(kAlpha * x + 0.5, 1), hardSigmoidOfAlpha},
      {1 / (1 + exp(-x)), unary<OpKind::Sigmoid>},
  };
}

Value *recoverActivation(Rewriter &b, Op &op) {
  static const std::vector<Layer> layers = activations();
  return recovered(b, op, layers);
}

} // namespace

Result<bool> recoverActivations(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) -> RewriteFn {
    switch (op.kind()) {
    case OpKind::Mul:
    case OpKind::Div:
    case OpKind::Reciprocal:
    case OpKind::Clip:
    case OpKind::Min:
    case OpKind::Max:
    case OpKind::Relu:
      return recoverActivation;
    default:
      return nullptr;
    }
  });
}

} // namespace cameo
