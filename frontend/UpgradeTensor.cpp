// Upgrade steps of operators that move or reduce data. Most turned an attribute into an input.
#include "frontend/UpgradeSteps.h"

#include "support/Text.h"

namespace cameo {
namespace {

/// A list attribute that became the optional int64 input `index`; nothing to do without it.
Result<void> listToInput(Upgrade &u, const char *name, size_t index) {
  if (u.node.attrs.has(name))
    u.setInput(index, u.ints(TRY(u.takeInts(name))));
  return {};
}

Result<void> axesToInput(Upgrade &u) { return listToInput(u, "axes", 1); }

/// One axis is often given as a scalar, which other readers take.
Result<void> scalarAxes(Upgrade &u) {
  if (!u.has(1) || !u.node.inputs[1]->type.isRanked() || u.node.inputs[1]->type.rank() != 0)
    return {};
  u.setInput(1, TRY(u.emit(OpKind::Unsqueeze, {u.node.inputs[1], u.ints({0})})));
  return {};
}

/// As before, but an empty list meant all axes already then, which the input now says by absence.
Result<void> reduceAxes(Upgrade &u) {
  std::vector<int64_t> axes = TRY(u.takeInts("axes"));
  if (!axes.empty())
    u.setInput(1, u.ints(axes));
  return {};
}

Result<void> reshapeShape(Upgrade &u) {
  if (!u.node.attrs.has("shape"))
    return u.error("attribute 'shape' is missing");
  return listToInput(u, "shape", 1);
}

Result<void> concatDefaultAxis(Upgrade &u) {
  if (!u.node.attrs.has("axis"))
    u.node.attrs.set("axis", int64_t{1});
  return {};
}

/// Sizes were an optional second input of the data's type.
Result<void> splitInputToAttribute(Upgrade &u) {
  if (!u.has(1))
    return {};
  ConstRef sizes = u.constant(1);
  if (!sizes || sizes->dtype == DType::String)
    return u.unsupported("sizes that are not constant are not supported in opset 1");
  u.node.attrs.set("split", constInts(*sizes));
  u.node.inputs.resize(1);
  return {};
}

Result<void> splitSizes(Upgrade &u) { return listToInput(u, "split", 1); }

/// Without sizes the number of outputs said how many parts.
Result<void> splitParts(Upgrade &u) {
  if (!u.has(1))
    u.node.attrs.set("num_outputs", int64_t(u.node.outputs.size()));
  return {};
}

Result<void> sliceToInputs(Upgrade &u) {
  if (!u.node.attrs.has("starts") || !u.node.attrs.has("ends"))
    return u.error("attributes 'starts' and 'ends' are needed");
  TRY(listToInput(u, "starts", 1));
  TRY(listToInput(u, "ends", 2));
  return listToInput(u, "axes", 3);
}

Result<void> padName(Upgrade &u) {
  if (!u.node.attrs.has("paddings"))
    return u.error("attribute 'paddings' is missing");
  u.node.attrs.set("pads", TRY(u.takeInts("paddings")));
  return {};
}

Result<void> padToInputs(Upgrade &u) {
  if (!u.node.attrs.has("pads") || !u.has(0) || !u.node.inputs[0]->type.isTensor())
    return u.error("attribute 'pads' or the input is missing");
  TRY(listToInput(u, "pads", 1));
  double value = TRY(u.takeFloat("value", 0));
  if (value != 0)
    u.setInput(2, u.scalar(u.node.inputs[0]->type.dtype(), value));
  return {};
}

/// One axis, and a count for it, both inputs of the data's type.
Result<void> tileRepeats(Upgrade &u) {
  Type x = TRY(u.ranked(0));
  ConstRef tiles = u.constant(1), axis = u.constant(2);
  if (!tiles || !axis || tiles->numElements() != 1 || axis->numElements() != 1)
    return u.unsupported("tiles and axis that are not constant are not supported in opset 1");
  int64_t along = constInt(*axis, 0);
  if (along < 0 || along >= x.rank())
    return u.error("axis " + std::to_string(along) + " is outside " + x.str());
  std::vector<int64_t> repeats(x.rank(), 1);
  repeats[along] = constInt(*tiles, 0);
  u.node.inputs = {u.node.inputs[0], u.ints(repeats)};
  return {};
}

Result<void> topKInput(Upgrade &u) {
  if (!u.node.attrs.has("k"))
    return u.error("attribute 'k' is missing");
  u.setInput(1, u.ints({TRY(u.takeInt("k", 0))}));
  return {};
}

Result<void> scatterName(Upgrade &u) {
  u.node.op = "ScatterElements";
  return {};
}

/// The input was seen as a matrix, rows being the dimensions before `axis`; equal to the newer
/// meaning only for the last axis.
Result<void> softmaxOfMatrix(Upgrade &u) {
  int64_t axis = TRY(u.takeInt("axis", 1));
  if (!u.has(0))
    return u.error("input 0 is missing");
  const Type &x = u.node.inputs[0]->type;
  AttrDict last;
  last.set("axis", int64_t{-1});
  if (axis == -1 || (x.isRanked() && axis == x.rank() - 1)) {
    u.node.attrs = std::move(last);
    return {};
  }
  AttrDict flatten;
  flatten.set("axis", axis);
  Value *shape = TRY(u.emit(OpKind::Shape, {u.node.inputs[0]}));
  Value *matrix = TRY(u.emit(OpKind::Flatten, {u.node.inputs[0]}, std::move(flatten)));
  Value *rows = TRY(u.emit(*kindFromName(u.node.op), {matrix}, std::move(last)));
  AttrDict asIs;
  asIs.set("allowzero", int64_t{1});
  u.node.results = {TRY(u.emit(OpKind::Reshape, {rows, shape}, std::move(asIs)))};
  return {};
}

constexpr UpgradeStep kSteps[] = {
    {"Concat", 4, concatDefaultAxis},
    {"Hardmax", 13, softmaxOfMatrix},
    {"LogSoftmax", 13, softmaxOfMatrix},
    {"Pad", 2, padName},
    {"Pad", 11, padToInputs},
    {"ReduceL1", 18, reduceAxes},
    {"ReduceL1", kAlways, scalarAxes},
    {"ReduceL2", 18, reduceAxes},
    {"ReduceL2", kAlways, scalarAxes},
    {"ReduceLogSum", 18, reduceAxes},
    {"ReduceLogSum", kAlways, scalarAxes},
    {"ReduceLogSumExp", 18, reduceAxes},
    {"ReduceLogSumExp", kAlways, scalarAxes},
    {"ReduceMax", 18, reduceAxes},
    {"ReduceMax", kAlways, scalarAxes},
    {"ReduceMean", 18, reduceAxes},
    {"ReduceMean", kAlways, scalarAxes},
    {"ReduceMin", 18, reduceAxes},
    {"ReduceMin", kAlways, scalarAxes},
    {"ReduceProd", 18, reduceAxes},
    {"ReduceProd", kAlways, scalarAxes},
    {"ReduceSum", 13, reduceAxes},
    {"ReduceSum", kAlways, scalarAxes},
    {"ReduceSumSquare", 18, reduceAxes},
    {"ReduceSumSquare", kAlways, scalarAxes},
    {"Reshape", 5, reshapeShape},
    {"Scatter", 11, scatterName},
    {"Slice", 10, sliceToInputs},
    {"Softmax", 13, softmaxOfMatrix},
    {"Split", 2, splitInputToAttribute},
    {"Split", 13, splitSizes},
    {"Split", 18, splitParts},
    {"Squeeze", 13, axesToInput},
    {"Squeeze", kAlways, scalarAxes},
    {"Tile", 6, tileRepeats},
    {"TopK", 10, topKInput},
    {"Unsqueeze", 13, axesToInput},
    {"Unsqueeze", kAlways, scalarAxes},
};

} // namespace

std::span<const UpgradeStep> tensorSteps() { return kSteps; }

} // namespace cameo
