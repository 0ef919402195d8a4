// Elementwise arithmetic on known contents; see Contents.h. An element that cannot be stated
// exactly makes the whole result unknown. Results that wrap in the tensor's element type are
// unknown too.
#include "ir/infer/Contents.h"

#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

using Element = std::optional<Dim>;

Element truth(bool value) { return Dim(value ? 1 : 0); }

/// a == b, if it can be decided whatever the symbols' values.
std::optional<bool> equal(const Dim &a, const Dim &b) {
  if (a == b)
    return true;
  if ((a.isConst() && b.isConst()) || provablyGreater(a, b) || provablyGreater(b, a))
    return false;
  return std::nullopt;
}

Element greater(const Dim &a, const Dim &b, bool orEqual) {
  if (orEqual ? provablyAtLeast(a, b) : provablyGreater(a, b))
    return truth(true);
  if (orEqual ? provablyGreater(b, a) : provablyAtLeast(b, a))
    return truth(false);
  return std::nullopt;
}

Element largest(const Dim &a, const Dim &b) {
  return provablyAtLeast(a, b) ? a : provablyAtLeast(b, a) ? b : Dim::max(a, b);
}

Element smallest(const Dim &a, const Dim &b) {
  return provablyAtLeast(a, b) ? b : provablyAtLeast(b, a) ? a : Dim::min(a, b);
}

/// fmod=0: the sign of the divisor, which floorDiv's remainder has; fmod=1: of the dividend.
Element remainder(const InferContext &ctx, const Dim &a, const Dim &b) {
  if (b.isConst() && b.value() == 0)
    return std::nullopt;
  if (ctx.op.attrs.getInt("fmod") == 0)
    return Dim::mod(a, b);
  if (!provablyAtLeast(a, Dim(0)) || !provablyAtLeast(b, Dim(0)))
    return std::nullopt;
  return Dim::mod(a, b);
}

Element unary(const InferContext &ctx, const Dim &a) {
  switch (ctx.op.kind()) {
  case OpKind::Neg:
    return Dim(0) - a;
  case OpKind::Abs:
    return provablyAtLeast(a, Dim(0)) ? Element(a) : a.isConst() ? Element(Dim(0) - a) : Element();
  case OpKind::Relu:
    return largest(a, Dim(0));
  case OpKind::Sign:
    return a.isConst() ? Element(Dim((a.value() > 0) - (a.value() < 0))) : Element();
  case OpKind::Not:
    return a.isConst() ? truth(a.value() == 0) : Element();
  default:
    return std::nullopt;
  }
}

Element binary(const InferContext &ctx, const Dim &a, const Dim &b) {
  switch (ctx.op.kind()) {
  case OpKind::Add:
  case OpKind::Sum:
    return a + b;
  case OpKind::Sub:
    return a - b;
  case OpKind::Mul:
    return a * b;
  case OpKind::Div:
    return truncDiv(a, b);
  case OpKind::Mod:
    return remainder(ctx, a, b);
  case OpKind::Max:
    return largest(a, b);
  case OpKind::Min:
    return smallest(a, b);
  case OpKind::Greater:
    return greater(a, b, false);
  case OpKind::GreaterOrEqual:
    return greater(a, b, true);
  case OpKind::Less:
    return greater(b, a, false);
  case OpKind::LessOrEqual:
    return greater(b, a, true);
  case OpKind::Equal: {
    std::optional<bool> same = equal(a, b);
    return same ? truth(*same) : Element();
  }
  case OpKind::And:
    return a.isConst() && b.isConst() ? truth(a.value() && b.value()) : Element();
  case OpKind::Or:
    return a.isConst() && b.isConst() ? truth(a.value() || b.value()) : Element();
  default:
    return std::nullopt;
  }
}

/// Operands as contents, one-element ones repeated; nothing if one is unknown or sizes disagree.
std::optional<std::vector<Dims>> spread(const InferContext &ctx, size_t &count) {
  std::vector<Dims> operands;
  for (int64_t i = 0; i < ctx.op.numOperands(); i++) {
    std::optional<Dims> elements = ctx.known(i);
    if (!elements)
      return std::nullopt;
    if (elements->size() != 1)
      count = elements->size();
    operands.push_back(*std::move(elements));
  }
  for (Dims &elements : operands) {
    if (elements.size() == 1)
      elements.assign(count, Dim(elements.front()));
    if (elements.size() != count)
      return std::nullopt;
  }
  return operands;
}

Element evaluate(const InferContext &ctx, const std::vector<Dims> &operands, size_t i) {
  if (ctx.op.kind() == OpKind::Where) {
    const Dim &condition = operands[0][i];
    if (operands[1][i] == operands[2][i])
      return operands[1][i];
    if (!condition.isConst())
      return std::nullopt;
    return condition.value() ? operands[1][i] : operands[2][i];
  }
  if (operands.size() == 1 && ctx.op.kind() != OpKind::Max && ctx.op.kind() != OpKind::Min)
    return unary(ctx, operands[0][i]);
  Element result = operands[0][i];
  for (size_t k = 1; k < operands.size() && result; k++)
    result = binary(ctx, *result, operands[k][i]);
  return result;
}

} // namespace

void elementwiseContents(InferContext &ctx) {
  Value *result = ctx.op.result();
  const Type &type = result->type;
  if (!type.isRanked() || type.rank() > 1 || !(isInt(type.dtype()) || type.dtype() == DType::Bool))
    return;
  size_t count = 1;
  std::optional<std::vector<Dims>> operands = spread(ctx, count);
  if (!operands)
    return;
  Dims elements;
  for (size_t i = 0; i < count; i++) {
    Element element = evaluate(ctx, *operands, i);
    if (!element)
      return;
    elements.push_back(*element);
  }
  ctx.outKnown(0, std::move(elements));
}

} // namespace cameo
