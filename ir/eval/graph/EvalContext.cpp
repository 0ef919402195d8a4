// Inputs, attributes, budgets and errors of one op's evaluation, and the table of evaluators; see
// EvalContext.h.
#include "ir/eval/graph/EvalContext.h"

#include "ir/OpSpec.h"
#include "ir/eval/graph/Elements.h"

#include <algorithm>
#include <cmath>

namespace cameo::eval {

#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  EvalResult evaluator(EvalContext &);
#include "ir/ops/Ops.def"

/// What rows of ops without an evaluator name; nobody calls it.
EvalResult notEvaluated(EvalContext &c) { return c.error("it has no evaluator"); }

EvalFn evaluatorOf(OpKind kind) {
  switch (kind) {
#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  case OpKind::kind:                                                                               \
    return evaluator == notEvaluated ? nullptr : evaluator;
#include "ir/ops/Ops.def"
  default:
    return nullptr;
  }
}

const Tensor &EvalContext::in(int64_t i) const {
  static const Tensor absent{DType::F32, {0}, nullptr, nullptr};
  return i < numInputs() && inputs_[i].isTensor() ? inputs_[i].tensor() : absent;
}

const Attr *EvalContext::attr(std::string_view name) const {
  if (const Attr *found = op.attrs.find(name))
    return found;
  const AttrSpec *row = spec(op.kind()).attribute(name);
  return row && row->otherwise ? &*row->otherwise : nullptr;
}

namespace {
/// The attribute as T, or `otherwise` where it is missing or of another kind (which only an op
/// that skipped inference can have).
template <class T> T attrOr(const Attr *attr, T otherwise) {
  const T *value = attr ? std::get_if<T>(attr) : nullptr;
  return value ? *value : otherwise;
}
} // namespace

int64_t EvalContext::intAttr(std::string_view name, int64_t otherwise) const {
  return attrOr(attr(name), otherwise);
}
double EvalContext::floatAttr(std::string_view name, double otherwise) const {
  // ONNX attributes are 32-bit; the op table's defaults are written as decimals.
  return static_cast<float>(attrOr(attr(name), otherwise));
}
std::string EvalContext::stringAttr(std::string_view name, std::string otherwise) const {
  return attrOr(attr(name), std::move(otherwise));
}
std::vector<int64_t> EvalContext::intsAttr(std::string_view name) const {
  return attrOr(attr(name), std::vector<int64_t>{});
}
std::vector<double> EvalContext::floatsAttr(std::string_view name) const {
  std::vector<double> values = attrOr(attr(name), std::vector<double>{});
  for (double &value : values)
    value = static_cast<float>(value);
  return values;
}
std::vector<std::string> EvalContext::stringsAttr(std::string_view name) const {
  return attrOr(attr(name), std::vector<std::string>{});
}
ConstRef EvalContext::constAttr(std::string_view name) const {
  return attrOr(attr(name), ConstRef{});
}

Result<Tensor> EvalContext::allocate(DType dtype, std::vector<int64_t> dims) {
  Result<Tensor> tensor = Tensor::allocate(state.memory, dtype, std::move(dims));
  if (!tensor)
    return error(tensor.error().message);
  TRY(charge(tensor->size()));
  return tensor;
}

namespace {
template <class W> Result<Tensor> convertWide(EvalContext &c, const Tensor &from, DType dtype) {
  // An F64 or I64 constant may be at an odd address: those are copied all the same.
  bool aligned = reinterpret_cast<uintptr_t>(from.data()) % 8 == 0;
  if (from.dtype == dtype && aligned)
    return from;
  Tensor to = TRY(c.allocate(dtype, from.dims));
  W row[256];
  int64_t size = from.size();
  for (int64_t i = 0; i < size; i += 256) {
    int64_t n = std::min<int64_t>(256, size - i);
    loadRow(from, i, 1, n, row);
    storeRow(to, i, 1, n, row);
  }
  return to;
}
} // namespace

Result<Tensor> EvalContext::toF64(const Tensor &tensor) {
  return convertWide<double>(*this, tensor, DType::F64);
}
Result<Tensor> EvalContext::toI64(const Tensor &tensor) {
  return convertWide<int64_t>(*this, tensor, DType::I64);
}
Result<Tensor> EvalContext::fromF64(const Tensor &tensor, DType dtype) {
  return convertWide<double>(*this, tensor, dtype);
}
Result<Tensor> EvalContext::fromI64(const Tensor &tensor, DType dtype) {
  return convertWide<int64_t>(*this, tensor, dtype);
}

Result<Tensor> EvalContext::broadcastF64(const Tensor &tensor, const std::vector<int64_t> &dims) {
  if (broadcastDims(tensor.dims, dims) != dims)
    return error("shape " + dimsText(tensor.dims) + " does not broadcast to " + dimsText(dims));
  if (tensor.dims == dims)
    return toF64(tensor);
  Tensor y = TRY(doubles(dims));
  RowWalk walk(dims, {broadcastStrides(tensor.dims, dims), rowMajor(dims)});
  for (; !walk.done(); walk.next())
    loadRow(tensor, walk.offset(0), walk.rowStride(0), walk.rowLength(),
            f64Out(y) + walk.offset(1));
  return y;
}

Result<std::vector<int64_t>> EvalContext::intList(int64_t input) {
  const Tensor &tensor = in(input);
  int64_t size = tensor.size();
  TRY(require(size <= 1'000'000, inputName(input) + ": expected a short list, got " +
                                     std::to_string(size) + " elements"));
  std::vector<int64_t> values(size);
  loadRow(tensor, 0, 1, size, values.data());
  return values;
}

Result<int64_t> EvalContext::intScalar(int64_t input) {
  TRY(require(in(input).size() == 1,
              inputName(input) + ": expected one element, got shape " + dimsText(in(input).dims)));
  return load<int64_t>(in(input), 0);
}

Result<double> EvalContext::floatScalar(int64_t input) {
  TRY(require(in(input).size() == 1,
              inputName(input) + ": expected one element, got shape " + dimsText(in(input).dims)));
  return load<double>(in(input), 0);
}

Result<void> EvalContext::charge(int64_t work) {
  if (work > state.workLeft)
    return error("evaluation exceeds the work budget of " +
                 std::to_string(state.options.workLimit) + " operations");
  state.workLeft -= work;
  if (state.options.seconds <= 0)
    return {};
  std::chrono::duration<double> taken = std::chrono::steady_clock::now() - state.start;
  if (taken.count() < state.options.seconds)
    return {};
  return error("the run has come to its limit of " +
               std::to_string(std::llround(state.options.seconds * 1000)) + " milliseconds");
}

Result<void> EvalContext::charge(std::initializer_list<int64_t> factors) {
  int64_t work = 1;
  for (int64_t factor : factors)
    if (__builtin_mul_overflow(work, factor, &work))
      work = INT64_MAX;
  return charge(work);
}

Error EvalContext::error(const std::string &message) const {
  return badInput("node '" + op.loc.str() + "' (" + std::string(spec(op.kind()).name) +
                  "): " + message);
}

Result<void> EvalContext::require(bool condition, const std::string &message) const {
  if (!condition)
    return error(message);
  return {};
}

Result<void> EvalContext::requireRank(int64_t i, int64_t rank) const {
  if (in(i).rank() != rank)
    return error(inputName(i) + ": expected rank " + std::to_string(rank) + ", got " +
                 std::to_string(in(i).rank()) + " " + dimsText(in(i).dims));
  return {};
}

Result<void> EvalContext::requireMinRank(int64_t i, int64_t rank) const {
  if (in(i).rank() < rank)
    return error(inputName(i) + ": expected rank " + std::to_string(rank) + " or more, got " +
                 std::to_string(in(i).rank()) + " " + dimsText(in(i).dims));
  return {};
}

Result<int64_t> EvalContext::axis(int64_t axis, int64_t rank) const {
  if (axis < -rank || axis >= rank)
    return error("axis " + std::to_string(axis) + " is outside rank " + std::to_string(rank));
  return axis < 0 ? axis + rank : axis;
}

Result<std::vector<int64_t>> EvalContext::axes(std::vector<int64_t> axes, int64_t rank) const {
  std::vector<bool> seen(rank);
  for (int64_t &value : axes) {
    value = TRY(axis(value, rank));
    if (seen[value])
      return error("axis " + std::to_string(value) + " is named twice");
    seen[value] = true;
  }
  return axes;
}

std::string EvalContext::inputName(int64_t i) const {
  const std::vector<FormalSpec> &formals = spec(op.kind()).inputs;
  if (formals.empty())
    return "input " + std::to_string(i);
  int64_t last = static_cast<int64_t>(formals.size()) - 1;
  return "input " + formals[std::min(i, last)].name;
}

} // namespace cameo::eval
