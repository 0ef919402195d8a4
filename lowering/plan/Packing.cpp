// See Packing.h.
#include "lowering/plan/Packing.h"

#include "ir/AttrText.h"
#include "ir/kernel/KernelSpec.h"

#include <fmt/format.h>

namespace cameo {
namespace {

/// How the target's dot product, or what stands for it, takes bytes.
void packBytes(const Target &target, DType input, DType weights, const Dim &depth,
               Packing &packing) {
  packing.interleave = 4;
  switch (target.dot) {
  case DotKind::None:
    // Pairs, by instructions that every aarch64 has.
    packing.interleave = target.arch == Arch::AArch64 ? 2 : 1;
    if (packing.interleave == 1)
      return;
    packing.flipInput = input == DType::U8;
    break;
  case DotKind::Vnni:
    packing.flipInput = input == DType::I8;
    break;
  case DotKind::I8mm:
    // Steps that are no whole ones would have to be filled up.
    if (depth.isConst() && depth.value() % kMatrixDepth == 0)
      packing.interleave = kMatrixDepth;
    break;
  case DotKind::SDot:
    packing.flipInput = input == DType::U8;
    break;
  }
  packing.flipWeights = weights == DType::U8;
}

/// Pairs of bf16 where the model has them, or where the compilation asks for them, and the weights
/// are constant. A single element makes a step, as in f32.
void packPairs(const PassContext &context, DType dtype, const Dim &depth, Packing &packing) {
  bool wanted = dtype == DType::BF16 || (dtype == DType::F32 && context.precision == DType::BF16);
  bool hasPairs = depth.isConst() && depth.value() > 1;
  if (!wanted || !hasPairs || !context.target.hasBf16Dot)
    return;
  packing.rounded = DType::BF16;
  packing.interleave = 2;
}

bool isByte(DType dtype) { return dtype == DType::I8 || dtype == DType::U8; }

} // namespace

Op *constantBehind(Value *value) {
  Op *source = value->definingOp();
  while (source &&
         (source->kind() == OpKind::KernelTranspose || source->kind() == OpKind::KernelReshape))
    source = source->operand(0)->definingOp();
  return source && source->kind() == OpKind::Constant ? source : nullptr;
}

bool isPackedEarly(Value *weights) {
  return constantBehind(weights) && constantDims(weights->type.shape());
}

bool isConstantPack(Op &pack) { return isPackedEarly(pack.operand(0)); }

std::string storedKey(const Op &op) {
  if (op.kind() == OpKind::Constant) {
    ConstRef data = op.attrs.getConst("value");
    return fmt::format("{} {}", fmt::ptr(data->bytes.data()), data->bytes.size());
  }
  Value *source = op.operand(0);
  ConstRef data = constantBehind(source)->attrs.getConst("value");
  return fmt::format("{} {} {} {} {} {}", fmt::ptr(data->bytes.data()), source->type.str(),
                     source->layout->offset.str(), dimsText(source->layout->strides),
                     attrsText(op.attrs), op.result()->type.str());
}

bool isReadDirectly(Op &constant) {
  std::vector<Value *> work = {constant.result()};
  while (!work.empty()) {
    Value *value = work.back();
    work.pop_back();
    for (Op *user : value->users()) {
      if (isKernelView(user->kind()))
        work.push_back(user->result());
      else if (user->kind() != OpKind::KernelPack || !isConstantPack(*user))
        return true;
    }
  }
  return false;
}

Packing packingFor(const PassContext &context, const Op &op) {
  const Type &x = op.operand(0)->type;
  Value *weights = op.operand(1);
  Packing packing;
  Dim depth = x.dim(x.rank() - 1);
  if (op.kind() == OpKind::KernelConv) {
    ConvAttrs attrs = attrsOf<ConvAttrs>(op);
    packing.form = packFormFor(attrs.algorithm);
    packing.group = attrs.group;
    depth = weights->type.dim(1);
    // Depthwise kernels take any elements; Winograd's algorithm is chosen for f32 alone.
    if (attrs.algorithm != ConvAlgorithm::Direct)
      return packing;
  }
  if (isByte(x.dtype()))
    packBytes(context.target, x.dtype(), weights->type.dtype(), depth, packing);
  else if (isPackedEarly(weights))
    packPairs(context, x.dtype(), depth, packing);
  return packing;
}

} // namespace cameo
