// If, Loop, Scan and SequenceMap: ops whose regions the interpreter runs. A Loop that never ends is
// stopped by the work budget, of which every op of every iteration takes some.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

/// Runs region i of the op; an error if it cannot or yields another number of values than expected.
Result<Values> runRegion(EvalContext &c, int64_t i, Values arguments, int64_t expected) {
  TRY(c.require(c.state.runRegion && i < c.op.numRegions(), "has no region to run here"));
  TRY(c.require(c.op.region(i).numArgs() == static_cast<int64_t>(arguments.size()),
                "its region takes another number of values"));
  Values results = TRY(c.state.runRegion(c.op.region(i), std::move(arguments)));
  TRY(c.require(static_cast<int64_t>(results.size()) == expected,
                "its region yields another number of values"));
  return results;
}

/// What a result holds when no iteration yields an element: an empty dim `axis`, the others as far
/// as inference knows them, else empty too.
Result<Tensor> emptyStack(EvalContext &c, int64_t result, int64_t axis) {
  const Type &type = c.op.result(result)->type;
  TRY(c.require(type.isTensor(), "an output of no iterations has no known type"));
  std::vector<int64_t> dims = {0};
  if (type.isRanked()) {
    dims.clear();
    for (int64_t d = 0; d < type.rank(); d++)
      dims.push_back(d != axis && type.dim(d).isConst() ? type.dim(d).value() : 0);
  }
  return c.allocate(type.dtype(), dims);
}

/// Tensors of one shape along a new axis (of the result's rank), in the order given: `count` of
/// them, of which those without elements may be left out.
Result<Tensor> stack(EvalContext &c, const std::vector<Tensor> &slices, int64_t count,
                     int64_t result, int64_t axis) {
  const Type &type = c.op.result(result)->type;
  if (slices.empty()) {
    int64_t rank = type.isTensor() && type.isRanked() ? type.rank() : 1;
    return emptyStack(c, result, TRY(c.axis(axis, std::max<int64_t>(rank, 1))));
  }
  const Tensor &first = slices.front();
  axis = TRY(c.axis(axis, first.rank() + 1));
  std::vector<int64_t> dims = first.dims;
  dims.insert(dims.begin() + axis, count);
  Tensor y = TRY(c.allocate(first.dtype, dims));
  int64_t outer = product(first.dims, 0, axis), inner = product(first.dims, axis, first.rank());
  for (size_t i = 0; i < slices.size(); i++) {
    TRY(c.require(slices[i].dims == first.dims && slices[i].dtype == first.dtype,
                  "iterations yield shapes " + dimsText(first.dims) + " and " +
                      dimsText(slices[i].dims)));
    for (int64_t o = 0; y.size() > 0 && o < outer; o++)
      copyElements(y, (o * dims[axis] + static_cast<int64_t>(i)) * inner, 1, slices[i], o * inner,
                   1, inner);
  }
  return y;
}

/// The slice at `index` of a tensor along an axis, which goes.
Result<Tensor> sliceAt(EvalContext &c, const Tensor &x, int64_t axis, int64_t index) {
  std::vector<int64_t> dims = x.dims, strides = rowMajor(x.dims);
  int64_t offset = index * strides[axis];
  dims.erase(dims.begin() + axis);
  strides.erase(strides.begin() + axis);
  Tensor y = TRY(c.allocate(x.dtype, dims));
  copyBox(y, 0, rowMajor(dims), x, offset, strides, dims);
  return y;
}

bool hasNoElements(const RuntimeValue &value) {
  return value.isTensor() && value.tensor().size() == 0;
}

Result<void> collect(EvalContext &c, const RuntimeValue &value, std::vector<Tensor> &slices) {
  TRY(c.require(value.isTensor(), "only tensors can be stacked over iterations"));
  slices.push_back(value.tensor());
  return {};
}

} // namespace

/// Regions: then, else.
EvalResult evalIf(EvalContext &c) {
  bool condition = TRY(c.intScalar(0)) != 0;
  return runRegion(c, condition ? 0 : 1, {}, c.op.numResults());
}

/// Inputs M, cond, carried values; the body takes trip number, condition and carried values and
/// yields condition, carried values and tensors to stack.
EvalResult evalLoop(EvalContext &c) {
  int64_t trips = c.has(0) ? TRY(c.intScalar(0)) : INT64_MAX;
  bool condition = !c.has(1) || TRY(c.intScalar(1)) != 0;
  int64_t carriedCount = std::max<int64_t>(c.numInputs() - 2, 0);
  int64_t stacked = c.op.numResults() - carriedCount;
  TRY(c.require(stacked >= 0, "has fewer outputs than carried values"));
  Values carried;
  for (int64_t i = 0; i < carriedCount; i++)
    carried.push_back(c.value(i + 2));
  std::vector<std::vector<Tensor>> slices(stacked);
  for (int64_t trip = 0; trip < trips && condition; trip++) {
    TRY(c.charge(1000));
    Tensor tripTensor = TRY(c.ints({})), conditionTensor = TRY(c.allocate(DType::Bool, {}));
    i64Out(tripTensor)[0] = trip;
    store<uint64_t>(conditionTensor, 0, 1);
    Values arguments = {tripTensor, conditionTensor};
    std::move(carried.begin(), carried.end(), std::back_inserter(arguments));
    Values yields = TRY(runRegion(c, 0, std::move(arguments), 1 + carriedCount + stacked));
    TRY(c.require(yields[0].isTensor() && yields[0].tensor().dtype == DType::Bool &&
                      yields[0].tensor().size() == 1,
                  "its body yields a condition that is no bool"));
    condition = load<uint64_t>(yields[0].tensor(), 0) != 0;
    carried.assign(yields.begin() + 1, yields.begin() + 1 + carriedCount);
    for (int64_t i = 0; i < stacked; i++)
      TRY(collect(c, yields[1 + carriedCount + i], slices[i]));
  }
  for (int64_t i = 0; i < stacked; i++)
    carried.emplace_back(TRY(stack(c, slices[i], slices[i].size(), carriedCount + i, 0)));
  return carried;
}

