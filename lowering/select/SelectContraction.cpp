// Convolutions and matrix products, with their weights as the model has them: the pass plan-packing
// packs them. Bias becomes the first step of the epilogue.
#include "lowering/select/Contractions.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Contraction.h"
#include "lowering/build/Shapes.h"

#include <fmt/format.h>

namespace cameo {
Value *asMatrix(Selection &s, Value *value, bool row) {
  if (value->type.rank() != 1)
    return value;
  const Dim &length = value->type.dim(0);
  return reshapeView(s.b, value, row ? Dims{Dim(1), length} : Dims{length, Dim(1)});
}

Op *convKernel(Selection &s, Value *x, Value *w, DType accumulator) {
  const Dims &shape = w->type.shape();
  Window window = windowOf(s.op, *constantDims(Dims(shape.begin() + 2, shape.end())));
  int64_t group = s.op.attrs.getInt("group", 1);
  if (group > 1) {
    // The emitters divide channels among groups: a number, though the input's size may have but a
    // name. A guard sees to it that they are the same.
    Dims channels = x->type.shape();
    channels[1] = shape[1] * Dim(group);
    x = reshapeView(s.b, x, channels);
  }
  ConvAttrs attrs{window.kernel,  window.strides,   window.padsBegin,
                  window.padsEnd, window.dilations, group};
  attrs.inputs.weights = WeightForm::Plain;
  Dims result = s.out().shape();
  result[1] = shape[0];
  Op *conv = s.b.create(OpKind::KernelConv, {x, w}, {s.out().withShape(result)}, dictOf(attrs), 1);
  conv->region().addArg(Type::scalar(accumulator));
  return conv;
}

Op *gemmKernel(Selection &s, Value *a, Value *b, const Dims &shape, DType accumulator) {
  GemmAttrs attrs;
  attrs.inputs.weights = WeightForm::Plain;
  Op *gemm = s.b.create(OpKind::KernelGemm, {a, b}, {s.out().withShape(shape)}, dictOf(attrs), 1);
  gemm->region().addArg(Type::scalar(accumulator));
  return gemm;
}

/// The bias is added after the product has been rounded to no less than f32.
static void selectOpenConv(Selection &s) {
  Value *y = openConv(s, s.op.operand(0), s.op.operand(1), workType(s.out().dtype()));
  std::vector<Value *> operands = {y};
  if (Value *bias = s.op.operand(2))
    operands.push_back(alongChannels(s.b, bias, s.in(0).rank()));
  if (operands.size() > 1 || y->type.dtype() != s.out().dtype())
    y = pointwise(s, operands, s.out(), [&](LoopBuilder &b, const std::vector<Value *> &e) {
      return e.size() > 1 ? b.add(e[0], b.cast(e[1], e[0]->type.dtype())) : e[0];
    });
  s.replaceWithValue(y);
}

Result<void> selectConv(Selection &s) {
  Value *x = s.op.operand(0), *w = s.op.operand(1);
  if (hasOpenSizes(w->type)) {
    selectOpenConv(s);
    return {};
  }
  Op *conv = convKernel(s, x, w, workType(s.out().dtype()));
  Value *element = conv->region().arg(0);
  if (Value *bias = s.op.operand(2)) {
    s.b.before(conv);
    Value *term = epilogueElement(s.b, conv, alongChannels(s.b, bias, s.in(0).rank()));
    element = s.b.add(element, term);
  }
  endEpilogue(s.b, conv, element);
  s.replaceWithValue(conv->result());
  return {};
}

Value *matrixProduct(Selection &s, Value *a, Value *b, DType dtype) {
  const Dims &x = a->type.shape(), &y = b->type.shape();
  std::optional<Dims> batches =
      broadcastShapes(Dims(x.begin(), x.end() - 2), Dims(y.begin(), y.end() - 2));
  if (!batches)
    s.refuse(fmt::format("{} and {} cannot be multiplied", a->type.str(), b->type.str()));
  Dims shape = *batches;
  shape.push_back(x[x.size() - 2]);
  shape.push_back(y.back());
  Op *gemm = gemmKernel(s, a, b, shape, workType(a->type.dtype()));
  gemm->result()->type = Type::tensor(dtype, shape);
  endEpilogue(s.b, gemm, gemm->region().arg(0));
  return gemm->result();
}

/// A vector operand's dim of 1 is dropped from the result by a view of the full product.
Result<void> selectMatMul(Selection &s) {
  Value *a = asMatrix(s, s.op.operand(0), true), *b = asMatrix(s, s.op.operand(1), false);
  s.replaceWithValue(reshapeView(s.b, matrixProduct(s, a, b, s.out().dtype()), s.out().shape()));
  return {};
}

Result<void> selectGemm(Selection &s) {
  Value *a = s.op.operand(0), *b = s.op.operand(1), *c = s.op.operand(2);
  if (s.op.attrs.getInt("transA"))
    a = transposeView(s.b, a, {1, 0});
  if (s.op.attrs.getInt("transB"))
    b = transposeView(s.b, b, {1, 0});
  double alpha = s.op.attrs.getFloat("alpha", 1), beta = s.op.attrs.getFloat("beta", 1);
  Op *gemm = gemmKernel(s, a, b, s.out().shape(), workType(s.out().dtype()));
  s.b.atEnd(gemm->region());
  Value *element = gemm->region().arg(0);
  if (alpha != 1)
    element = s.b.mul(element, s.b.constant(element->type, alpha));
  if (c && beta != 0) {
    Value *term = epilogueElement(s.b, gemm, c);
    if (beta != 1)
      term = s.b.mul(term, s.b.constant(term->type, beta));
    element = s.b.add(element, term);
  }
  endEpilogue(s.b, gemm, element);
  s.replaceWithValue(gemm->result());
  return {};
}

} // namespace cameo
