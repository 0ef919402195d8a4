// Integer convolutions and products. The kernel multiplies stored bytes, with the signs its
// instruction wants; zero points become terms of the epilogue:
//   sum (x - a)(w - b) = sum x w  -  a * sum w  -  b * (sum x - K a)
// with sums over the K products of an element. Padding of x is its zero point a, so that the second
// term is the same for every position. Sums of constant weights are taken here.
#include "lowering/select/Contractions.h"

#include "ir/kernel/Contraction.h"
#include "ir/kernel/Reduce.h"
#include "lowering/Shapes.h"

#include <functional>
#include <numeric>

namespace cameo {
namespace {

/// One side of the products: stored bytes and their zero point. A flipped side is stored as the
/// other signedness, 128 added to bytes and zero point.
struct Side {
  Value *bytes;
  bool flip = false;
  Value *zero = nullptr;        // as the model has it; nullptr if there is none
  std::optional<int64_t> fixed; // the zero point of the stored bytes, if a constant

  bool isSigned() const { return (bytes->type.dtype() == DType::I8) != flip; }
  int64_t shift() const { return !flip ? 0 : isSigned() ? -128 : 128; }
  bool isZero() const { return fixed == 0; }
};

Side makeSide(Value *bytes, Value *zero, bool flip) {
  Side side{bytes, flip, zero, std::nullopt};
  ConstRef data = zero ? constantData(zero) : nullptr;
  if (!zero)
    side.fixed = side.shift();
  bool uniform = data != nullptr;
  for (int64_t i = 0; uniform && i < data->numElements(); i++)
    uniform = constInt(*data, i) == constInt(*data, 0);
  if (uniform && data->numElements() > 0)
    side.fixed = constInt(*data, 0) + side.shift();
  return side;
}

/// How the target's dot product takes bytes of these types.
Packing packingFor(const Target &target, DType x, DType w, bool &flipX) {
  flipX = false;
  switch (target.dot) {
  case DotKind::None:
    return {};
  case DotKind::Vnni:
  case DotKind::I8mm:
    flipX = x == DType::I8;
    return {4, w == DType::U8};
  case DotKind::SDot:
    flipX = x == DType::U8;
    return {4, w == DType::U8};
  }
  ICE("unknown kind of dot product");
}

Value *flipSign(LoopBuilder &b, Value *element) {
  DType dtype = element->type.dtype() == DType::I8 ? DType::U8 : DType::I8;
  Type type = Type::scalar(dtype);
  Value *top = b.constantInt(type, dtype == DType::I8 ? -128 : 128);
  return b.binary(OpKind::ScalarXor, b.bitcast(element, type), top);
}

/// The bytes as they are stored: a kernel of its own, which fusion moves to where they are made.
Value *stored(Selection &s, Value *bytes, bool flip) {
  if (!flip)
    return bytes;
  DType dtype = bytes->type.dtype() == DType::I8 ? DType::U8 : DType::I8;
  Op *kernel = s.b.create(OpKind::KernelPointwise, {bytes}, {bytes->type.withDType(dtype)}, {}, 1);
  s.b.atEnd(kernel->region());
  Value *element = kernel->region().addArg(Type::scalar(bytes->type.dtype()));
  endEpilogue(s, kernel, flipSign(s.b, element));
  return kernel->result();
}

/// Sums of the stored bytes over axes, which stay as dims of 1, as i32.
Value *sumOver(Selection &s, const Side &side, const std::vector<int64_t> &axes) {
  Dims shape = side.bytes->type.shape();
  for (int64_t axis : axes)
    shape[axis] = Dim(1);
  Op *kernel = s.b.create(OpKind::KernelReduce, {side.bytes}, {Type::tensor(DType::I32, shape)},
                          dictOf(ReduceAttrs{axes, Combiner::Add}), 2);
  s.b.atEnd(kernel->region(0));
  Value *element = kernel->region(0).addArg(Type::scalar(side.bytes->type.dtype()));
  Value *wide = s.b.cast(element, DType::I32);
  s.b.create(OpKind::LoopYield, {s.b.add(wide, s.b.constantInt(wide->type, side.shift()))}, {});
  s.b.atEnd(kernel->region(1));
  s.b.create(OpKind::LoopYield, {kernel->region(1).addArg(wide->type)}, {});
  s.b.after(kernel);
  return kernel->result();
}

/// The same at compile time, each sum multiplied with `factor`. Sums and products wrap.
ConstRef constantSums(const Side &side, const std::vector<int64_t> &axes, int64_t factor) {
  ConstRef data = constantData(side.bytes);
  std::vector<int64_t> dims = data->dims, strides(dims.size(), 0);
  for (int64_t axis : axes)
    dims[axis] = 1;
  int64_t count = 1;
  for (size_t i = dims.size(); i-- > 0; count *= dims[i])
    strides[i] = dims[i] == 1 ? 0 : count;
  std::vector<uint32_t> sums(count, 0);
  std::vector<int64_t> index(dims.size(), 0);
  for (int64_t i = 0, at = 0; i < data->numElements(); i++) {
    sums[at] += static_cast<uint32_t>(constInt(*data, i) + side.shift());
    for (size_t d = dims.size(); d-- > 0;) {
      at += strides[d];
      if (++index[d] < data->dims[d])
        break;
      at -= strides[d] * data->dims[d];
      index[d] = 0;
    }
  }
  for (uint32_t &sum : sums)
    sum *= static_cast<uint32_t>(factor);
  std::vector<std::byte> bytes(sums.size() * sizeof(uint32_t));
  std::copy_n(reinterpret_cast<const std::byte *>(sums.data()), bytes.size(), bytes.data());
  return makeConst(DType::I32, dims, std::move(bytes), data->name + ".sums");
}

/// The terms of zero points, for a kernel made by `product`.
struct Correction {
  Selection &s;
  Side x, w;
  std::vector<int64_t> weightAxes; // of w that run over the products of an element
  /// Sums of x over the products of each element, made when they are needed.
  std::function<Result<Value *>()> inputSums;
  /// A per-element zero point or sum, shaped to broadcast over the result.
  std::function<Value *(Value *)> shapeX, shapeW, shapeSums;
  Dim products = Dim(1);

