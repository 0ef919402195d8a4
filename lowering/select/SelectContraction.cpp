// Convolutions and matrix products. Weights go through `pack`, which is evaluated at compile time
// when they are constant and is an ordinary kernel when they are not. Bias becomes the first step
// of the epilogue.
#include "lowering/select/Contractions.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Contraction.h"
#include "lowering/Shapes.h"

#include <fmt/format.h>

namespace cameo {
namespace {

Value *pack(Selection &s, Value *weights, PackForm form, int64_t group, const Packing &packing) {
  PackAttrs attrs{form, group, packing.interleave, packing.flipSign};
  DType dtype = weights->type.dtype();
  if (packing.flipSign)
    dtype = dtype == DType::I8 ? DType::U8 : DType::I8;
  Type type =
      Type::tensor(packing.dtype.value_or(dtype), packedShape(attrs, weights->type.shape()));
  Op *op = s.b.create(OpKind::KernelPack, {weights}, {type}, dictOf(attrs));
  op->result()->name = weights->name;
  return op->result();
}

DType accumulatorOf(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16 ? DType::F32 : dtype;
}

} // namespace

Multiplicands asPairs(Selection &s, Value *input, Value *weights, const Dim &depth) {
  DType dtype = input->type.dtype();
  bool wanted = dtype == DType::BF16 || (dtype == DType::F32 && s.context.precision == DType::BF16);
  bool even = depth.isConst() && depth.value() % 2 == 0;
  if (!wanted || !even || !constantData(weights) || !s.context.target.hasBf16Dot)
    return {input, {}};
  if (dtype == DType::F32) {
    Type type = input->type.withDType(DType::BF16);
    Op *rounding = s.b.create(OpKind::KernelPointwise, {input}, {type}, {}, 1);
    endEpilogue(s, rounding, rounding->region().addArg(Type::scalar(DType::F32)));
    input = rounding->result();
  }
  return {input, {2, false, DType::BF16}};
}

Value *alongChannels(Selection &s, Value *vector, int64_t rank) {
  Dims shape(rank - 1, Dim(1));
  shape[0] = vector->type.dim(0);
  return reshapeView(s.b, vector, shape);
}

Value *asMatrix(Selection &s, Value *value, bool row) {
  if (value->type.rank() != 1)
    return value;
  const Dim &length = value->type.dim(0);
  return reshapeView(s.b, value, row ? Dims{Dim(1), length} : Dims{length, Dim(1)});
}

void endEpilogue(Selection &s, Op *kernel, Value *element) {
  s.b.atEnd(kernel->region());
  s.b.create(OpKind::LoopYield, {s.b.cast(element, kernel->result()->type.dtype())}, {});
  s.b.after(kernel);
}

Value *epilogueElement(Selection &s, Op *kernel, Value *operand) {
  s.b.atEnd(kernel->region());
  std::vector<Value *> operands = kernel->operands();
  Value *element = widened(s.b, elementOf(s.b, kernel->region(), operand, operands));
  kernel->setOperands(operands);
  return element;
}

Op *convKernel(Selection &s, Value *x, Value *w, DType accumulator, const Packing &packing) {
  const Dims &shape = w->type.shape();
  Window window = windowOf(s.op, *constantDims(Dims(shape.begin() + 2, shape.end())));
  int64_t group = s.op.attrs.getInt("group", 1), out = shape[0].value(), in = shape[1].value();
  if (group > 1) {
    // The emitters divide channels among groups: a number, though the input's size may have but a
    // name. A guard sees to it that they are the same.
    Dims channels = x->type.shape();
    channels[1] = Dim(in * group);
    x = reshapeView(s.b, x, channels);
  }
  // The depthwise form is packed at compile time only; other weights take the general path.
  bool depthwise = group > 1 && in == 1 && out == group && constantData(w);
  Packing weights = depthwise ? Packing() : packing;
  ConvAlgorithm algorithm = depthwise ? ConvAlgorithm::Depthwise : ConvAlgorithm::Direct;
  Value *packed = pack(s, w, packFormFor(algorithm), group, weights);
  ConvAttrs attrs{window.kernel,    window.strides, window.padsBegin, window.padsEnd,
                  window.dilations, group,          algorithm,        weights.interleave};
  Dims result = s.out().shape();
  result[1] = shape[0];
  Op *conv =
      s.b.create(OpKind::KernelConv, {x, packed}, {s.out().withShape(result)}, dictOf(attrs), 1);
  conv->region().addArg(Type::scalar(accumulator));
  return conv;
}

Op *gemmKernel(Selection &s, Value *a, Value *b, const Dims &shape, DType accumulator,
               const Packing &packing) {
  Value *packed = pack(s, b, PackForm::Gemm, 1, packing);
  Op *gemm = s.b.create(OpKind::KernelGemm, {a, packed}, {s.out().withShape(shape)},
                        dictOf(GemmAttrs{packing.interleave}), 1);
  gemm->region().addArg(Type::scalar(accumulator));
  return gemm;
}

/// The bias is added after the product has been rounded to no less than f32.
static void selectOpenConv(Selection &s) {
  Value *y = openConv(s, s.op.operand(0), s.op.operand(1), accumulatorOf(s.out().dtype()));
  std::vector<Value *> operands = {y};
  if (Value *bias = s.op.operand(2))
    operands.push_back(alongChannels(s, bias, s.in(0).rank()));
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
  Multiplicands pairs = asPairs(s, x, w, w->type.dim(1));
  Op *conv = convKernel(s, pairs.input, w, accumulatorOf(s.out().dtype()), pairs.packing);
  Value *element = conv->region().arg(0);
  if (Value *bias = s.op.operand(2)) {
    s.b.before(conv);
    Value *term = epilogueElement(s, conv, alongChannels(s, bias, s.in(0).rank()));
    element = s.b.add(element, term);
  }
  endEpilogue(s, conv, element);
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
  Multiplicands pairs = asPairs(s, a, b, x.back());
  Op *gemm = gemmKernel(s, pairs.input, b, shape, accumulatorOf(a->type.dtype()), pairs.packing);
  gemm->result()->type = Type::tensor(dtype, shape);
  endEpilogue(s, gemm, gemm->region().arg(0));
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
  Multiplicands pairs = asPairs(s, a, s.op.operand(1), a->type.dim(1));
  Op *gemm =
      gemmKernel(s, pairs.input, b, s.out().shape(), accumulatorOf(s.out().dtype()), pairs.packing);
  s.b.atEnd(gemm->region());
  Value *element = gemm->region().arg(0);
  if (alpha != 1)
    element = s.b.mul(element, s.b.constant(element->type, alpha));
  if (c && beta != 0) {
    Value *term = epilogueElement(s, gemm, c);
    if (beta != 1)
      term = s.b.mul(term, s.b.constant(term->type, beta));
    element = s.b.add(element, term);
  }
  endEpilogue(s, gemm, element);
  s.replaceWithValue(gemm->result());
  return {};
}

} // namespace cameo
