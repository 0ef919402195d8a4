// Rules of sequences and optionals. Elements of a sequence may differ in size, so its element type
// has a symbol of its own wherever a size is not the same constant in all of them: a symbol there
// says nothing but that the dim exists, and taking an element out gives fresh ones.
#include "ir/AttrText.h"
#include "ir/Lexer.h"
#include "ir/infer/Checks.h"

#include <algorithm>

namespace cameo {
namespace {

/// The type with a fresh symbol for each size that is not constant.
Type withFreshSizes(InferContext &ctx, const Type &type) {
  if (!type.isRanked())
    return type;
  Dims shape = type.shape();
  for (Dim &dim : shape)
    if (!dim.isConst())
      dim = ctx.freshDim();
  return type.withShape(std::move(shape));
}

/// What holds for tensors of both types, which have the same element type, with a placeholder for
/// sizes that differ.
Type common(const Type &a, const Type &b) {
  if (!a.isRanked() || !b.isRanked() || a.rank() != b.rank())
    return Type::unranked(a.dtype());
  Dims shape = a.shape();
  for (size_t i = 0; i < shape.size(); i++)
    if (!(shape[i] == b.shape()[i]))
      shape[i] = Dim::symbol("differs");
  return a.withShape(std::move(shape));
}

/// The type of the elements of sequence operand i; sequences of sequences are refused.
Result<Type> elementOf(const InferContext &ctx, int64_t i) {
  const Type &element = ctx.in(i).element();
  if (!element.isTensor())
    return ctx.error(ctx.name(i) + ": expected a sequence of tensors, got " + ctx.in(i).str());
  return element;
}

Result<void> expectPosition(const InferContext &ctx, int64_t i) {
  return ctx.has(i) && ctx.in(i).isRanked() ? expectScalar(ctx, i) : Result<void>();
}

} // namespace

Result<void> inferSequenceEmpty(InferContext &ctx) {
  ctx.out(0, Type::sequence(Type::unranked(dtypeAttr(ctx, "dtype", DType::F32))));
  return {};
}

Result<void> inferSequenceConstruct(InferContext &ctx) {
  Type element = ctx.in(0);
  for (int64_t i = 1; i < ctx.op.numOperands(); i++)
    element = common(element, ctx.in(i));
  ctx.out(0, Type::sequence(withFreshSizes(ctx, element)));
  return {};
}

Result<void> inferSequenceInsert(InferContext &ctx) {
  Type element = TRY(elementOf(ctx, 0));
  if (element.dtype() != ctx.in(1).dtype())
    return ctx.error(ctx.name(1) + ": expected element type " +
                     std::string(dtypeName(element.dtype())) + " as in the sequence, got " +
                     ctx.in(1).str());
  TRY(expectPosition(ctx, 2));
  ctx.out(0, Type::sequence(withFreshSizes(ctx, common(element, ctx.in(1)))));
  return {};
}

Result<void> inferSequenceErase(InferContext &ctx) {
  TRY(expectPosition(ctx, 1));
  ctx.out(0, ctx.in(0));
  return {};
}

Result<void> inferSequenceAt(InferContext &ctx) {
  TRY(expectPosition(ctx, 1));
  ctx.out(0, withFreshSizes(ctx, TRY(elementOf(ctx, 0))));
  return {};
}

Result<void> inferSequenceLength(InferContext &ctx) {
  ctx.outShape(0, {});
  return {};
}

Result<void> inferSplitToSequence(InferContext &ctx) {
  const Type &x = ctx.in(0);
  if (!x.isRanked()) {
    ctx.out(0, Type::sequence(x));
    return {};
  }
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), x.rank()));
  Dims shape = x.shape();
  if (!ctx.has(1) && ctx.op.attrs.getInt("keepdims") == 0) {
    shape.erase(shape.begin() + axis);
  } else {
    std::optional<std::vector<int64_t>> sizes =
        ctx.has(1) ? ctx.knownInts(1) : std::vector<int64_t>{1};
    bool even = sizes && !sizes->empty() &&
                std::all_of(sizes->begin(), sizes->end(),
                            [&](int64_t size) { return size == sizes->front() && size >= 0; });
    // One size for all parts leaves a smaller last one unless it divides the whole.
    if (even && ctx.has(1) && ctx.in(1).rank() == 0)
      even =
          sizes->front() > 0 && shape[axis].isConst() && shape[axis].value() % sizes->front() == 0;
    shape[axis] = even ? Dim(sizes->front()) : Dim::symbol("differs");
  }
  ctx.out(0, Type::sequence(withFreshSizes(ctx, x.withShape(std::move(shape)))));
  return {};
}

Result<void> inferConcatFromSequence(InferContext &ctx) {
  Type element = TRY(elementOf(ctx, 0));
  bool stack = ctx.op.attrs.getInt("new_axis") != 0;
  if (!element.isRanked()) {
    ctx.out(0, element);
    return {};
  }
  int64_t axis = TRY(checkedAxis(ctx, ctx.op.attrs.getInt("axis"), element.rank() + stack));
  Dims shape = element.shape();
  if (stack)
    shape.insert(shape.begin() + axis, Dim::symbol("count"));
  else
    shape[axis] = Dim::symbol("sum");
  ctx.out(0, withFreshSizes(ctx, element.withShape(std::move(shape))));
  return {};
}

Result<void> inferOptional(InferContext &ctx) {
  if (ctx.has(0)) {
    ctx.out(0, Type::optional(ctx.in(0)));
    return {};
  }
  std::string text = ctx.op.attrs.getString("type", "");
  Lexer lexer(text, "type");
  Result<Type> type = readType(lexer);
  if (!type)
    return ctx.error("expected an input or an attribute 'type', a type");
  ctx.out(0, Type::optional(*type));
  return {};
}

Result<void> inferOptionalHasElement(InferContext &ctx) {
  ctx.outShape(0, {});
  return {};
}

Result<void> inferOptionalGetElement(InferContext &ctx) {
  const Type &type = ctx.in(0);
  ctx.out(0, type.kind() == Type::Kind::Optional ? type.element() : type);
  return {};
}

} // namespace cameo