  /// A side's zero point as i32 inside the kernel's region.
  Value *zeroOf(Op *kernel, const Side &side, const std::function<Value *(Value *)> &shaped) {
    if (side.fixed) {
      s.b.atEnd(kernel->region());
      return s.b.constantInt(Type::scalar(DType::I32), *side.fixed);
    }
    s.b.before(kernel);
    Value *element = s.b.cast(epilogueElement(s, kernel, shaped(side.zero)), DType::I32);
    return side.flip ? s.b.add(element, s.b.constantInt(element->type, side.shift())) : element;
  }

  /// The second term of the head's formula.
  Value *weightTerm(Op *kernel) {
    s.b.before(kernel);
    bool isConstant = constantData(w.bytes) != nullptr;
    if (isConstant && x.fixed) {
      Value *term = s.b.constant(constantSums(w, weightAxes, *x.fixed));
      return epilogueElement(s, kernel, shapeSums(term));
    }
    Value *sums =
        isConstant ? s.b.constant(constantSums(w, weightAxes, 1)) : sumOver(s, w, weightAxes);
    Value *element = epilogueElement(s, kernel, shapeSums(sums));
    return s.b.mul(element, zeroOf(kernel, x, shapeX));
  }

  Result<Value *> inputTerm(Op *kernel) {
    s.b.before(kernel);
    Value *sums = TRY(inputSums());
    Value *element = epilogueElement(s, kernel, sums);
    if (!x.isZero()) {
      Value *zero = zeroOf(kernel, x, shapeX);
      Value *count = s.b.cast(sizeValue(s.b, products), DType::I32);
      element = s.b.sub(element, s.b.mul(count, zero));
    }
    return s.b.mul(element, zeroOf(kernel, w, shapeW));
  }

  Result<void> finish(Op *kernel) {
    Value *element = kernel->region().arg(0);
    if (!x.isZero()) {
      Value *term = weightTerm(kernel);
      element = s.b.sub(element, term);
    }
    if (!w.isZero()) {
      Value *term = TRY(inputTerm(kernel));
      element = s.b.sub(element, term);
    }
    endEpilogue(s, kernel, element);
    return {};
  }
};

/// Pads of x are its zero point: a number, or an operand that the region need not read.
void setFill(Selection &s, Op *conv, const Side &x) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(*conv);
  std::vector<Value *> operands = conv->operands();
  if (x.fixed)
    attrs.fill = *x.fixed;
  else
    attrs.fillOperand = static_cast<int64_t>(operands.size());
  conv->attrs = dictOf(attrs);
  if (x.fixed)
    return;
  s.b.before(conv);
  operands.push_back(stored(s, x.zero, x.flip));
  conv->region().addArg(Type::scalar(operands.back()->type.dtype()));
  conv->setOperands(operands);
}

Value *unshaped(Value *value) { return value; }

/// Elements less their zero point, which is one number, or one for each entry of dim 0.
Value *lessZero(Selection &s, Value *bytes, Value *zero) {
  std::vector<Value *> operands = {bytes};
  if (zero && zero->type.rank() == 1) {
    Dims shape(bytes->type.rank(), Dim(1));
    shape[0] = zero->type.dim(0);
    zero = reshapeView(s.b, zero, shape);
  }
  if (zero)
    operands.push_back(zero);
  return pointwise(s, operands, bytes->type.withDType(DType::I32),
                   [](LoopBuilder &b, const std::vector<Value *> &e) {
                     Value *wide = b.cast(e[0], DType::I32);
                     return e.size() > 1 ? b.sub(wide, b.cast(e[1], DType::I32)) : wide;
                   });
}

} // namespace

