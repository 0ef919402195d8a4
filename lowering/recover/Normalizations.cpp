// Recovers layer and RMS normalization, and gives them the scale and bias that follow.
//
// Turn this: %c = %x - ReduceMean(%x)  %v = ReduceMean(%c * %c)  %n = %c / Sqrt(%v + 1e-5)
//            %y = %n * %scale + %bias
// Into this: %y = LayerNormalization(%x, %scale, %bias)
// Only if: the means are over the last axes, and nothing else reads what is in between. A scale or
// bias that does not broadcast to those axes alone stays a Mul or an Add. Images stay as they are:
// convolutions store channels innermost, and the op would need their rows in one piece.
#include "lowering/Passes.h"
#include "lowering/build/Shapes.h"
#include "lowering/recover/Recover.h"

#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"

#include <algorithm>
#include <numeric>

namespace cameo {
namespace {

using namespace match;

const Capture kX, kScale, kBias, kFactor, kNorm;
const Number kAxis, kEpsilon, kGain, kShift;

// Formulas.

/// The first axis of a reduction over all axes from there on.
std::optional<double> firstReduced(Value &value) {
  const Op &op = *value.definingOp();
  const Type &x = op.operand(0)->type;
  std::optional<std::vector<int64_t>> axes = std::vector<int64_t>();
  if (isGiven(op.operand(1)))
    axes = constantInts(op.operand(1));
  if (!x.isRanked() || x.rank() == 0 || !axes ||
      (axes->empty() && op.attrs.getInt("noop_with_empty_axes")))
    return std::nullopt;
  for (int64_t &axis : *axes)
    axis = *normalizeAxis(axis, x.rank());
  std::sort(axes->begin(), axes->end());
  int64_t first = axes->empty() ? 0 : axes->front();
  std::vector<int64_t> trailing(x.rank() - first);
  std::iota(trailing.begin(), trailing.end(), first);
  if (!axes->empty() && *axes != trailing)
    return std::nullopt;
  return static_cast<double>(first);
}

bool keepsDims(Value &mean) { return mean.definingOp()->attrs.getInt("keepdims", 1); }

/// Whether an op behind a reduction gives its result the reduced dims again, as 1.
bool restoresDims(Value &mean) {
  Value *reduced = mean.definingOp()->operand(0);
  Dims shape = reduced->definingOp()->operand(0)->type.shape();
  std::fill(shape.begin() + static_cast<int64_t>(*firstReduced(*reduced)), shape.end(), Dim(1));
  return mean.type.isRanked() && mean.type.shape() == shape;
}

Pattern meanOf(const Pattern &x) {
  Pattern mean = op(OpKind::ReduceMean, {x, maybe(any())}).with(kAxis, firstReduced);
  Pattern restored = op(OpKind::Unsqueeze, {mean, any()}) | op(OpKind::Reshape, {mean, any()});
  return mean.where(keepsDims) | restored.where(restoresDims);
}

Pattern inverseRoot(const Pattern &meanOfSquares) { return pow(meanOfSquares + kEpsilon, -0.5); }

// The ops.

/// A scale or bias as the op on values of this type takes it: it broadcasts to the dims from `axis`
/// on, and has no others but leading ones. nullptr if it is something else.
Value *fitted(Rewriter &b, Value *parameter, const Type &x, int64_t axis) {
  const Type &type = parameter->type;
  if (!type.isRanked() || type.dtype() != x.dtype() || type.rank() > x.rank())
    return nullptr;
  int64_t extra = std::max<int64_t>(type.rank() - (x.rank() - axis), 0);
  for (int64_t i = 0; i < type.rank(); i++) {
    bool isOwn = i >= extra && type.dim(i) == x.dim(x.rank() - type.rank() + i);
    if (!isOwn && type.dim(i) != Dim(1))
      return nullptr;
  }
  if (extra == 0)
    return parameter;
  std::vector<int64_t> axes(extra);
  std::iota(axes.begin(), axes.end(), 0);
  return b.graphValue(OpKind::Squeeze, {parameter, b.constant(makeConst(axes))});
}

Value *number(Rewriter &b, const Value &like, double value) {
  return b.constant(makeSplat(like.type.dtype(), {}, value));
}

/// A factor times a number; the number if there is no factor.
Value *timesGain(Rewriter &b, const Value &like, Value *factor, double gain) {
  if (!factor || gain == 1)
    return factor ? factor : number(b, like, gain);
  return b.graphValue(OpKind::Mul, {factor, number(b, like, gain)});
}

/// The value before a Cast from halves to f32, which the op has inside.
Value *beforeWidening(Value *x) {
  Op *cast = x->definingOp();
  bool widens = cast && cast->kind() == OpKind::Cast && x->type.dtype() == DType::F32;
  DType from = widens ? cast->operand(0)->type.dtype() : DType::F32;
  return isStorageOnly(from) ? cast->operand(0) : x;
}

/// Whether a convolution or a pool makes the value, but for elementwise ops in between.
bool isImage(const Value &value, int depth = 8) {
  const Op *op = value.definingOp();
  if (!op || depth == 0)
    return false;
  switch (op->kind()) {
  case OpKind::Conv:
  case OpKind::ConvInteger:
  case OpKind::ConvTranspose:
  case OpKind::MaxPool:
  case OpKind::AveragePool:
    return true;
  default:
    break;
  }
  return spec(op->kind()).flops == Flops::PerResult &&
         std::any_of(op->operands().begin(), op->operands().end(),
                     [&](Value *operand) { return operand && isImage(*operand, depth - 1); });
}

/// The op, and behind it a scale and a bias that it cannot take.
Value *normalize(Rewriter &b, const Match &m, OpKind kind, Value *bias = nullptr) {
  Value *x = m.at(kX), *scale = m.at(kScale);
  if (isImage(*x))
    return nullptr;
  auto axis = static_cast<int64_t>(m.at(kAxis));
  Value *ownScale = scale ? fitted(b, scale, x->type, axis) : nullptr;
  bool takesBias = bias && !scale == !ownScale;
  Value *ownBias = takesBias ? fitted(b, bias, x->type, axis) : nullptr;
  AttrDict attrs;
  attrs.set("axis", axis - x->type.rank());
  attrs.set("epsilon", m.at(kEpsilon));
  std::vector<Value *> operands = {kind == OpKind::RMSNormalization ? beforeWidening(x) : x,
                                   timesGain(b, *x, ownScale, m.at(kGain))};
  if (ownBias)
    operands.push_back(ownBias);
  Value *result = b.graphValue(kind, std::move(operands), std::move(attrs));
  if (scale && !ownScale)
    result = b.graphValue(OpKind::Mul, {result, scale});
  return bias && !ownBias ? b.graphValue(OpKind::Add, {result, bias}) : result;
}

Value *layerNorm(Rewriter &b, const Match &m) {
  return normalize(b, m, OpKind::LayerNormalization);
}
Value *layerNormAndBias(Rewriter &b, const Match &m) {
  return normalize(b, m, OpKind::LayerNormalization, m.at(kBias));
}
Value *layerNormAndShift(Rewriter &b, const Match &m) {
  Value *shift = m.at(kShift) == 0 ? nullptr : number(b, *m.at(kX), m.at(kShift));
  return normalize(b, m, OpKind::LayerNormalization, shift);
}
Value *rmsNorm(Rewriter &b, const Match &m) { return normalize(b, m, OpKind::RMSNormalization); }

/// A scale or bias as the matched op takes it.
Value *fittedTo(Rewriter &b, Value &norm, Value *parameter) {
  int64_t axis = *normalizeAxis(norm.definingOp()->attrs.getInt("axis", -1), norm.type.rank());
  return fitted(b, parameter, norm.type, axis);
}

/// The matched op with a scale.
Value *scaled(Rewriter &b, const Match &m) {
  Op &norm = *m.at(kNorm)->definingOp();
  Value *own = fittedTo(b, *norm.result(), m.at(kScale));
  if (!own)
    return nullptr;
  return b.graphValue(norm.kind(), {m.at(kX), timesGain(b, *own, own, m.at(kGain))}, norm.attrs);
}

/// The matched op with a bias.
Value *biased(Rewriter &b, const Match &m) {
  Op &norm = *m.at(kNorm)->definingOp();
  Value *own = fittedTo(b, *norm.result(), m.at(kBias));
  return own ? b.graphValue(norm.kind(), {m.at(kX), m.at(kScale), own}, norm.attrs) : nullptr;
}

std::vector<Layer> normalizations() {
  const Pattern x = kX, mean = meanOf(x), centred = x - mean;
  const Pattern inverse = inverseRoot(meanOf(pow(centred, 2)));
  // As TensorFlow's batch_normalization has it: one factor for x and its mean.
  const Pattern factor = (kGain * inverse | kGain * inverse * kScale).as(kFactor);
  const Pattern difference = x * factor - mean * factor;
  const Pattern inverseRms = inverseRoot(meanOf(pow(x, 2)));
  auto unscaled = [](OpKind kind) { return op(kind, {kX, kGain}).as(kNorm); };
  return {
      {kGain * centred * inverse, layerNorm},
      {kGain * centred * inverse * kScale, layerNorm},
      {difference + kBias, layerNormAndBias},
      {difference + kShift, layerNormAndShift},
      {kGain * x * inverseRms, rmsNorm},
      {kGain * x * inverseRms * kScale, rmsNorm},
      {op(OpKind::Mul, {unscaled(OpKind::LayerNormalization), kScale}), scaled},
      {op(OpKind::Mul, {unscaled(OpKind::RMSNormalization), kScale}), scaled},
      {op(OpKind::Add, {op(OpKind::LayerNormalization, {kX, kScale}).as(kNorm), kBias}), biased},
  };
}

Value *recoverNormalization(Rewriter &b, Op &op) {
  static const std::vector<Layer> layers = normalizations();
  return recovered(b, op, layers);
}

} // namespace

Result<bool> recoverNormalizations(Module &module, PassContext &) {
  return rewriteOps(module, [](const Op &op) -> RewriteFn {
    switch (op.kind()) {
    case OpKind::Mul:
    case OpKind::Div:
    case OpKind::Add:
    case OpKind::Sub:
      return recoverNormalization;
    default:
      return nullptr;
    }
  });
}

} // namespace cameo
