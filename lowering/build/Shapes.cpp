// See Shapes.h. Window arithmetic: ONNX operator pages of Conv and MaxPool.
#include "lowering/build/Shapes.h"

#include "ir/OpSpec.h"
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

std::optional<double> uniformValue(Value *value) {
  ConstRef data = value ? constantData(value) : nullptr;
  if (!data || data->dtype == DType::String || data->numElements() == 0)
    return std::nullopt;
  for (int64_t i = 1; i < data->numElements(); i++)
    if (constFloat(*data, i) != constFloat(*data, 0))
      return std::nullopt;
  return constFloat(*data, 0);
}

bool sameNumbers(Value *a, Value *b) {
  if (a == b)
    return true;
  ConstRef x = a ? constantData(a) : nullptr, y = b ? constantData(b) : nullptr;
  return x && y && x->dtype == y->dtype && x->numElements() == y->numElements() &&
         std::equal(x->bytes.begin(), x->bytes.end(), y->bytes.begin(), y->bytes.end());
}

namespace {

bool computesTheSame(Op &a, Op &b, int depth);

bool isSame(Value *a, Value *b, int depth) {
  if (a == b)
    return true;
  if (!a || !b || !(a->type == b->type) || a->index() != b->index())
    return false;
  if (constantData(a) && constantData(b))
    return a->type.dtype() != DType::String && sameNumbers(a, b);
  return depth > 0 && a->definingOp() && b->definingOp() &&
         computesTheSame(*a->definingOp(), *b->definingOp(), depth);
}

bool hasAttrsOf(const Op &a, const Op &b) {
  return std::all_of(b.attrs.begin(), b.attrs.end(), [&](const auto &entry) {
    const Attr *own = a.attrs.find(entry.first);
    return own && *own == entry.second;
  });
}

/// Whether the op gives the same results whenever it has the same operands.
bool isPure(const Op &op) {
  return spec(op.kind()).level == Level::Graph && !spec(op.kind()).isRandom() &&
         op.kind() != OpKind::Custom && op.numRegions() == 0;
}

/// Whether both are pure, have few operands, and those are the same as deep as `depth`.
bool computesTheSame(Op &a, Op &b, int depth) {
  constexpr int64_t kMostOperands = 4;
  if (a.kind() != b.kind() || !isPure(a) || a.numOperands() != b.numOperands() ||
      a.numOperands() > kMostOperands || !hasAttrsOf(a, b) || !hasAttrsOf(b, a))
    return false;
  for (int64_t i = 0; i < a.numOperands(); i++)
    if (!isSame(a.operand(i), b.operand(i), depth - 1))
      return false;
  return true;
}

} // namespace

bool sameValue(Value *a, Value *b) { return isSame(a, b, 2); }

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
