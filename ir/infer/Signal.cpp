// Rules of Fourier transforms and windows.
#include "ir/infer/Checks.h"

namespace cameo {
namespace {

/// The value of integer operand i of one element; a fresh size if it is not known.
Result<Dim> sizeOperand(InferContext &ctx, int64_t i) {
  TRY(expectScalar(ctx, i));
  std::optional<Dims> known = ctx.known(i);
  if (!known || known->size() != 1)
    return ctx.freshDim();
  if (known->front().isConst() && known->front().value() < 0)
    return ctx.error(ctx.name(i) + ": expected at least 0, got " + known->front().str());
  return known->front();
}

/// Operand i's last dim: 1 for real numbers, 2 for complex ones.
Result<void> expectComplex(const InferContext &ctx, int64_t i) {
  int64_t axis = ctx.in(i).rank() - 1;
  TRY(expectElements(ctx, i, axis, Dim(1), "real and imaginary part"));
  return expectAtMost(ctx, i, axis, Dim(2), "real and imaginary part");
}

/// Bins of a transform that keeps half of a symmetric spectrum.
Dim half(const Dim &length) { return Dim::floorDiv(length, Dim(2)) + Dim(1); }

} // namespace

/// input[..., 1 or 2], transformed along one axis.
Result<void> inferDFT(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 2, -1));
  TRY(expectComplex(ctx, 0));
  bool oneSided = ctx.op.attrs.getInt("onesided") != 0;
  bool inverse = ctx.op.attrs.getInt("inverse") != 0;
  Dims shape = ctx.in(0).shape();
  int64_t rank = ctx.in(0).rank(), axis = rank - 2;
  if (ctx.has(2)) {
    TRY(expectScalar(ctx, 2));
    std::optional<std::vector<int64_t>> known = ctx.knownInts(2);
    if (!known || known->size() != 1) {
      for (Dim &dim : shape)
        dim = ctx.freshDim();
      shape.back() = Dim(oneSided && inverse ? 1 : 2);
      ctx.outShape(0, shape);
      return {};
    }
    axis = TRY(checkedAxis(ctx, known->front(), rank));
  }
  if (axis == rank - 1)
    return ctx.error(ctx.name(2) + ": the last dim is real and imaginary part");
  Dim length = shape[axis];
  if (oneSided && inverse)
    length = Dim(2) * (length - Dim(1));
  if (ctx.has(1))
    length = TRY(sizeOperand(ctx, 1));
  shape[axis] = oneSided && !inverse ? half(length) : length;
  TRY(expectElements(ctx, 0, axis, shape[axis], "the transform"));
  shape.back() = Dim(oneSided && inverse ? 1 : 2);
  ctx.outShape(0, shape);
  return {};
}

/// signal[batch, length, 1 or 2] to [batch, frames, bins, 2].
Result<void> inferSTFT(InferContext &ctx) {
  TRY(expectRank(ctx, 0, 3));
  TRY(expectComplex(ctx, 0));
  Dim step = TRY(sizeOperand(ctx, 1)), length = ctx.in(0).dim(1), frame = length;
  if (ctx.has(2)) {
    TRY(expectRank(ctx, 2, 1));
    frame = ctx.in(2).dim(0);
  }
  if (ctx.has(3)) {
    Dim stated = TRY(sizeOperand(ctx, 3));
    if (ctx.has(2))
      TRY(expectDim(ctx, 2, 0, stated, ctx.name(3)));
    frame = ctx.has(2) ? moreKnown(stated, frame) : stated;
  }
  if (step == Dim(0))
    return ctx.error(ctx.name(1) + ": expected at least 1, got 0");
  TRY(ctx.require(Relation::AtMost, frame, length,
                  literal(ctx.name(0)) + ": expected at least a frame's %a in dim 1, got %b in " +
                      literal(ctx.in(0).str())));
  Dim frames = step.isConst() ? Dim::floorDiv(length - frame, step) + Dim(1) : ctx.freshDim();
  Dim bins = ctx.op.attrs.getInt("onesided") != 0 ? half(frame) : frame;
  ctx.outShape(0, {ctx.in(0).dim(0), frames, bins, Dim(2)});
  return {};
}

Result<void> inferSignalWindow(InferContext &ctx) {
  DType dtype = dtypeAttr(ctx, "output_datatype", DType::F32);
  ctx.out(0, Type::tensor(dtype, {TRY(sizeOperand(ctx, 0))}));
  return {};
}

/// [bins of a one-sided spectrum, mel bins].
Result<void> inferMelWeightMatrix(InferContext &ctx) {
  for (int64_t i : {2, 3, 4})
    TRY(expectScalar(ctx, i));
  Dim bins = TRY(sizeOperand(ctx, 0)), length = TRY(sizeOperand(ctx, 1));
  ctx.out(0, Type::tensor(dtypeAttr(ctx, "output_datatype", DType::F32), {half(length), bins}));
  return {};
}

} // namespace cameo
