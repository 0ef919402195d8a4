// See Shapes.h. Window arithmetic: ONNX operator pages of Conv and MaxPool.
#include "lowering/build/Shapes.h"

#include "ir/infer/Sizes.h"
#include "ir/kernel/RunTime.h"

#include <algorithm>
#include <set>

namespace cameo {

ConstRef constantData(Value *value) {
  Op *op = value ? value->definingOp() : nullptr;
  return op && op->kind() == OpKind::Constant ? op->attrs.getConst("value") : nullptr;
}

std::optional<std::vector<int64_t>> constantInts(Value *value) {
  if (!value)
    return std::nullopt;
  if (value->known)
    return constantDims(*value->known);
  ConstRef data = constantData(value);
  return data && isInt(data->dtype) ? std::optional(constInts(*data)) : std::nullopt;
}

bool isGiven(const Value *list) {
  return list && !(list->type.rank() == 1 && list->type.dim(0) == Dim(0));
}

bool isBoxed(const Type &type) { return !type.isRanked() || type.dtype() == DType::String; }

std::vector<std::string> missingSymbols(const Dim &dim, const std::vector<std::string> &bound) {
  std::set<std::string> symbols;
  dim.collectSymbols(symbols);
  std::erase_if(symbols, [&](const std::string &symbol) {
    return std::find(bound.begin(), bound.end(), symbol) != bound.end();
  });
  return {symbols.begin(), symbols.end()};
}

std::vector<std::string> definedSymbols(const Op &op) {
  if (op.kind() == OpKind::KernelSizes)
    return attrsOf<SizesAttrs>(op).symbols;
  return op.kind() == OpKind::KernelCall ? attrsOf<CallAttrs>(op).symbols
                                         : std::vector<std::string>();
}

namespace {

Dim atLeastZero(const Dim &dim) {
  return provablyAtLeast(dim, Dim(0)) ? dim : Dim::max(dim, Dim(0));
}

} // namespace

Pads padsOf(const Op &op, size_t i, const Dim &extent) {
  const Dim &x = op.operand(0)->type.shape()[i + 2], &y = op.result(0)->type.shape()[i + 2];
  size_t rank = op.operand(0)->type.shape().size() - 2;
  Dim stride(op.attrs.getInts("strides", std::vector<int64_t>(rank, 1))[i]);
  std::string autoPad = op.attrs.getString("auto_pad", "NOTSET");
  if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
    // What ceil(x / stride) windows reach beyond x, in a form that shows its bounds.
    Dim total = atLeastZero(extent - Dim(1) - Dim::mod(x - Dim(1), stride));
    Dim begin = Dim::floorDiv(total + Dim(autoPad == "SAME_LOWER"), Dim(2));
    return {begin, total - begin};
  }
  Dim begin(0);
  if (autoPad != "VALID")
    begin = Dim(op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0))[i]);
  return {begin, atLeastZero((y - Dim(1)) * stride + extent - x - begin)};
}

Window windowOf(const Op &op, const std::vector<int64_t> &kernel) {
  size_t rank = kernel.size();
  Window window;
  window.kernel = kernel;
  window.strides = op.attrs.getInts("strides", std::vector<int64_t>(rank, 1));
  window.dilations = op.attrs.getInts("dilations", std::vector<int64_t>(rank, 1));
  for (size_t i = 0; i < rank; i++) {
    Pads pads = padsOf(op, i, Dim((kernel[i] - 1) * window.dilations[i] + 1));
    window.padsBegin.push_back(pads.begin);
    window.padsEnd.push_back(pads.end);
  }
  return window;
}

} // namespace cameo
