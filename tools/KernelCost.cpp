// See KernelCost.h. Counts are doubles: they are for people, and a hostile model may overflow any
// integer.
#include "tools/KernelCost.h"

#include "ir/Half.h"
#include "ir/kernel/Attention.h"
#include "ir/kernel/Contraction.h"
#include "ir/kernel/KernelSpec.h"
#include "ir/kernel/Window.h"
#include "lowering/build/Regions.h"

#include <cmath>

namespace cameo {

namespace {

// Simple operations an element: what softmax and the normalizations do to one, the exponential
// counted as regions count it.
constexpr double kSoftmaxOps = 12, kNormOps = 5;

bool isWinograd(const Op &op) {
  return op.kind() == OpKind::KernelConv && winogradTile(attrsOf<ConvAttrs>(op).algorithm) > 0;
}

/// Of the f32 that a contraction multiplies.
int64_t piecesOf(const Op &op) {
  bool isContraction = op.kind() == OpKind::KernelConv || op.kind() == OpKind::KernelGemm;
  return isContraction ? op.attrs.getInt("pieces", 1) : 1;
}

struct Counter {
  const Func &main;
  const std::map<std::string, int64_t> &sizes;

  double elements(const Value *value) const {
    if (!value || !value->type.isTensor() || !value->type.isRanked())
      return 0;
    double count = 1;
    for (const Dim &dim : value->type.shape())
      count *= sizeOf(dim, sizes);
    return count;
  }
  double bytes(const Value *value) const {
    double count = elements(value);
    return count == 0 ? 0 : count * static_cast<double>(dtypeBytes(value->type.dtype()));
  }
  bool isWeight(const Value &value) const {
    return value.layout &&
           main.buffers[static_cast<size_t>(value.layout->buffer)].space == Buffer::Space::Weight;
  }

  /// The products that the algorithm needs over those by definition: of tiles of m x m outputs one
  /// for each of their points, of f32 those of their pieces.
  double shareOfProducts(const Op &op) const {
    if (piecesOf(op) > 1)
      return kPieceProducts;
    if (!isWinograd(op))
      return 1;
    double m = static_cast<double>(winogradTile(attrsOf<ConvAttrs>(op).algorithm));
    double height = sizeOf(op.result()->type.dim(2), sizes);
    double width = sizeOf(op.result()->type.dim(3), sizes);
    double points = std::ceil(height / m) * std::ceil(width / m) * (m + 2) * (m + 2);
    return points / std::max(1.0, 9 * height * width);
  }

  double scores(const Op &attention) const { return sizeOf(product(scoreShape(attention)), sizes); }

  /// The elements that a region computes something of.
  double elementsOf(const Op &op, int64_t region) const {
    if (op.kind() == OpKind::KernelAttention && region == 0)
      return scores(op);
    bool isOfOperand = op.kind() == OpKind::KernelReduce && region == 0;
    return elements(isOfOperand || op.numResults() == 0 ? op.operand(0) : op.result());
  }

  double elementOps(const Op &op) const {
    double ops = 0;
    if (op.kind() == OpKind::KernelGenerate)
      return ops; // most are indices, the same for many elements
    for (int64_t i = 0; i < op.numRegions(); ++i)
      ops += elementsOf(op, i) * static_cast<double>(weightOf(op.region(i)));
    if (op.kind() == OpKind::KernelAttention)
      ops += scores(op) * kSoftmaxOps;
    if (op.kind() == OpKind::KernelRow) {
      RowForm form = attrsOf<RowAttrs>(op).form;
      bool isNorm = form == RowForm::LayerNorm || form == RowForm::RmsNorm;
      ops += elements(op.operand(0)) * (isNorm ? kNormOps : kSoftmaxOps);
    }
    return ops;
  }
};

Arithmetic arithmeticOf(const Op &op) {
  DType dtype = op.operand(0) ? op.operand(0)->type.dtype() : DType::F32;
  bool isByte = dtype == DType::I8 || dtype == DType::U8;
  bool areBfloats = dtype == DType::BF16 || piecesOf(op) > 1;
  return areBfloats ? Arithmetic::Bf16 : isByte ? Arithmetic::Int8 : Arithmetic::F32;
}

} // namespace

double sizeOf(const Dim &dim, const std::map<std::string, int64_t> &sizes) {
  std::optional<int64_t> value = dim.evaluate([&](const std::string &name) {
    auto found = sizes.find(name);
    return std::optional<int64_t>(found == sizes.end() ? 1 : found->second);
  });
  return static_cast<double>(value.value_or(1));
}

KernelCost kernelCost(const Func &main, const Op &op, const std::map<std::string, int64_t> &sizes) {
  Counter count{main, sizes};
  KernelCost cost;
  cost.flops = sizeOf(kernelSpec(op.kind())->flops(op), sizes);
  cost.products = cost.flops * count.shareOfProducts(op);
  cost.isWinograd = isWinograd(op);
  cost.elementOps = count.elementOps(op);
  if (cost.flops > 0)
    cost.arithmetic = arithmeticOf(op);
  // The fill of a halo touches a border; generated and scattered elements may be anywhere.
  if (op.kind() == OpKind::KernelFillHalo)
    return cost;
  bool readsParts = op.kind() == OpKind::KernelGenerate || op.kind() == OpKind::KernelScatter;
  for (const Value *operand : op.operands())
    if (operand && !readsParts)
      (count.isWeight(*operand) ? cost.weightBytes : cost.readBytes) += count.bytes(operand);
  for (const std::unique_ptr<Value> &result : op.results())
    cost.writtenBytes += count.bytes(result.get());
  return cost;
}

} // namespace cameo
