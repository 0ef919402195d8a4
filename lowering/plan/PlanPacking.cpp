// Stores the operands of contractions as the target's instructions want them: packs the weights,
// flips the signs of bytes or rounds inputs to bf16, and makes terms of the epilogue of zero
// points. Runs when algorithms are chosen, and before fusion, which moves what is done to inputs to
// where they are made.
//
// Turn this: %y = conv(%x, %w) {weights = "plain", x_zero = 3}
// Into this: %p = pack(%w) {form = "conv", interleave = 4}
//            %y = conv(%x, %p, %sums) {interleave = 4, fill = 3} ^(%sum, %s) { sum - s ... }
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Regions.h"
#include "lowering/build/Shapes.h"
#include "lowering/plan/Packing.h"
#include "lowering/plan/PadChannels.h"
#include "lowering/plan/SplitDepth.h"
#include "lowering/plan/ZeroPoints.h"

#include <algorithm>
#include <map>

namespace cameo {
namespace {

/// The operands of a contraction, as they were and as they are stored.
struct Operands {
  Side x, w;
  Value *input, *weights;
};

struct Packer {
  const PassContext &context;
  LoopBuilder b;
  bool changed = false;
  /// What contractions of a block read in place of a value.
  std::map<std::pair<Value *, Block *>, Value *> roundings = {};

