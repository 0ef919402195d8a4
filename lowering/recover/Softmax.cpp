// Recovers softmax and its logarithm.
//
// Turn this: %e = Exp(%x - ReduceMax(%x))   %y = %e / ReduceSum(%e)
// Into this: %y = Softmax(%x)
// Only if: both reductions are along the same axis and keep it, and nothing else reads %e. Without
// the subtraction of the maximum, too: exponentials that overflow then give numbers, not NaN
// (docs/decisions/014-recovered-softmax-and-attention.md).
#include "lowering/Passes.h"
#include "lowering/build/Shapes.h"
#include "lowering/recover/Recover.h"

#include "ir/infer/Infer.h"

namespace cameo {
namespace {

using namespace match;

const Capture kX, kExponent;
const Number kAxis;

/// The axis from the front; nothing if the type has none.
std::optional<double> axisOf(int64_t axis, const Type &type) {
  if (!type.isRanked() || type.rank() == 0)
    return std::nullopt;
  return normalizeAxis(axis, type.rank());
}

/// The axis of a reduction along one, which its result keeps.
std::optional<double> reducedAxis(Value &value) {
  const Op &op = *value.definingOp();
  std::optional<std::vector<int64_t>> axes =
      isGiven(op.operand(1)) ? constantInts(op.operand(1)) : std::nullopt;
  if (!axes || axes->size() != 1 || !op.attrs.getInt("keepdims", 1))
    return std::nullopt;
  return axisOf(axes->front(), op.operand(0)->type);
}

std::optional<double> softmaxAxis(Value &value) {
  return axisOf(value.definingOp()->attrs.getInt("axis", -1), value.type);
}

Pattern reduced(OpKind kind, const Pattern &x) {
  return op(kind, {x, maybe(any())}).with(kAxis, reducedAxis);
}

Value *rowOp(Rewriter &b, const Match &m, OpKind kind) {
  AttrDict attrs;
  attrs.set("axis", static_cast<int64_t>(m.at(kAxis)));
  return b.graphValue(kind, {m.at(kX)}, std::move(attrs));
}

Value *softmax(Rewriter &b, const Match &m) { return rowOp(b, m, OpKind::Softmax); }
Value *logSoftmax(Rewriter &b, const Match &m) { return rowOp(b, m, OpKind::LogSoftmax); }

std::vector<Layer> formulas() {
  const Pattern x = kX, most = reduced(OpKind::ReduceMax, x);
  const Pattern shifted = op(OpKind::Sub, {x, most});
  auto quotient = [](const Pattern &exponent) {
    return exp(exponent) / reduced(OpKind::ReduceSum, exp(exponent));
  };
  auto logOfSum = [](const Pattern &exponent) {
    return log(reduced(OpKind::ReduceSum, exp(exponent)));
  };
  return {
      {quotient(shifted), softmax},
      {quotient(x), softmax},
      {log(op(OpKind::Softmax, {x}).with(kAxis, softmaxAxis)), logSoftmax},
      {op(OpKind::Sub, {shifted.as(kExponent), logOfSum(kExponent)}), logSoftmax},
      {op(OpKind::Sub, {x, op(OpKind::Add, {logOfSum(shifted), most})}), logSoftmax},
      {op(OpKind::Sub, {x, logOfSum(x)}), logSoftmax},
      {op(OpKind::Sub, {x, reduced(OpKind::ReduceLogSumExp, x)}), logSoftmax},
  };
}

Value *recoverOne(Rewriter &b, Op &op) {
  static const std::vector<Layer> layers = formulas();
  return recovered(b, op, layers);
}

} // namespace

Result<bool> recoverSoftmax(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) -> RewriteFn {
    switch (op.kind()) {
    case OpKind::Div:
    case OpKind::Mul:
    case OpKind::Sub:
    case OpKind::Log:
      return recoverOne;
    default:
      return nullptr;
    }
  });
}

} // namespace cameo
