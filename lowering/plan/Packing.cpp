// See Packing.h.
#include "lowering/plan/Packing.h"

#include "ir/AttrText.h"
#include "ir/Half.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {

bool hasPlainWeights(const Op &op) {
  return op.attrs.getString("weights") == wordOf(WeightForm::Plain);
}

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
bool arePairs(const PassContext &context, DType dtype, const Dim &depth) {
  bool wanted = dtype == DType::BF16 || (dtype == DType::F32 && context.precision == DType::BF16);
  bool hasPairs = depth.isConst() && depth.value() > 1;
  return wanted && hasPairs && context.target.hasBf16Dot;
}

/// The rows of a contraction that are known, of all batches that share weights.
Dim knownRows(const Op &op) {
  const Dims &y = op.result()->type.shape();
  bool isConv = op.kind() == OpKind::KernelConv;
  int64_t columns = isConv ? 1 : std::ssize(y) - 1, first = 0;
  if (!isConv && op.operand(1)->type.rank() > (hasPlainWeights(op) ? 2 : 3))
    first = columns - 1;
  Dim rows(1);
  for (int64_t dim = first; dim < std::ssize(y); dim++)
    if (dim != columns && y[static_cast<size_t>(dim)].isConst())
      rows = rows * y[static_cast<size_t>(dim)];
  return rows;
}

bool isByte(DType dtype) { return dtype == DType::I8 || dtype == DType::U8; }

/// A view that a constant may be seen through: where its elements are is known.
bool isViewOfConstant(const Op &op) {
  if (op.kind() == OpKind::KernelSlice) {
    Dims starts = attrsOf<SliceAttrs>(op).starts;
    return std::all_of(starts.begin(), starts.end(), [](const Dim &dim) { return dim.isConst(); });
  }
  return op.kind() == OpKind::KernelTranspose || op.kind() == OpKind::KernelReshape;
}

} // namespace

Op *constantBehind(Value *value) {
  Op *source = value->definingOp();
  while (source && isViewOfConstant(*source))
    source = source->operand(0)->definingOp();
  return source && source->kind() == OpKind::Constant ? source : nullptr;
}

bool isPackedEarly(Value *weights) {
  return constantBehind(weights) && constantDims(weights->type.shape());
}

bool hasEarlyWeights(const Op &op) {
  Op *pack = op.operand(1)->definingOp();
  return pack && pack->kind() == OpKind::KernelPack ? isConstantPack(*pack)
                                                    : isPackedEarly(op.operand(1));
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

std::optional<Pieces> piecesFor(const PassContext &context, const Op &op) {
  const Type &x = op.operand(0)->type, &y = op.result()->type;
  bool isConv = op.kind() == OpKind::KernelConv;
  if (!context.target.hasTileRegisters || x.dtype() != DType::F32 ||
      op.region().arg(0)->type.dtype() != DType::F32 || !hasEarlyWeights(op))
    return std::nullopt;
  Dim depth = x.dim(isConv ? 1 : x.rank() - 1), columns = y.dim(isConv ? 1 : y.rank() - 1), taps(1);
  if (isConv) {
    ConvAttrs attrs = attrsOf<ConvAttrs>(op);
    depth = Dim::floorDiv(depth, Dim(attrs.group));
    columns = Dim::floorDiv(columns, Dim(attrs.group));
    for (int64_t extent : attrs.kernel)
      taps = taps * Dim(extent);
  }
  Dim all = depth * taps;
  bool areKnown = depth.isConst() && all.isConst() && columns.isConst();
  if (!areKnown || depth.value() % 2 != 0 || arePairs(context, x.dtype(), depth))
    return std::nullopt;
  int64_t parts = isConv ? 1 : partsOfDepth(all.value());
  double speedup = speedupOfPieces(context.target, knownRows(op), columns, all.value() / parts);
  return speedup > 0 ? std::optional(Pieces{parts, speedup}) : std::nullopt;
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
  else if (isPackedEarly(weights) && arePairs(context, x.dtype(), depth))
    packing.rounded = DType::BF16, packing.interleave = 2;
  if (op.attrs.getInt("pieces", 1) == 1)
    return packing;
  if (std::optional<Pieces> pieces = piecesFor(context, op)) {
    packing.pieces = kPieces, packing.interleave = 2;
    packing.parts = pieces->parts;
  }
  return packing;
}

} // namespace cameo