  void conv(Op &op);
  void gemm(Op &op);
  void subtractZero(Op &op, ZeroPoint &zero);
  Operands stored(Op &op, const ContractionInputs &inputs, const Packing &packing);
  void replace(Op &op, const Operands &operands, AttrDict attrs);
  Value *packed(Op &op, const Packing &packing);
  Value *storedInput(Op &op, const Packing &packing);
  Value *convert(Value *x, DType dtype);
  bool isStoredRounded(const Op &op, const Value *x) const;
  Value *sumsOfWindows(Op &op, ConvAttrs attrs, Value *stored, Value *fill);
};

Value *Packer::packed(Op &op, const Packing &packing) {
  Value *weights = op.operand(1);
  PackAttrs attrs{packing.form, packing.group, packing.interleave, packing.pieces,
                  packing.flipWeights};
  DType dtype = weights->type.dtype();
  if (packing.flipWeights)
    dtype = dtype == DType::I8 ? DType::U8 : DType::I8;
  Type type = Type::tensor(packing.pieces > 1 ? DType::BF16 : packing.rounded.value_or(dtype),
                           packedShape(attrs, weights->type.shape()));
  Op *pack = b.create(OpKind::KernelPack, {weights}, {type}, dictOf(attrs));
  pack->result()->name = weights->name;
  return pack->result();
}

/// Where the builder is.
Value *Packer::convert(Value *x, DType dtype) {
  Op *conversion = b.create(OpKind::KernelPointwise, {x}, {x->type.withDType(dtype)}, {}, 1);
  Value *element = conversion->region().addArg(Type::scalar(x->type.dtype()));
  b.atEnd(conversion->region());
  endEpilogue(b, conversion, dtype == DType::BF16 ? b.castForDot(element) : b.cast(element, dtype));
  return conversion->result();
}

/// Whether an input of `op` need not be in memory as it is: contractions round it, and others that
/// read it are elementwise.
bool Packer::isStoredRounded(const Op &op, const Value *x) const {
  const Op *maker = x->definingOp();
  std::vector<Op *> users = x->users();
  return maker && maker->block() == op.block() &&
         std::all_of(users.begin(), users.end(), [&](Op *user) {
           bool isContraction =
               user->kind() == OpKind::KernelConv || user->kind() == OpKind::KernelGemm;
           if (user->block() != op.block() || !isContraction)
             return user->block() == op.block() && user->kind() == OpKind::KernelPointwise;
           return user->operand(0) == x && packingFor(context, *user).rounded == DType::BF16;
         });
}

/// The input as it is multiplied. A value is rounded once for all contractions of a block, and
/// where no others need it as it was, it is only its rounding that is stored.
Value *Packer::storedInput(Op &op, const Packing &packing) {
  Value *x = op.operand(0);
  if (!packing.rounded || x->type.dtype() == *packing.rounded)
    return storedBytes(b, x, packing.flipInput);
  Value *&rounded = roundings[{x, op.block()}];
  if (rounded)
    return rounded;
  std::vector<Op *> readers = x->users();
  bool isShared = isStoredRounded(op, x);
  if (isShared)
    b.after(x->definingOp());
  rounded = convert(x, *packing.rounded);
  std::erase_if(readers, [](Op *reader) { return reader->kind() != OpKind::KernelPointwise; });
  if (isShared && !readers.empty()) {
    Value *wide = convert(rounded, x->type.dtype());
    for (Op *reader : readers)
      for (int64_t i = 0; i < reader->numOperands(); i++)
        if (reader->operand(i) == x)
          reader->setOperand(i, wide);
  }
  b.before(&op);
  return rounded;
}

/// Sums of stored x over the window of each result of a packed convolution. Another convolution of
/// its kind, whose weights are ones, computes them. Without groups it has one output channel.
Value *Packer::sumsOfWindows(Op &op, ConvAttrs attrs, Value *stored, Value *fill) {
  std::vector<int64_t> shape = *constantDims(op.operand(1)->type.shape());
  Dims result = op.result()->type.shape();
  if (attrs.group == 1) {
    shape[0] = 1;
    result[1] = Dim(1);
  }
  attrs.plan = {};
  PackAttrs form{packFormFor(attrs.algorithm), attrs.group, attrs.interleave};
  Value *ones = b.constant(makeSplat(DType::I8, shape, 1));
  Type packed = Type::tensor(DType::I8, packedShape(form, ones->type.shape()));
  std::vector<Value *> operands = {
      stored, b.create(OpKind::KernelPack, {ones}, {packed}, dictOf(form))->result()};
  if (fill) {
    operands.push_back(fill);
    attrs.fillOperand = 2;
  }
  Op *sums =
      b.create(OpKind::KernelConv, operands, {Type::tensor(DType::I32, result)}, dictOf(attrs), 1);
  Value *sum = sums->region().addArg(Type::scalar(DType::I32));
  if (fill)
    sums->region().addArg(Type::scalar(fill->type.dtype()));
  endEpilogue(b, sums, sum);
  return sums->result();
}

Operands Packer::stored(Op &op, const ContractionInputs &inputs, const Packing &packing) {
  b.before(&op);
  b.loc = op.loc;
  return {{op.operand(0), packing.flipInput, inputs.x},
          {op.operand(1), packing.flipWeights, inputs.w},
          storedInput(op, packing),
          packed(op, packing)};
}

void Packer::replace(Op &op, const Operands &operands, AttrDict attrs) {
  op.setOperand(0, operands.input);
  op.setOperand(1, operands.weights);
  op.attrs = std::move(attrs);
  changed = true;
}

/// Constant weights become differences from their zero point, in 16 bits, where elements of any
/// type multiply: sums of the windows would take as long as the convolution.
void Packer::subtractZero(Op &op, ZeroPoint &zero) {
  ConstRef weights = constantData(op.operand(1));
  if (!weights || zero.operand >= 0 || zero.value == 0)
    return;
  std::vector<int16_t> differences(weights->numElements());
  for (int64_t i = 0; i < weights->numElements(); i++)
    differences[i] = static_cast<int16_t>(constInt(*weights, i) - zero.value);
  std::vector<std::byte> bytes(differences.size() * sizeof(int16_t));
  std::copy_n(reinterpret_cast<const std::byte *>(differences.data()), bytes.size(), bytes.data());
  b.before(&op);
  op.setOperand(1, b.constant(makeConst(DType::I16, weights->dims, std::move(bytes),
                                        weights->name + ".less_zero")));
  zero = {};
}

void Packer::conv(Op &op) {
  ConvAttrs attrs = attrsOf<ConvAttrs>(op);
  if (attrs.inputs.weights == WeightForm::Packed)
    return;
  Packing packing = packingFor(context, op);
  if (attrs.algorithm == ConvAlgorithm::Depthwise)
    subtractZero(op, attrs.inputs.w);
  int64_t more = channelsToAdd(context.target, op, packing);
  b.before(&op);
  if (more > 0)
    op.setOperand(1, withZeroInputs(b, op.operand(1), more));
  Operands operands = stored(op, attrs.inputs, packing);
  if (more > 0)
    operands.input = withZeroChannels(b, operands.input, more);
  const Side &x = operands.x;
  // Padding is the zero point of x, as it is stored.
  Value *fill = nullptr;
  attrs.fill = x.fixed().value_or(0);
  if (x.zero.operand >= 0) {
    fill = storedBytes(b, op.operand(x.zero.operand), packing.flipInput);
    attrs.fillOperand = op.numOperands();
    op.addOperand(fill);
    op.region().addArg(Type::scalar(fill->type.dtype()));
  }
  attrs.interleave = packing.interleave, attrs.pieces = packing.pieces;
  attrs.inputs = {};
  subtractZeroPoints(b, &op, x, operands.w,
                     [&] { return sumsOfWindows(op, attrs, operands.input, fill); });
  replace(op, operands, dictOf(attrs));
}

void Packer::gemm(Op &op) {
  GemmAttrs attrs = attrsOf<GemmAttrs>(op);
  if (attrs.inputs.weights == WeightForm::Packed)
    return;
  Packing packing = packingFor(context, op);
  if (packing.parts > 1)
    for (Op *first : splitDepth(b, op, packing.parts))
      gemm(*first);
  Operands operands = stored(op, attrs.inputs, packing);
  const Side &x = operands.x;
  attrs.interleave = packing.interleave, attrs.pieces = packing.pieces;
  attrs.inputs = {};
  subtractZeroPoints(b, &op, x, operands.w,
                     [&] { return sumOver(b, x, {x.bytes->type.rank() - 1}); });
  replace(op, operands, dictOf(attrs));
}

} // namespace

Result<bool> planPacking(Module &module, PassContext &context) {
  Packer packer{context, LoopBuilder(module)};
  for (Op *op : opsOf(module.main())) {
    if (op->kind() == OpKind::KernelConv)
      packer.conv(*op);
    if (op->kind() == OpKind::KernelGemm)
      packer.gemm(*op);
  }
  return packer.changed;
}

} // namespace cameo
