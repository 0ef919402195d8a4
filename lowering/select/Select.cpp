// The table of selectors, and the pass that runs them; see Select.h.
#include "lowering/select/Select.h"

#include "ir/OpSpec.h"
#include "lowering/Passes.h"

#include <fmt/format.h>
#include <unordered_map>

namespace cameo {

Op *Selection::replaceWith(OpKind kind, std::vector<Value *> operands, AttrDict attrs,
                           int64_t numRegions) {
  std::vector<Type> types;
  for (const std::unique_ptr<Value> &result : op.results())
    types.push_back(result->type);
  Op *kernel = b.create(kind, std::move(operands), types, std::move(attrs), numRegions);
  for (int64_t i = 0; i < op.numResults(); i++) {
    kernel->result(i)->name = op.result(i)->name;
    op.result(i)->replaceAllUsesWith(kernel->result(i));
  }
  return kernel;
}

void Selection::replaceWithValue(Value *value) {
  value->name = op.result()->name;
  op.result()->replaceAllUsesWith(value);
}

Error Selection::unsupportedBecause(const std::string &reason) const {
  return unsupported(fmt::format("node '{}' ({}): {}", op.loc.str(), spec(op.kind()).name, reason));
}

SelectFn selectorFor(OpKind kind) {
  static const std::unordered_map<OpKind, SelectFn> table = {
      {OpKind::Identity, selectReshape},
      {OpKind::Reshape, selectReshape},
      {OpKind::Flatten, selectReshape},
      {OpKind::Squeeze, selectReshape},
      {OpKind::Unsqueeze, selectReshape},
      {OpKind::Transpose, selectTranspose},
      {OpKind::Slice, selectSlice},
      {OpKind::Split, selectSplit},
      {OpKind::Concat, selectConcat},
      {OpKind::Expand, selectExpand},
      {OpKind::Conv, selectConv},
      {OpKind::MatMul, selectMatMul},
      {OpKind::Gemm, selectGemm},
      {OpKind::MaxPool, selectPool},
      {OpKind::AveragePool, selectPool},
      {OpKind::LpPool, selectPool},
      {OpKind::ArgMax, selectArgReduce},
      {OpKind::ArgMin, selectArgReduce},
      {OpKind::Softmax, selectSoftmax},
      {OpKind::LogSoftmax, selectSoftmax},
      {OpKind::LayerNormalization, selectLayerNorm},
      {OpKind::RMSNormalization, selectLayerNorm},
  };
  auto found = table.find(kind);
  if (found != table.end())
    return found->second;
  if (spec(kind).tier == Tier::Pointwise)
    return selectPointwise;
  return spec(kind).tier == Tier::Reduce ? selectReduce : nullptr;
}

Value *elementOf(LoopBuilder &b, Block &region, Value *operand, std::vector<Value *> &operands) {
  Op *def = operand->definingOp();
  DType dtype = operand->type.dtype();
  if (def && def->kind() == OpKind::Constant && dtype != DType::String) {
    ConstRef data = def->attrs.getConst("value");
    if (data->numElements() == 1)
      return isFloat(dtype) ? b.constant(Type::scalar(dtype), constFloat(*data, 0))
                            : b.constantInt(Type::scalar(dtype), constInt(*data, 0));
  }
  operands.push_back(operand);
  return region.addArg(Type::scalar(dtype));
}

Value *widened(LoopBuilder &b, Value *element) {
  bool half = element->type.dtype() == DType::F16 || element->type.dtype() == DType::BF16;
  return half ? b.cast(element, DType::F32) : element;
}

namespace {
bool stays(Op &op) {
  return op.kind() == OpKind::Constant || spec(op.kind()).level != Level::Graph;
}

/// Why an op cannot be lowered, before anything is changed; nothing if it can.
std::optional<std::string> refusal(Op &op) {
  if (!selectorFor(op.kind()))
    return "no lowering for this operator yet";
  for (const std::unique_ptr<Value> &result : op.results())
    if (!result->type.isNone() && !result->type.isRanked())
      return "a result of unknown rank is not supported yet";
  return std::nullopt;
}
} // namespace

Result<bool> selectKernels(Module &module, PassContext &) {
  std::vector<Op *> work;
  Error missing = unsupported("");
  for (const std::unique_ptr<Op> &op : module.main().body.ops()) {
    if (stays(*op))
      continue;
    if (std::optional<std::string> why = refusal(*op))
      missing.notes.push_back(
          fmt::format("node '{}' ({}): {}", op->loc.str(), spec(op->kind()).name, *why));
    else
      work.push_back(op.get());
  }
  // A selector that refuses leaves its op, so that the others are still asked.
  for (Op *op : work) {
    Selection selection(module, *op);
    Result<void> done = selectorFor(op->kind())(selection);
    if (done)
      op->erase();
    else if (done.error().kind == ErrorKind::Unsupported)
      missing.notes.push_back(done.error().message);
    else
      return done.error();
  }
  if (missing.notes.empty())
    return !work.empty();
  missing.message = fmt::format("{} node{} cannot be compiled", missing.notes.size(),
                                missing.notes.size() == 1 ? "" : "s");
  return missing;
}

} // namespace cameo
