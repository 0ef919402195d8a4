// Evaluates at compile time what can be: ops whose results inference knows (shape arithmetic), and
// ops of constants, by the reference interpreter. Runs before anything else, so that shapes
// computed by nodes are numbers.
//
// A fold may not make a constant larger than its operands and 64 KB: a ConstantOfShape of a
// petabyte is 152 bytes of model. Time and memory are budgeted for the same reason.
#include "lowering/simplify/FoldConstants.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/Interpreter.h"
#include "ir/infer/Infer.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/LoopBuilder.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <unordered_set>

namespace cameo {
namespace {

constexpr int64_t kMaxGrowth = 64 << 10;
constexpr int64_t kMemoryLimit = int64_t(1) << 30;
constexpr int64_t kWorkLimit = 2'000'000'000;

bool isKnown(Op &op) {
  return std::all_of(
      op.results().begin(), op.results().end(),
      [](const std::unique_ptr<Value> &result) { return knownConstant(result.get()) != nullptr; });
}

void replaceKnown(Module &module, Op &op) {
  Builder b(module);
  b.before(&op);
  for (const std::unique_ptr<Value> &result : op.results()) {
    Value *constant = b.constant(knownConstant(result.get()));
    constant->name = result->name;
    result->replaceAllUsesWith(constant);
  }
}

void addUsers(Op &op, std::unordered_set<Op *> &users) {
  for (const std::unique_ptr<Value> &result : op.results())
    users.insert(result->users().begin(), result->users().end());
}

/// Infers an op's types again; whether anything about its results is new.
Result<bool> inferAgain(Module &module, Op &op) {
  std::vector<std::pair<Type, std::optional<Dims>>> before;
  for (const std::unique_ptr<Value> &result : op.results())
    before.push_back({result->type, result->known});
  TRY(inferOp(module, op));
  bool differs = false;
  for (size_t i = 0; i < before.size(); i++)
    differs = differs || !(op.result(i)->type == before[i].first) ||
              op.result(i)->known != before[i].second;
  return differs;
}

/// Whether the op's results are worth having as constants: known sizes, not grown past the limit.
bool mayFold(Op &op, int64_t growth) {
  if (op.operands().empty() || spec(op.kind()).isRandom() || op.numRegions() ||
      !hasEvaluator(op.kind()))
    return false;
  int64_t read = 0, made = 0;
  for (Value *operand : op.operands()) {
    if (!operand)
      continue;
    ConstRef data = constantData(operand);
    if (!data || data->dtype == DType::String)
      return false;
    read += static_cast<int64_t>(data->bytes.size());
  }
  for (const std::unique_ptr<Value> &result : op.results()) {
    if (result->type.isNone())
      continue;
    if (!result->type.isRanked() || result->type.dtype() == DType::String)
      return false;
    std::optional<std::vector<int64_t>> dims = constantDims(result->type.shape());
    std::optional<int64_t> count = dims ? checkedNumElements(*dims) : std::nullopt;
    if (!count || *count > (int64_t(1) << 40))
      return false;
    made += *count * dtypeBytes(result->type.dtype());
  }
  return made / growth <= std::max(read, kMaxGrowth);
}

Result<bool> evaluate(Module &module, Op &op) {
  std::vector<RuntimeValue> inputs;
  for (Value *operand : op.operands())
    inputs.push_back(operand ? RuntimeValue(TRY(Tensor::view(constantData(operand))))
                             : RuntimeValue());
  EvalOptions options;
  options.memoryLimit = kMemoryLimit;
  options.workLimit = kWorkLimit;
  Result<std::vector<Tensor>> results = evalOp(op, inputs, options);
  // What the interpreter refuses is an error of the run, if the op ever runs: not of compilation.
  if (!results)
    return false;
  Builder b(module);
  b.before(&op);
  for (size_t i = 0; i < results->size(); i++) {
    const Tensor &tensor = (*results)[i];
    auto data = std::make_shared<ConstData>();
    data->dtype = tensor.dtype;
    data->dims = tensor.dims;
    data->bytes = {tensor.data(), static_cast<size_t>(tensor.numBytes())};
    data->owner = tensor.bytes;
    data->name = op.result(i)->name;
    Value *constant = b.constant(data);
    constant->name = data->name;
    op.result(i)->replaceAllUsesWith(constant);
  }
  return true;
}

} // namespace

ConstRef knownConstant(const Value *value) {
  if (!value->known || !value->type.isRanked() ||
      !(isInt(value->type.dtype()) || value->type.dtype() == DType::Bool))
    return nullptr;
  std::optional<std::vector<int64_t>> elements = constantDims(*value->known);
  std::optional<std::vector<int64_t>> dims = constantDims(value->type.shape());
  if (!elements || !dims)
    return nullptr;
  DType dtype = value->type.dtype();
  int64_t size = dtypeBytes(dtype);
  std::vector<std::byte> bytes(elements->size() * size);
  for (size_t i = 0; i < elements->size(); i++)
    std::copy_n(reinterpret_cast<const std::byte *>(&(*elements)[i]), size, &bytes[i * size]);
  return makeConst(dtype, *dims, std::move(bytes), value->name);
}

Result<bool> foldOp(Module &module, Op &op, int64_t growth) {
  return mayFold(op, growth) ? evaluate(module, op) : Result<bool>(false);
}

Result<bool> foldConstants(Module &module, PassContext &) {
  bool changed = false;
  std::vector<Op *> ops;
  for (Op *op : opsOf(module.main()))
    if (op->kind() != OpKind::Constant && spec(op->kind()).level == Level::Graph)
      ops.push_back(op);
  // Ops after a fold may have sizes now that were symbols before.
  std::unordered_set<Op *> stale;
  for (Op *op : ops) {
    if (stale.count(op) && op->numRegions() == 0 && TRY(inferAgain(module, *op)))
      addUsers(*op, stale);
    bool known = isKnown(*op);
    if (!known && !mayFold(*op, 1))
      continue;
    addUsers(*op, stale);
    if (known)
      replaceKnown(module, *op);
    else if (!TRY(evaluate(module, *op)))
      continue;
    op->erase();
    changed = true;
  }
  return changed;
}

} // namespace cameo
