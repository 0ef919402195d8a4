// See Shapes.h. Window arithmetic: ONNX operator pages of Conv and MaxPool.
#include "lowering/Shapes.h"

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

bool isBoxed(const Type &type) { return !type.isTensor() || type.dtype() == DType::String; }

std::vector<std::string> boundSymbols(Func &func) {
  std::vector<std::string> symbols;
  for (const std::unique_ptr<Value> &arg : func.body.args())
    for (const Dim &dim : arg->type.shape())
      if (std::optional<std::string> name = dim.symbolName())
        if (std::find(symbols.begin(), symbols.end(), *name) == symbols.end())
          symbols.push_back(*name);
  return symbols;
}

std::vector<std::string> missingSymbols(const Dim &dim, const std::vector<std::string> &bound) {
  std::set<std::string> symbols;
  dim.collectSymbols(symbols);
  std::erase_if(symbols, [&](const std::string &symbol) {
    return std::find(bound.begin(), bound.end(), symbol) != bound.end();
  });
  return {symbols.begin(), symbols.end()};
}

std::vector<std::string> definedSymbols(const Op &op) {
  const Attr *symbols = op.attrs.find("symbols");
  bool defines = op.kind() == OpKind::KernelSizes || op.kind() == OpKind::KernelCall;
  return defines && symbols ? std::get<std::vector<std::string>>(*symbols)
                            : std::vector<std::string>();
}

std::optional<Window> windowOf(const Op &op, const std::vector<int64_t> &kernel) {
  size_t rank = kernel.size();
  const Dims &x = op.operand(0)->type.shape(), &y = op.result(0)->type.shape();
  Window window;
  window.kernel = kernel;
  window.strides = op.attrs.getInts("strides", std::vector<int64_t>(rank, 1));
  window.dilations = op.attrs.getInts("dilations", std::vector<int64_t>(rank, 1));
  std::vector<int64_t> pads = op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0));
  std::string autoPad = op.attrs.getString("auto_pad", "NOTSET");
  for (size_t i = 0; i < rank; i++) {
    int64_t begin = pads[i];
    Dim reach = (y[i + 2] - Dim(1)) * Dim(window.strides[i]) +
                Dim((kernel[i] - 1) * window.dilations[i] + 1) - x[i + 2];
    if (autoPad == "SAME_UPPER" || autoPad == "SAME_LOWER") {
      if (!reach.isConst())
        return std::nullopt;
      int64_t total = std::max<int64_t>(reach.value(), 0);
      begin = autoPad == "SAME_UPPER" ? total / 2 : (total + 1) / 2;
    } else if (autoPad == "VALID") {
      begin = 0;
    }
    window.padsBegin.push_back(begin);
    Dim end = reach - Dim(begin);
    window.padsEnd.push_back(end.isConst() ? Dim(std::max<int64_t>(end.value(), 0))
                                           : Dim::max(end, Dim(0)));
  }
  return window;
}

} // namespace cameo
