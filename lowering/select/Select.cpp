// The pass that selects kernels; see Select.h.
#include "lowering/select/Select.h"

#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Rewrite.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ShareConstants.h"
#include "lowering/select/RunTimeShapes.h"
#include "lowering/select/SelectCall.h"
#include "lowering/select/SelectControl.h"
#include "lowering/simplify/FoldConstants.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
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

void Selection::refuse(const std::string &reason) const {
  throw Refusal{unsupportedBecause(reason)};
}

/// What rows of ops without a selector name; nobody calls it.
Result<void> notSelected(Selection &s) { return s.unsupportedBecause("it has no selector"); }

SelectFn selectorFor(OpKind kind) {
  switch (kind) {
#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  case OpKind::kind:                                                                               \
    return selector == notSelected ? nullptr : selector;
#include "ir/ops/Ops.def"
  default:
    return nullptr;
  }
}

Result<Value *> lowered(Selection &s, OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  // Weights are rearranged and padded here, for which a few times their size is the price.
  constexpr int64_t growth = 16;
  Op *op = TRY(s.b.graph(kind, std::move(operands), std::move(attrs)));
  // Rearranged weights are the user's still.
  if (constantData(op->operand(0)))
    op->result()->name = op->operand(0)->name;
  // The identity's operand tells what the op's result was replaced with.
  Op *use = s.b.create(OpKind::Identity, {op->result()}, {op->result()->type});
  if (!TRY(foldOp(s.module, *op, growth))) {
    Selection selection(s.module, *op, s.context);
    SelectFn selector = selectorFor(kind);
    ICE_UNLESS(selector, fmt::format("no selector for {}", spec(kind).name));
    TRY(selector(selection));
  }
  Value *value = use->operand(0);
  use->erase();
  op->erase();
  return value;
}

namespace {

/// Constants of numbers stay; those of strings are made by the run.
bool isGraphOp(Op &op) {
  bool stays = op.kind() == OpKind::Constant && !isBoxed(op.result()->type);
  return !stays && spec(op.kind()).level == Level::Graph;
}

/// Whether inference knows all elements of all results as sizes: shape arithmetic that survived
/// because something reads the numbers.
bool isKnown(Op &op) {
  bool known = op.numResults() == 1 && op.result()->known && isInt(op.result()->type.dtype());
  return known && constantDims(op.result()->type.shape());
}

/// Whether every size in a type follows from the inputs' sizes.
bool isBound(const Type &type, const std::vector<std::string> &bound) {
  return std::all_of(type.shape().begin(), type.shape().end(),
                     [&](const Dim &dim) { return missingSymbols(dim, bound).empty(); });
}

Result<void> checkTypes(const Selection &s, const std::vector<std::unique_ptr<Value>> &values,
                        const std::vector<std::string> &bound) {
  for (const std::unique_ptr<Value> &value : values) {
    const Type &type = value->type;
    if (type.isNone())
      continue;
    if (isBoxed(type)) {
      if (!isControlFlow(s.op))
        return s.unsupportedBecause(type.str() + " is not supported yet");
      continue;
    }
    if (!isBound(type, bound))
      return s.unsupportedBecause(
          fmt::format("a shape known only at run time, {}, is not supported yet", type.str()));
  }
  return {};
}

/// Branches and loops stay; ops inside are selected one by one.
Result<void> selectControlFlow(Selection &s, std::vector<std::string> &bound) {
  if (s.op.kind() != OpKind::If && s.op.kind() != OpKind::Loop)
    return s.unsupportedBecause("no lowering for this operator yet");
  TRY(s.op.kind() == OpKind::If ? selectIf(s, bound) : selectLoop(s, bound));
  TRY(checkTypes(s, s.op.results(), bound));
  for (int64_t i = 0; i < s.op.numRegions(); i++)
    TRY(checkTypes(s, s.op.region(i).args(), bound));
  return {};
}

Result<void> selectOne(Selection &s, std::vector<std::string> &bound) {
  if (const CallRow *row = callFor(s.op))
    return selectCall(s, *row, bound);
  if (isControlFlow(s.op))
    return selectControlFlow(s, bound);
  for (const Value *operand : s.op.operands())
    if (operand && isBoxed(operand->type))
      return s.unsupportedBecause("an input of type " + operand->type.str() +
                                  " is not supported yet");
  TRY(defineSizes(s, bound));
  TRY(checkTypes(s, s.op.results(), bound));
  if (isKnown(s.op))
    return selectKnown(s);
  if (SelectFn selector = selectorFor(s.op.kind()))
    return selector(s);
  return s.unsupportedBecause("no lowering for this operator yet");
}

/// What is wrong with the sizes that an op and those inside it speak of; nothing if all is well.
std::optional<std::string> impossibleSizes(const Op &op) {
  for (const std::unique_ptr<Value> &result : op.results())
    if (std::optional<std::string> problem = cameo::impossibleSizes(result->type))
      return "a tensor on the way " + *problem;
  for (const auto &[name, attr] : op.attrs)
    if (const Dims *dims = std::get_if<Dims>(&attr))
      if (std::any_of(dims->begin(), dims->end(), [](const Dim &dim) { return dim.isOverflow(); }))
        return "a size on the way overflows 64 bits";
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      if (std::optional<std::string> problem = impossibleSizes(*inner))
        return problem;
  return std::nullopt;
}

/// Selects one op and checks the sizes of what it became: those in between may be impossible where
/// the op's own are not.
Result<void> selectChecked(Selection &s, std::vector<std::string> &bound) {
  Block::List &ops = s.op.block()->ops();
  auto before = s.op.position() == ops.begin() ? ops.end() : std::prev(s.op.position());
  try {
    TRY(selectOne(s, bound));
  } catch (const Refusal &refusal) {
    return refusal.error;
  }
  for (auto made = before == ops.end() ? ops.begin() : std::next(before); made != s.op.position();
       ++made) {
    for (int64_t i = 0; !isControlFlow(**made) && i < (*made)->numRegions(); i++)
      shareConstants((*made)->region(i));
    if (std::optional<std::string> problem = impossibleSizes(**made))
      // Of status 2: what is unsupported may stay and die, but the op's uses are gone already.
      return badInput(s.unsupportedBecause(*problem).message);
  }
  return {};
}

} // namespace

Result<bool> selectKernels(Module &module, PassContext &context) {
  std::vector<std::string> bound = boundSymbols(module.main());
  std::vector<Op *> work;
  for (Op *op : opsOf(module.main()))
    if (isGraphOp(*op))
      work.push_back(op);
  // Ops that cannot be lowered stay for now. Those that only fed shapes, which are in the types,
  // are dead and go below; the others are reported all at once.
  std::unordered_map<Op *, std::string> refused;
  for (Op *op : work) {
    Selection selection(module, *op, context);
    Result<void> done = selectChecked(selection, bound);
    if (done && !isControlFlow(*op))
      op->erase();
    else if (done)
      continue;
    else if (done.error().kind == ErrorKind::Unsupported)
      refused[op] = done.error().message;
    else
      return done.error();
  }
  TRY(removeDeadOps(module, context));
  Error missing = unsupported("");
  for (Op *op : opsOf(module.main()))
    if (refused.count(op))
      missing.notes.push_back(refused.at(op));
  if (missing.notes.empty())
    return !work.empty();
  missing.message = fmt::format("{} node{} cannot be compiled", missing.notes.size(),
                                missing.notes.size() == 1 ? "" : "s");
  return missing;
}

} // namespace cameo
