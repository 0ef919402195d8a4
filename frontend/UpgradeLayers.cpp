// Upgrade steps of layers: normalization, pooling, resizing, recurrent layers, transforms.
#include "frontend/UpgradeSteps.h"

namespace cameo {
namespace {

/// Exporters left `is_test` at its default of 0 although they exported for inference. So a node is
/// taken for inference unless it asks for outputs that only training has.
Result<void> batchNormIsTest(Upgrade &u) {
  u.drop("is_test");
  return {};
}

/// `spatial = 0` had a mean for every pixel.
Result<void> batchNormSpatial(Upgrade &u) {
  if (TRY(u.takeInt("spatial", 1)) == 0)
    return u.unsupported("statistics for every element (spatial = 0) are not supported");
  return {};
}

/// More than one output meant training.
Result<void> batchNormOutputs(Upgrade &u) {
  if (u.node.outputs.size() > 1)
    return u.unsupported("training mode is not supported");
  return {};
}

Result<void> dropoutIsTest(Upgrade &u) {
  u.drop("is_test");
  return {};
}

/// The mask had the data's type.
Result<void> dropoutMaskType(Upgrade &u) {
  if (u.node.outputs.size() < 2)
    return {};
  u.drop("ratio");
  if (!u.has(0) || !u.node.inputs[0]->type.isTensor())
    return u.error("input is missing or no tensor");
  Op *dropout = TRY(u.build.graph(*kindFromName("Dropout"), {u.node.inputs[0]}, u.node.attrs, 2));
  Value *mask = TRY(u.cast(dropout->result(1), u.node.inputs[0]->type.dtype()));
  u.node.results = {dropout->result(), mask};
  return {};
}

/// The ratio became an input, which says nothing outside training.
Result<void> dropoutRatio(Upgrade &u) {
  u.drop("ratio");
  return {};
}

/// The exponent was a float.
Result<void> poolingPower(Upgrade &u) {
  double power = TRY(u.takeFloat("p", 2));
  int64_t whole = power >= 1 && power <= 1e6 ? static_cast<int64_t>(power) : 0;
  if (static_cast<double>(whole) != power)
    return u.unsupported("a norm that is no positive integer is not supported");
  u.node.attrs.set("p", whole);
  return {};
}

Result<void> upsampleFactors(Upgrade &u) {
  if (!u.node.attrs.has("height_scale") || !u.node.attrs.has("width_scale"))
    return u.error("attributes 'height_scale' and 'width_scale' are needed");
  double height = TRY(u.takeFloat("height_scale", 1)), width = TRY(u.takeFloat("width_scale", 1));
  u.node.attrs.set("scales", std::vector<double>{1, 1, height, width});
  std::string mode = u.stringOr("mode", "nearest");
  u.node.attrs.set("mode", mode == "bilinear" ? std::string("linear") : mode);
  return {};
}

Result<void> upsampleScales(Upgrade &u) {
  if (!u.node.attrs.has("scales"))
    return u.error("attribute 'scales' is missing");
  std::vector<double> scales = TRY(u.takeFloats("scales"));
  std::vector<float> floats(scales.begin(), scales.end());
  std::span<const std::byte> bytes = std::as_bytes(std::span(floats));
  u.setInput(1, u.build.constant(makeConst(DType::F32, {static_cast<int64_t>(floats.size())},
                                           {bytes.begin(), bytes.end()})));
  return {};
}

/// Scales were the second input, and pixels were mapped by their corner.
Result<void> resizeCorners(Upgrade &u) {
  Value *scales = u.has(1) ? u.node.inputs[1] : nullptr;
  u.node.inputs.resize(1);
  u.setInput(2, scales);
  u.node.attrs.set("coordinate_transformation_mode", std::string("asymmetric"));
  u.node.attrs.set("nearest_mode", std::string("floor"));
  return {};
}

Result<void> upsampleToResize(Upgrade &u) {
  u.node.op = "Resize";
  return resizeCorners(u);
}

/// Inputs that say nothing are given as empty tensors by many exporters, as opset 11 required.
Result<void> resizeEmptyInputs(Upgrade &u) {
  for (size_t i = 1; i < u.node.inputs.size(); i++)
    if (ConstRef data = u.constant(i); data && data->dims == std::vector<int64_t>{0})
      u.node.inputs[i] = nullptr;
  while (!u.node.inputs.empty() && !u.node.inputs.back())
    u.node.inputs.pop_back();
  return {};
}

/// Scale and bias were given for groups, now for channels.
Result<void> groupNormChannels(Upgrade &u) {
  Type x = TRY(u.ranked(0));
  int64_t groups = TRY(u.takeInt("num_groups", 0));
  u.node.attrs.set("num_groups", groups);
  if (x.rank() < 2 || groups < 1 || !x.dim(1).isConst() || x.dim(1).value() % groups != 0)
    return u.error("cannot divide the channels of " + x.str() + " into " + std::to_string(groups) +
                   " groups");
  int64_t channels = x.dim(1).value();
  for (size_t i = 1; i <= 2 && channels != groups; i++) {
    Type perGroup = TRY(u.ranked(i));
    if (perGroup.rank() != 1)
      return u.error("expected one scale and bias a group, got " + perGroup.str());
    Value *column = TRY(u.emit(OpKind::Unsqueeze, {u.node.inputs[i], u.ints({1})}));
    Value *matrix = TRY(u.emit(OpKind::Expand, {column, u.ints({groups, channels / groups})}));
    u.setInput(i, TRY(u.emit(OpKind::Reshape, {matrix, u.ints({channels})})));
  }
  return {};
}

/// Sequence outputs had to be asked for.
Result<void> recurrentOutputs(Upgrade &u) {
  u.drop("output_sequence");
  return {};
}

Result<void> gridSampleModes(Upgrade &u) {
  std::string mode = u.stringOr("mode", "bilinear");
  if (mode == "bilinear")
    mode = "linear";
  else if (mode == "bicubic")
    mode = "cubic";
  u.node.attrs.set("mode", mode);
  return {};
}

Result<void> roiAlignCorners(Upgrade &u) {
  u.node.attrs.set("coordinate_transformation_mode", std::string("output_half_pixel"));
  return {};
}

/// ONNX Runtime's name for it, which its tools write into ONNX's own domain.
Result<void> simplifiedLayerNorm(Upgrade &u) {
  if (u.wants(1))
    return u.unsupported("output 1 is not supported");
  u.node.op = "RMSNormalization";
  return {};
}

Result<void> dftAxis(Upgrade &u) {
  u.setInput(2, u.scalar(DType::I64, static_cast<double>(TRY(u.takeInt("axis", 1)))));
  return {};
}

constexpr UpgradeStep kSteps[] = {
    {"BatchNormalization", 7, batchNormIsTest},
    {"BatchNormalization", 9, batchNormSpatial},
    {"BatchNormalization", 14, batchNormOutputs},
    {"DFT", 20, dftAxis},
    {"Dropout", 7, dropoutIsTest},
    {"Dropout", 10, dropoutMaskType},
    {"Dropout", 12, dropoutRatio},
    {"GRU", 7, recurrentOutputs},
    {"GlobalLpPool", 2, poolingPower},
    {"GridSample", 20, gridSampleModes},
    {"GroupNormalization", 21, groupNormChannels},
    {"LSTM", 7, recurrentOutputs},
    {"LpPool", 2, poolingPower},
    {"RNN", 7, recurrentOutputs},
    {"Resize", 11, resizeCorners},
    {"Resize", kAlways, resizeEmptyInputs},
    {"RoiAlign", 16, roiAlignCorners},
    {"SimplifiedLayerNormalization", kAlways, simplifiedLayerNorm},
    {"Upsample", 7, upsampleFactors},
    {"Upsample", 9, upsampleScales},
    {"Upsample", 10, upsampleToResize},
};

} // namespace

std::span<const UpgradeStep> layerSteps() { return kSteps; }

} // namespace cameo
