// Walks functions and regions, keeps values until their last use, and checks what goes into and
// comes out of each evaluator; see Interpreter.h.
#include "ir/eval/graph/Interpreter.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>
#include <unordered_map>
#include <unordered_set>

namespace cameo {
namespace eval {
namespace {

std::string nodeName(Op &op) {
  return "node '" + op.loc.str() + "' (" + std::string(spec(op.kind()).name) + ")";
}

/// What is wrong with a value as one of this type; "" if nothing. A known size that differs is
/// wrong only where it is a constant.
std::string mismatch(const Type &type, const RuntimeValue &value) {
  if (type.kind() == Type::Kind::Optional)
    return value.isNone() ? "" : mismatch(type.element(), value);
  if (value.isNone())
    return type.isNone() ? "" : "expected " + type.str() + ", got nothing";
  if (type.isNone())
    return "";
  if (type.kind() == Type::Kind::Sequence) {
    if (!value.isSequence())
      return "expected a sequence, got a tensor";
    for (const RuntimeValue &item : value.sequence().items)
      if (std::string wrong = mismatch(type.element(), item); !wrong.empty())
        return "an element: " + wrong;
    return "";
  }
  if (!type.isTensor() || !value.isTensor())
    return "expected " + type.str() + ", got " + (value.isTensor() ? "a tensor" : "a sequence");
  const Tensor &tensor = value.tensor();
  bool fits = tensor.dtype == type.dtype();
  if (fits && type.isRanked()) {
    fits = tensor.rank() == type.rank();
    for (int64_t i = 0; fits && i < type.rank(); i++)
      fits = !type.dim(i).isConst() || type.dim(i).value() == tensor.dims[i];
  }
  if (fits)
    return "";
  return "expected " + type.str() + ", got " + std::string(dtypeName(tensor.dtype)) +
         dimsText(tensor.dims);
}

/// Which values die after each op of a block: those the block defines, after the last op that uses
/// them, itself or in a nested region.
struct Lifetimes {
  std::unordered_map<Op *, std::vector<Value *>> deaths;
};

Op *ancestorIn(Block &block, Op *op) {
  while (op && op->block() != &block)
    op = op->block() ? op->block()->parentOp() : nullptr;
  return op;
}

Lifetimes lifetimesOf(Block &block) {
  std::unordered_map<Op *, int64_t> order;
  for (const std::unique_ptr<Op> &op : block.ops())
    order.emplace(op.get(), static_cast<int64_t>(order.size()));
  Lifetimes lifetimes;
  auto addDeath = [&](Value *value, Op *last) {
    for (Op *user : value->users())
      if (Op *ancestor = ancestorIn(block, user);
          ancestor && (!last || order[ancestor] > order[last]))
        last = ancestor;
    if (last)
      lifetimes.deaths[last].push_back(value);
  };
  for (const std::unique_ptr<Value> &arg : block.args())
    addDeath(arg.get(), nullptr);
  for (const std::unique_ptr<Op> &op : block.ops())
    for (const std::unique_ptr<Value> &result : op->results())
      addDeath(result.get(), op.get());
  return lifetimes;
}

class Machine {
public:
  explicit Machine(const EvalOptions &options) : state_(options) {
    state_.runRegion = [this](Block &block, Values arguments) {
      return runBlock(block, std::move(arguments));
    };
  }

  EvalResult runBlock(Block &block, Values arguments);

private:
  /// Nested regions recurse; models nest a few deep.
  static constexpr int64_t kMaxDepth = 100;

  Result<Values> operandsOf(Op &op);

