// What one op's evaluator sees: its inputs, attributes with the op table's defaults, allocation and
// work accounting against the budgets, and errors that name the node. Evaluators are plain
// functions `EvalResult evalX(EvalContext &)`, named by the op table's rows; several kinds may
// share one. They may rely on operand element types (checked against the IR's types before the
// call), not on ranks or sizes, which may be known only at run time.
#pragma once

#include "ir/Op.h"
#include "ir/eval/graph/Interpreter.h"
#include "ir/eval/graph/Tensor.h"

#include <chrono>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cameo::eval {

using Values = std::vector<RuntimeValue>;
using EvalResult = Result<Values>;

/// The budgets of one interpret() or evalOp(), and the hook through which control flow ops evaluate
/// their regions.
struct EvalState {
  explicit EvalState(const EvalOptions &options)
      : options(options), memory(std::make_shared<MemoryBudget>(options.memoryLimit)),
        workLeft(options.workLimit), start(std::chrono::steady_clock::now()) {}

  const EvalOptions &options;
  std::shared_ptr<MemoryBudget> memory;
  int64_t workLeft;
  std::chrono::steady_clock::time_point start;
  /// Evaluates a region for given arguments; the values its `yield` names. Empty outside
  /// interpret().
  std::function<EvalResult(Block &, Values arguments)> runRegion;
};

class EvalContext {
public:
  EvalContext(Op &op, std::span<const RuntimeValue> inputs, EvalState &state)
      : op(op), state(state), inputs_(inputs) {}

  Op &op;
  EvalState &state;

  int64_t numInputs() const { return static_cast<int64_t>(inputs_.size()); }
  bool has(int64_t i) const { return i < numInputs() && !inputs_[i].isNone(); }
  const RuntimeValue &value(int64_t i) const { return inputs_[i]; }
  /// Input i. evalOpValues checked that required ones are there and that tensors are tensors; an
  /// absent one reads as an empty tensor, so that messages may mention it.
  const Tensor &in(int64_t i) const;
  /// Whether anybody may want result i.
  bool wantsResult(int64_t i) const { return i < op.numResults(); }
  DType resultDType(int64_t i) const { return op.result(i)->type.dtype(); }

  /// Attributes; a missing one has the op table's default, else zero or empty.
  bool hasAttr(std::string_view name) const { return attr(name) != nullptr; }
  int64_t intAttr(std::string_view name, int64_t otherwise = 0) const;
  double floatAttr(std::string_view name, double otherwise = 0) const;
  std::string stringAttr(std::string_view name, std::string otherwise = "") const;
  std::vector<int64_t> intsAttr(std::string_view name) const;
  std::vector<double> floatsAttr(std::string_view name) const;
  std::vector<std::string> stringsAttr(std::string_view name) const;
  ConstRef constAttr(std::string_view name) const;

  /// A zeroed tensor, counted against the budgets.
  Result<Tensor> allocate(DType dtype, std::vector<int64_t> dims);
  /// Temporary doubles or integers, zeroed.
  Result<Tensor> doubles(std::vector<int64_t> dims) {
    return allocate(DType::F64, std::move(dims));
  }
  Result<Tensor> ints(std::vector<int64_t> dims) { return allocate(DType::I64, std::move(dims)); }
  /// The tensor's elements as F64 or I64 (a copy unless it is already that).
  Result<Tensor> toF64(const Tensor &tensor);
  Result<Tensor> toI64(const Tensor &tensor);
  /// The F64 tensor rounded once (integers: truncated, saturated) to a type.
  Result<Tensor> fromF64(const Tensor &tensor, DType dtype);
  /// The I64 tensor wrapped to an integer type.
  Result<Tensor> fromI64(const Tensor &tensor, DType dtype);
  /// The tensor as F64, repeated to the dims it must broadcast to.
  Result<Tensor> broadcastF64(const Tensor &tensor, const std::vector<int64_t> &dims);
  /// All elements of a small integer tensor; more than a million is an error.
  Result<std::vector<int64_t>> intList(int64_t input);
  /// The one element of an input.
  Result<int64_t> intScalar(int64_t input);
  Result<double> floatScalar(int64_t input);

  /// Takes scalar operations from the work budget; an error when that or the time is used up.
  Result<void> charge(int64_t work);
  /// The same for a product of counts, which may overflow.
  Result<void> charge(std::initializer_list<int64_t> factors);

  /// An error naming the op's node.
  Error error(const std::string &message) const;
  Result<void> require(bool condition, const std::string &message) const;
  /// Input `i` must have this rank, or at least this rank.
  Result<void> requireRank(int64_t i, int64_t rank) const;
  Result<void> requireMinRank(int64_t i, int64_t rank) const;
  /// axis in [-rank, rank) made non-negative.
  Result<int64_t> axis(int64_t axis, int64_t rank) const;
  /// The same for a list, which may name no axis twice.
  Result<std::vector<int64_t>> axes(std::vector<int64_t> axes, int64_t rank) const;
  /// The formal name of input i.
  std::string inputName(int64_t i) const;

private:
  const Attr *attr(std::string_view name) const;

  std::span<const RuntimeValue> inputs_;
};

using EvalFn = EvalResult (*)(EvalContext &);

/// The evaluator of a kind, nullptr if there is none.
EvalFn evaluatorOf(OpKind kind);

/// Checks inputs against the op's operand types, evaluates, checks the results' types.
EvalResult evalOpValues(Op &op, std::span<const RuntimeValue> inputs, EvalState &state);

/// One-element results list.
inline EvalResult one(Tensor tensor) {
  Values values;
  values.emplace_back(std::move(tensor));
  return values;
}

} // namespace cameo::eval