Result<void> selectConvInteger(Selection &s) {
  if (hasOpenSizes(s.in(1))) {
    // The zero point of x is one number, whatever its rank.
    Value *x = lessZero(s, s.op.operand(0), s.op.operand(2));
    s.replaceWithValue(openConv(s, x, lessZero(s, s.op.operand(1), s.op.operand(3)), DType::I32));
    return {};
  }
  bool flipX = false;
  Packing packing = packingFor(s.context.target, s.in(0).dtype(), s.in(1).dtype(), flipX);
  int64_t rank = s.in(0).rank();
  Side x = makeSide(s.op.operand(0), s.op.operand(2), flipX);
  Side w = makeSide(s.op.operand(1), s.op.operand(3), packing.flipSign);
  Value *bytes = stored(s, x.bytes, flipX);
  Op *conv = convKernel(s, bytes, w.bytes, DType::I32, packing);
  // Depthwise kernels take any signs.
  if (attrsOf<ConvAttrs>(*conv).algorithm == ConvAlgorithm::Depthwise)
    w = makeSide(s.op.operand(1), s.op.operand(3), false);
  setFill(s, conv, x);
  std::vector<int64_t> axes(rank - 1);
  std::iota(axes.begin(), axes.end(), 1);
  auto channels = [&](Value *value) {
    return value->type.rank() == 0 ? value : alongChannels(s, value, rank);
  };
  auto sums = [&](Value *value) {
    return alongChannels(s, reshapeView(s.b, value, {value->type.dim(0)}), rank);
  };
  // Sums over windows of x: another convolution, with ones; one channel does without groups.
  auto inputSums = [&]() -> Result<Value *> {
    std::vector<int64_t> ones = *constantDims(s.in(1).shape());
    if (s.op.attrs.getInt("group", 1) == 1)
      ones[0] = 1;
    Value *weights = s.b.constant(makeSplat(DType::I8, ones, 1));
    Packing plain{packing.interleave, false};
    Op *kernel = convKernel(s, bytes, weights, DType::I32, plain);
    setFill(s, kernel, x);
    endEpilogue(s, kernel, kernel->region().arg(0));
    return kernel->result();
  };
  Correction correction{s, x, w, axes, inputSums, unshaped, channels, sums};
  for (int64_t i = 1; i < rank; i++)
    correction.products = correction.products * s.in(1).dim(i);
  TRY(correction.finish(conv));
  s.replaceWithValue(conv->result());
  return {};
}

Result<void> selectMatMulInteger(Selection &s) {
  bool flipX = false;
  Packing packing = packingFor(s.context.target, s.in(0).dtype(), s.in(1).dtype(), flipX);
  Value *a = asMatrix(s, s.op.operand(0), true), *b = asMatrix(s, s.op.operand(1), false);
  Side x = makeSide(a, s.op.operand(2), flipX);
  Side w = makeSide(b, s.op.operand(3), packing.flipSign);
  Dims full = s.out().shape();
  if (b != s.op.operand(1))
    full.push_back(Dim(1));
  if (a != s.op.operand(0))
    full.insert(full.end() - 1, Dim(1));
  Op *gemm = gemmKernel(s, stored(s, a, flipX), b, full, DType::I32, packing);
  // A zero point a row of a is a column of them.
  auto rows = [&](Value *zero) {
    bool perRow = zero->type.rank() == 1 && zero->type.dim(0) != Dim(1);
    return perRow ? reshapeView(s.b, zero, {zero->type.dim(0), Dim(1)}) : zero;
  };
  int64_t depth = a->type.rank() - 1;
  auto inputSums = [&]() -> Result<Value *> { return sumOver(s, x, {depth}); };
  Correction correction{s, x, w, {b->type.rank() - 2}, inputSums, rows, unshaped, unshaped};
  correction.products = a->type.dim(depth);
  TRY(correction.finish(gemm));
  s.replaceWithValue(reshapeView(s.b, gemm->result(), s.out().shape()));
  return {};
}

} // namespace cameo
