// Convolutions and matrix products. Weights go through `pack`, which is evaluated at compile time
// when they are constant and is an ordinary kernel when they are not. Bias becomes the first step
// of the epilogue.
#include "lowering/select/Select.h"

#include "lowering/Shapes.h"
#include "lowering/plan/Panels.h"

namespace cameo {
namespace {

/// Starts the epilogue with the accumulated element and adds `bias` if there is one; the caller
/// adds the yield.
Value *beginEpilogue(Selection &s, Op *kernel, DType accumulator, Value *bias) {
  s.b.atEnd(kernel->region());
  Value *element = kernel->region().addArg(Type::scalar(accumulator));
  if (!bias)
    return element;
  std::vector<Value *> operands = kernel->operands();
  Value *term = widened(s.b, elementOf(s.b, kernel->region(), bias, operands));
  kernel->setOperands(operands);
  return s.b.add(element, term);
}

void endEpilogue(Selection &s, Value *element) {
  s.b.create(OpKind::LoopYield, {s.b.cast(element, s.out().dtype())}, {});
}

/// A [C] operand with trailing dims of 1, so that it broadcasts along the channels of N C spatial.
Value *alongChannels(Selection &s, Value *vector, int64_t rank) {
  if (!vector)
    return nullptr;
  Dims shape(rank - 1, Dim(1));
  shape[0] = vector->type.dim(0);
  return reshapeView(s.b, vector, shape);
}

Value *pack(Selection &s, Value *weights, const std::string &form, int64_t group, Dims shape) {
  AttrDict attrs;
  attrs.set("form", form);
  attrs.set("group", group);
  Type type = Type::tensor(weights->type.dtype(), std::move(shape));
  Op *op = s.b.create(OpKind::KernelPack, {weights}, {type}, std::move(attrs));
  op->result()->name = weights->name;
  return op->result();
}

DType accumulatorOf(DType dtype) {
  return dtype == DType::F16 || dtype == DType::BF16 ? DType::F32 : dtype;
}

/// A vector as a matrix of one row (a) or one column (b).
Value *asMatrix(Selection &s, Value *value, bool row) {
  if (value->type.rank() != 1)
    return value;
  const Dim &length = value->type.dim(0);
  return reshapeView(s.b, value, row ? Dims{Dim(1), length} : Dims{length, Dim(1)});
}

/// [batch..., K, N] to panels of N.
Value *packMatrix(Selection &s, Value *matrix) {
  const Dims &shape = matrix->type.shape();
  Dims packed(shape.begin(), shape.end() - 2);
  packed.push_back(Dim::ceilDiv(shape.back(), Dim(kPanel)));
  packed.push_back(shape[shape.size() - 2]);
  packed.push_back(Dim(kPanel));
  return pack(s, matrix, "gemm", 1, std::move(packed));
}

} // namespace

Result<void> selectConv(Selection &s) {
  const Dims &w = s.in(1).shape();
  Dims spatial(w.begin() + 2, w.end());
  std::optional<std::vector<int64_t>> kernel = constantDims(spatial);
  if (!kernel || !w[0].isConst() || !w[1].isConst())
    return s.unsupportedBecause("weights of a size known only at run time are not supported yet");
  std::optional<Window> window = windowOf(s.op, *kernel);
  if (!window)
    return s.unsupportedBecause("auto_pad with a symbolic size is not supported yet");
  int64_t group = s.op.attrs.getInt("group", 1), out = w[0].value(), in = w[1].value();
  int64_t taps = 1;
  for (int64_t extent : *kernel)
    taps *= extent;
  // The depthwise form is packed at compile time only; other weights take the general path.
  bool depthwise = group > 1 && in == 1 && out == group && constantData(s.op.operand(1));
  Value *packed = depthwise ? pack(s, s.op.operand(1), "depthwise", group, {Dim(taps), Dim(out)})
                            : pack(s, s.op.operand(1), "conv", group,
                                   {Dim(group), Dim::ceilDiv(Dim(out / group), Dim(kPanel)),
                                    Dim(taps * in), Dim(kPanel)});
  AttrDict attrs;
  attrs.set("kernel", window->kernel);
  attrs.set("strides", window->strides);
  attrs.set("pads_begin", window->padsBegin);
  attrs.set("pads_end", window->padsEnd);
  attrs.set("dilations", window->dilations);
  attrs.set("group", group);
  attrs.set("algorithm", std::string(depthwise ? "depthwise" : "direct"));
  Value *bias = alongChannels(s, s.op.operand(2), s.in(0).rank());
  Op *conv = s.replaceWith(OpKind::KernelConv, {s.op.operand(0), packed}, std::move(attrs), 1);
  endEpilogue(s, beginEpilogue(s, conv, accumulatorOf(s.out().dtype()), bias));
  return {};
}

Result<void> selectMatMul(Selection &s) {
  Value *a = asMatrix(s, s.op.operand(0), true), *b = asMatrix(s, s.op.operand(1), false);
  Value *packed = packMatrix(s, b);
  // A vector operand's dim of 1 is dropped from the result by a view of the full product.
  Dims full = s.out().shape();
  if (b != s.op.operand(1))
    full.push_back(Dim(1));
  if (a != s.op.operand(0))
    full.insert(full.end() - 1, Dim(1));
  Op *gemm = s.b.create(OpKind::KernelGemm, {a, packed}, {s.out().withShape(full)}, {}, 1);
  endEpilogue(s, beginEpilogue(s, gemm, accumulatorOf(s.out().dtype()), nullptr));
  s.b.after(gemm);
  s.replaceWithValue(reshapeView(s.b, gemm->result(), s.out().shape()));
  return {};
}

Result<void> selectGemm(Selection &s) {
  Value *a = s.op.operand(0), *b = s.op.operand(1), *c = s.op.operand(2);
  if (s.op.attrs.getInt("transA"))
    a = transposeView(s.b, a, {1, 0});
  if (s.op.attrs.getInt("transB"))
    b = transposeView(s.b, b, {1, 0});
  double alpha = s.op.attrs.getFloat("alpha", 1), beta = s.op.attrs.getFloat("beta", 1);
  Value *packed = packMatrix(s, b);
  Op *gemm = s.replaceWith(OpKind::KernelGemm, {a, packed}, {}, 1);
  Value *element = beginEpilogue(s, gemm, accumulatorOf(s.out().dtype()), nullptr);
  if (alpha != 1)
    element = s.b.mul(element, s.b.constant(element->type, alpha));
  if (c && beta != 0) {
    std::vector<Value *> operands = gemm->operands();
    Value *term = widened(s.b, elementOf(s.b, gemm->region(), c, operands));
    gemm->setOperands(operands);
    if (beta != 1)
      term = s.b.mul(term, s.b.constant(term->type, beta));
    element = s.b.add(element, term);
  }
  endEpilogue(s, element);
  return {};
}

} // namespace cameo