namespace {
/// `values[i]`, or 0 where the list is shorter: directions and axes default to 0.
int64_t entryOr0(const std::vector<int64_t> &values, int64_t i) {
  return i < static_cast<int64_t>(values.size()) ? values[i] : 0;
}

/// Axes and length of the tensors that a Scan walks through.
struct ScanInputs {
  std::vector<int64_t> axes;
  int64_t length = -1;
};

Result<ScanInputs> scanInputs(EvalContext &c, int64_t states, int64_t scanned) {
  ScanInputs inputs;
  std::vector<int64_t> axes = c.intsAttr("scan_input_axes");
  for (int64_t i = 0; i < scanned; i++) {
    const Tensor &x = c.in(states + i);
    int64_t axis = TRY(c.axis(entryOr0(axes, i), x.rank()));
    inputs.axes.push_back(axis);
    TRY(c.require(inputs.length < 0 || inputs.length == x.dims[axis],
                  "scanned inputs differ in length"));
    inputs.length = x.dims[axis];
  }
  return inputs;
}

/// A Scan's states keep their shapes.
Result<void> expectState(EvalContext &c, int64_t i, const RuntimeValue &state) {
  if (!state.isTensor() || !c.value(i).isTensor())
    return {};
  const std::vector<int64_t> &before = c.in(i).dims, &after = state.tensor().dims;
  return c.require(before == after, "a state: expected shape " + dimsText(before) +
                                        " as before the iteration, got " + dimsText(after));
}
} // namespace

/// Inputs: states, then tensors to walk through; the body takes states and slices and yields states
/// and tensors to stack.
EvalResult evalScan(EvalContext &c) {
  int64_t scanned = c.intAttr("num_scan_inputs"), states = c.numInputs() - scanned;
  int64_t stacked = c.op.numResults() - states;
  TRY(c.require(scanned >= 1 && states >= 0 && stacked >= 0, "num_scan_inputs is out of range"));
  ScanInputs inputs = TRY(scanInputs(c, states, scanned));
  std::vector<int64_t> inDirections = c.intsAttr("scan_input_directions");
  std::vector<int64_t> outDirections = c.intsAttr("scan_output_directions");
  std::vector<int64_t> outAxes = c.intsAttr("scan_output_axes");
  Values carried;
  for (int64_t i = 0; i < states; i++)
    carried.push_back(c.value(i));
  std::vector<std::vector<Tensor>> slices(stacked);
  for (int64_t step = 0; step < inputs.length; step++) {
    TRY(c.charge(1000));
    Values arguments = std::move(carried);
    for (int64_t i = 0; i < scanned; i++) {
      int64_t index = entryOr0(inDirections, i) ? inputs.length - 1 - step : step;
      arguments.emplace_back(TRY(sliceAt(c, c.in(states + i), inputs.axes[i], index)));
    }
    Values yields = TRY(runRegion(c, 0, std::move(arguments), c.op.numResults()));
    carried.assign(yields.begin(), yields.begin() + states);
    for (int64_t i = 0; i < states; i++)
      TRY(expectState(c, i, carried[i]));
    for (int64_t i = 0; i < stacked; i++)
      TRY(collect(c, yields[states + i], slices[i]));
    // Shapes stay, so all other iterations are like this one.
    if (std::all_of(yields.begin(), yields.end(), hasNoElements))
      break;
  }
  for (int64_t i = 0; i < stacked; i++) {
    if (entryOr0(outDirections, i))
      std::reverse(slices[i].begin(), slices[i].end());
    carried.emplace_back(TRY(stack(c, slices[i], inputs.length, states + i, entryOr0(outAxes, i))));
  }
  return carried;
}

/// Inputs: a sequence, then sequences of the same length, of which the body takes an element at a
/// time, or tensors, which it takes whole; it yields elements of the resulting sequences.
EvalResult evalSequenceMap(EvalContext &c) {
  size_t count = c.value(0).sequence().items.size();
  std::vector<std::shared_ptr<Sequence>> results(c.op.numResults());
  for (size_t i = 0; i < results.size(); i++) {
    results[i] = std::make_shared<Sequence>();
    results[i]->dtype = c.op.result(static_cast<int64_t>(i))->type.element().dtype();
  }
  for (size_t step = 0; step < count; step++) {
    TRY(c.charge(1000));
    Values arguments;
    for (int64_t i = 0; i < c.numInputs(); i++) {
      const RuntimeValue &value = c.value(i);
      bool whole = !value.isSequence();
      TRY(c.require(whole || value.sequence().items.size() == count, "sequences differ in length"));
      arguments.push_back(whole ? value : value.sequence().items[step]);
    }
    Values yields = TRY(runRegion(c, 0, std::move(arguments), c.op.numResults()));
    for (size_t i = 0; i < results.size(); i++)
      results[i]->items.push_back(std::move(yields[i]));
  }
  Values values;
  for (std::shared_ptr<Sequence> &result : results)
    values.emplace_back(std::shared_ptr<const Sequence>(std::move(result)));
  return values;
}

} // namespace cameo::eval