  EvalState state_;
  std::unordered_map<Value *, RuntimeValue> values_;
  std::unordered_map<Block *, Lifetimes> lifetimes_;
  int64_t depth_ = 0;
};

Result<Values> Machine::operandsOf(Op &op) {
  Values operands;
  for (Value *operand : op.operands()) {
    if (!operand) {
      operands.emplace_back();
      continue;
    }
    auto found = values_.find(operand);
    if (found == values_.end())
      return badInput(nodeName(op) + ": a value is used before it is computed");
    operands.push_back(found->second);
  }
  return operands;
}

EvalResult Machine::runBlock(Block &block, Values arguments) {
  if (depth_ >= kMaxDepth)
    return badInput("regions are nested more than " + std::to_string(kMaxDepth) + " deep");
  auto [entry, isNew] = lifetimes_.try_emplace(&block);
  if (isNew)
    entry->second = lifetimesOf(block);
  // References into an unordered_map stay valid while nested blocks add entries.
  Lifetimes &lifetimes = entry->second;
  for (int64_t i = 0; i < block.numArgs(); i++)
    values_[block.arg(i)] = std::move(arguments[i]);
  depth_++;
  for (const std::unique_ptr<Op> &op : block.ops()) {
    // Evaluators see to what they require of sizes themselves.
    if (op->kind() == OpKind::KernelGuard)
      continue;
    Values operands = TRY(operandsOf(*op));
    if (op->kind() == OpKind::LoopYield || op->kind() == OpKind::LoopReturn) {
      for (Value *value : lifetimes.deaths[op.get()])
        values_.erase(value);
      depth_--;
      return operands;
    }
    Values results = TRY(evalOpValues(*op, operands, state_));
    operands.clear();
    if (state_.options.observer)
      state_.options.observer(*op, results);
    for (int64_t i = 0; i < op->numResults(); i++)
      values_[op->result(i)] = std::move(results[i]);
    if (auto dead = lifetimes.deaths.find(op.get()); dead != lifetimes.deaths.end())
      for (Value *value : dead->second)
        values_.erase(value);
  }
  return badInput("a block has no terminator");
}

/// Binds and compares the sizes of symbols over all arguments.
Result<void> checkSymbols(Func &func, const Values &inputs) {
  std::map<std::string, int64_t> sizes;
  for (int64_t i = 0; i < func.body.numArgs(); i++) {
    const Type &type = func.body.arg(i)->type;
    if (!type.isRanked())
      continue;
    for (int64_t d = 0; d < type.rank(); d++) {
      std::optional<std::string> symbol = type.dim(d).symbolName();
      int64_t size = symbol ? inputs[i].tensor().dims[d] : 0;
      if (!symbol || sizes.try_emplace(*symbol, size).first->second == size)
        continue;
      return badInput("input '" + func.body.arg(i)->name + "': expected " + *symbol + " = " +
                      std::to_string(sizes[*symbol]) + " in dim " + std::to_string(d) + ", got " +
                      std::to_string(size));
    }
  }
  return {};
}

/// Small tables are std::vectors of a size the model may choose; running out is the model's fault.
EvalResult callEvaluator(EvalFn function, EvalContext &context) {
  try {
    return function(context);
  } catch (const std::bad_alloc &) {
    return context.error("out of memory");
  } catch (const std::length_error &) {
    return context.error("out of memory");
  }
}

} // namespace

EvalResult evalOpValues(Op &op, std::span<const RuntimeValue> inputs, EvalState &state) {
  EvalFn function = evaluatorOf(op.kind());
  if (!function)
    return unsupported(nodeName(op) + ": the interpreter cannot evaluate this op");
  EvalContext context(op, inputs, state);
  // What an op costs besides its elements; also what ends a loop that does nothing.
  TRY(context.charge(1000));
  const OpSpec &row = spec(op.kind());
  for (int64_t i = 0; i < op.numOperands(); i++) {
    if (!op.operand(i))
      continue;
    if (std::string wrong = mismatch(op.operand(i)->type, inputs[i]); !wrong.empty())
      return context.error(context.inputName(i) + ": " + wrong);
  }
  for (int64_t i = 0; i < row.minOperands(); i++)
    if (!row.inputs[i].optional && (i >= op.numOperands() || !op.operand(i)))
      return context.error(context.inputName(i) + " is missing");
  EvalResult evaluated = callEvaluator(function, context);
  if (!evaluated)
    return evaluated.error();
  Values results = std::move(*evaluated);
  results.resize(op.numResults());
  for (int64_t i = 0; i < op.numResults(); i++)
    if (std::string wrong = mismatch(op.result(i)->type, results[i]); !wrong.empty())
      return context.error("result " + std::to_string(i) + ": " + wrong);
  return results;
}

} // namespace eval

Result<std::vector<RuntimeValue>> interpret(Func &func, std::vector<RuntimeValue> inputs,
                                            const EvalOptions &options) {
  int64_t expected = func.body.numArgs(), got = static_cast<int64_t>(inputs.size());
  if (expected != got)
    return badInput("expected " + std::to_string(expected) + " inputs, got " + std::to_string(got));
  for (int64_t i = 0; i < expected; i++) {
    Value &arg = *func.body.arg(i);
    if (std::string wrong = eval::mismatch(arg.type, inputs[i]); !wrong.empty())
      return badInput("input '" + arg.name + "': " + wrong);
  }
  TRY(eval::checkSymbols(func, inputs));
  return eval::Machine(options).runBlock(func.body, std::move(inputs));
}

Result<std::vector<Tensor>> evalOp(Op &op, const std::vector<RuntimeValue> &inputs,
                                   const EvalOptions &options) {
  if (op.numRegions() || static_cast<int64_t>(inputs.size()) != op.numOperands())
    return badInput(eval::nodeName(op) + ": cannot be evaluated alone");
  eval::EvalState state(options);
  std::vector<RuntimeValue> results = TRY(eval::evalOpValues(op, inputs, state));
  std::vector<Tensor> tensors;
  for (const RuntimeValue &result : results) {
    if (!result.isTensor() && !result.isNone())
      return unsupported(eval::nodeName(op) + ": gives a value that is not a tensor");
    tensors.push_back(result.isTensor() ? result.tensor() : Tensor{});
  }
  return tensors;
}

bool hasEvaluator(OpKind kind) { return eval::evaluatorOf(kind) != nullptr; }

} // namespace cameo
