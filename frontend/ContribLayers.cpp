// Layers that ONNX Runtime's optimizer has fused: convolutions and products with what follows them,
// activations with their bias, normalizations with the sum in front of them.
#include "frontend/ExpandSteps.h"
#include "support/Text.h"

#include <algorithm>

namespace cameo {
namespace {

/// An activation that is part of another operator, and its parameters in order.
struct Activation {
  std::string_view name;
  OpKind kind;
  std::vector<const char *> parameters;
};

const Activation *findActivation(const std::string &name) {
  static const std::vector<Activation> table = {
      {"Celu", OpKind::Celu, {"alpha"}},    {"Clip", OpKind::Clip, {"min", "max"}},
      {"Elu", OpKind::Elu, {"alpha"}},      {"HardSigmoid", OpKind::HardSigmoid, {"alpha", "beta"}},
      {"HardSwish", OpKind::HardSwish, {}}, {"LeakyRelu", OpKind::LeakyRelu, {"alpha"}},
      {"Relu", OpKind::Relu, {}},           {"Selu", OpKind::Selu, {"alpha", "gamma"}},
      {"Sigmoid", OpKind::Sigmoid, {}},     {"Silu", OpKind::Swish, {}},
      {"Softplus", OpKind::Softplus, {}},   {"Softsign", OpKind::Softsign, {}},
      {"Tanh", OpKind::Tanh, {}},           {"ThresholdedRelu", OpKind::ThresholdedRelu, {"alpha"}},
  };
  auto row = std::find_if(table.begin(), table.end(),
                          [&](const Activation &row) { return row.name == name; });
  return row == table.end() ? nullptr : &*row;
}

/// The activation of y, with a value for each of its parameters.
Result<Value *> activated(Upgrade &u, const Activation &activation, Value *y,
                          const std::vector<double> &values) {
  if (values.size() != activation.parameters.size())
    return u.error("activation " + quote(std::string(activation.name)) + ": expected " +
                   std::to_string(activation.parameters.size()) + " parameters, got " +
                   std::to_string(values.size()));
  if (activation.kind == OpKind::Clip) {
    DType dtype = y->type.dtype();
    return u.emit(OpKind::Clip, {y, u.scalar(dtype, values[0]), u.scalar(dtype, values[1])});
  }
  AttrDict attrs;
  for (size_t i = 0; i < values.size(); i++)
    attrs.set(activation.parameters[i], values[i]);
  return u.emit(activation.kind, {y}, std::move(attrs));
}

/// The attribute `activation` as a row of the table; nullptr without one.
Result<const Activation *> takeActivation(Upgrade &u) {
  std::string name = TRY(u.takeString("activation", ""));
  const Activation *activation = findActivation(name);
  if (!activation && !name.empty())
    return u.unsupported("activation " + quote(name) + " is not supported");
  return activation;
}

/// Input, weights, bias, and a tensor that is added before the activation.
Result<void> fusedConv(Upgrade &u) {
  const Activation *activation = TRY(takeActivation(u));
  std::vector<double> values = TRY(u.takeFloats("activation_params"));
  Value *x = TRY(u.required(0)), *w = TRY(u.required(1));
  Value *y = TRY(u.emit(OpKind::Conv, {x, w, u.input(2)}, u.takeAll()));
  if (Value *z = u.input(3)) {
    Value *sum = TRY(u.emit(OpKind::Add, {y, z}));
    TRY(expectShapeOf(u, sum, y));
    TRY(expectShapeOf(u, z, y));
    y = sum;
  }
  u.node.results = {activation ? TRY(activated(u, *activation, y, values)) : y};
  return {};
}

/// The values of the attributes `activation_alpha` and so on that the activation has.
Result<std::vector<double>> takeParameters(Upgrade &u, const Activation &activation) {
  std::vector<double> values;
  for (const char *parameter : activation.parameters) {
    std::string name = std::string("activation_") + parameter;
    if (u.node.attrs.has(name))
      values.push_back(TRY(u.takeFloat(name.c_str(), 0)));
  }
  return values;
}

Result<void> fusedGemm(Upgrade &u) {
  const Activation *activation = TRY(takeActivation(u));
  if (!activation)
    return u.error("attribute 'activation' is missing");
  std::vector<double> values = TRY(takeParameters(u, *activation));
  Value *a = TRY(u.required(0)), *b = TRY(u.required(1));
  Value *y = TRY(u.emit(OpKind::Gemm, {a, b, u.input(2)}, u.takeAll()));
  u.node.results = {TRY(activated(u, *activation, y, values))};
  return {};
}

/// A factor of a product. `batch`: its first axis is the rows, in front of the batches; `last`: the
/// last two axes are swapped after that. Vectors stay as they are.
Result<Value *> factor(Upgrade &u, size_t i, bool last, bool batch) {
  Value *x = TRY(u.required(i));
  if (!last && !batch)
    return x;
  int64_t rank = TRY(u.ranked(i)).rank();
  if (rank < 2)
    return x;
  std::vector<int64_t> perm(rank);
  for (int64_t axis = 0; axis < rank; axis++)
    perm[axis] = axis;
  if (batch)
    std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
  if (last)
    std::swap(perm[rank - 2], perm[rank - 1]);
  return transposed(u, x, std::move(perm));
}

Result<Value *> product(Upgrade &u) {
  bool transA = TRY(u.takeInt("transA", 0)), transB = TRY(u.takeInt("transB", 0));
  bool batchA = TRY(u.takeInt("transBatchA", 0)), batchB = TRY(u.takeInt("transBatchB", 0));
  double alpha = TRY(u.takeFloat("alpha", 1));
  Value *a = TRY(factor(u, 0, transA, batchA)), *b = TRY(factor(u, 1, transB, batchB));
  Value *y = TRY(u.emit(OpKind::MatMul, {a, b}));
  return alpha == 1 ? y : u.emit(OpKind::Mul, {y, u.scalar(y->type.dtype(), alpha)});
}

Result<void> fusedMatMul(Upgrade &u) {
  u.node.results = {TRY(product(u))};
  return {};
}

Result<void> fusedMatMulActivation(Upgrade &u) {
  const Activation *activation = TRY(takeActivation(u));
  if (!activation)
    return u.error("attribute 'activation' is missing");
  std::vector<double> values = TRY(takeParameters(u, *activation));
  u.node.results = {TRY(activated(u, *activation, TRY(product(u)), values))};
  return {};
}

Result<Value *> gelu(Upgrade &u, Value *x, const char *approximate) {
  return u.emit(OpKind::Gelu, {x}, attributes({{"approximate", std::string(approximate)}}));
}

/// Input `first` plus a bias, where there is one: a vector along the last axis.
Result<Value *> biased(Upgrade &u, size_t first) {
  Value *x = TRY(u.required(first)), *bias = u.input(first + 1);
  if (!bias)
    return x;
  if (TRY(u.ranked(first + 1)).rank() != 1)
    return u.error("expected a vector as bias, got " + bias->type.str());
  Value *sum = TRY(u.emit(OpKind::Add, {x, bias}));
  TRY(expectShapeOf(u, sum, x));
  return sum;
}

Result<void> biasGelu(Upgrade &u) {
  TRY(u.required(1));
  u.node.results = {TRY(gelu(u, TRY(biased(u, 0)), "none"))};
  return {};
}

Result<void> fastGelu(Upgrade &u) {
  u.node.results = {TRY(gelu(u, TRY(biased(u, 0)), "tanh"))};
  return {};
}

/// A product and its activation, with a bias in between.
Result<void> gemmFastGelu(Upgrade &u) {
  Value *x = TRY(u.required(0)), *weights = TRY(u.required(1));
  Value *y = TRY(u.emit(OpKind::MatMul, {x, weights}));
  if (u.has(2))
    y = TRY(plus(u, y, 2));
  u.node.results = {TRY(gelu(u, y, "tanh"))};
  return {};
}

Result<void> quickGelu(Upgrade &u) {
  double alpha = TRY(u.takeFloat("alpha", 1.702f));
  u.node.results = {
      TRY(u.emit(OpKind::Swish, {TRY(u.required(0))}, attributes({{"alpha", alpha}})))};
  return {};
}

/// Input, bias, and what goes round the layer.
Result<void> biasAdd(Upgrade &u) {
  u.node.results = {TRY(plus(u, TRY(biased(u, 0)), 2))};
  return {};
}

/// The first half of the last axis times the activation of the second.
Result<void> biasSplitGelu(Upgrade &u) {
  Value *sum = TRY(biased(u, 0));
  AttrDict halves = attributes({{"axis", int64_t{-1}}, {"num_outputs", int64_t{2}}});
  Op *split = TRY(u.build.graph(OpKind::Split, {sum}, std::move(halves), 2));
  Value *gate = TRY(gelu(u, split->result(1), "none"));
  u.node.results = {TRY(u.emit(OpKind::Mul, {split->result(0), gate}))};
  return {};
}

/// Input, what goes round the layer, and an optional bias at index `bias`, added up.
Result<Value *> skipSum(Upgrade &u, size_t bias) {
  Value *sum = TRY(plus(u, TRY(u.required(0)), 1));
  return u.has(bias) ? plus(u, sum, bias) : sum;
}

/// Input, skip, scale, shift, bias. Results: the layer's, its means and deviations, the sum.
Result<void> skipLayerNorm(Upgrade &u) {
  Value *sum = TRY(skipSum(u, 4));
  double epsilon = TRY(u.takeFloat("epsilon", 1e-12f));
  AttrDict attrs = attributes({{"axis", int64_t{-1}}, {"epsilon", epsilon}});
  int64_t results = u.wants(1) || u.wants(2) ? 3 : 1;
  Op *norm = TRY(u.build.graph(OpKind::LayerNormalization, {sum, TRY(u.required(2)), u.input(3)},
                               std::move(attrs), results));
  u.node.results = {norm->result(), results > 1 ? norm->result(1) : nullptr,
                    results > 1 ? norm->result(2) : nullptr, sum};
  return {};
}

/// 1 / sqrt(the mean of the squares of the last axis + epsilon), a float whatever x is.
Result<Value *> inverseRms(Upgrade &u, Value *x, double epsilon) {
  Value *wide = TRY(u.cast(x, DType::F32));
  Value *squares = TRY(u.emit(OpKind::Mul, {wide, wide}));
  Value *mean = TRY(u.emit(OpKind::ReduceMean, {squares, u.ints({-1})}));
  Value *raised = TRY(u.emit(OpKind::Add, {mean, u.scalar(DType::F32, epsilon)}));
  return u.emit(OpKind::Reciprocal, {TRY(u.emit(OpKind::Sqrt, {raised}))});
}

/// Input, skip, scale, bias; results as of SkipLayerNormalization, the means being 0.
Result<void> skipRmsNorm(Upgrade &u) {
  Value *sum = TRY(skipSum(u, 3)), *means = nullptr, *inverse = nullptr;
  double epsilon = TRY(u.takeFloat("epsilon", 1e-12f));
  Value *y = TRY(u.emit(OpKind::RMSNormalization, {sum, TRY(u.required(2))},
                        attributes({{"axis", int64_t{-1}}, {"epsilon", epsilon}})));
  if (u.wants(1) || u.wants(2)) {
    inverse = TRY(inverseRms(u, sum, epsilon));
    means = TRY(u.emit(OpKind::ConstantOfShape, {TRY(u.emit(OpKind::Shape, {inverse}))}));
  }
  u.node.results = {y, means, inverse, sum};
  return {};
}

/// How many words of each sequence the mask, input 7, lets through; zeros without one.
Result<Value *> countWords(Upgrade &u, Value *words) {
  if (!u.has(7))
    return u.emit(OpKind::ConstantOfShape, {TRY(sizeOf(u, words, 0))},
                  attributes({{"value", makeSplat(DType::I32, {1}, 0)}}));
  Value *one = u.scalar(TRY(u.ranked(7)).dtype(), 1);
  Value *isWord = TRY(u.emit(OpKind::Equal, {u.node.inputs[7], one}));
  return u.emit(OpKind::ReduceSum, {TRY(u.cast(isWord, DType::I32)), u.ints({1})},
                attributes({{"keepdims", int64_t{0}}}));
}

/// x normalized in groups of channels with inputs 1 (scale) and 2 (shift), and activated as the
/// attributes say.
Result<Value *> groupNorm(Upgrade &u, Value *x, bool lastChannels) {
  int64_t groups = TRY(u.takeInt("groups", 0)), activation = TRY(u.takeInt("activation", 0));
  double epsilon = TRY(u.takeFloat("epsilon", 1e-5f));
  if (activation != 0 && activation != 1)
    return u.error("attribute 'activation': expected 0 or 1, got " + std::to_string(activation));
  Value *y = lastChannels ? TRY(channelsFirst(u, x)) : x;
  DType dtype = x->type.dtype();
  Value *scale = TRY(u.cast(TRY(u.required(1)), dtype));
  Value *shift = TRY(u.cast(TRY(u.required(2)), dtype));
  y = TRY(u.emit(OpKind::GroupNormalization, {y, scale, shift},
                 attributes({{"num_groups", groups}, {"epsilon", epsilon}})));
  if (activation == 1)
    y = TRY(u.emit(OpKind::Swish, {y}));
  return lastChannels ? channelsLast(u, y) : y;
}

Result<void> groupNormOfImage(Upgrade &u) {
  TRY(u.ranked(0));
  bool lastChannels = TRY(u.takeInt("channels_last", 1));
  u.node.results = {TRY(groupNorm(u, u.node.inputs[0], lastChannels))};
  return {};
}

/// Image, scale, shift, what goes round the layer (a tensor like it or one value a channel), bias.
Result<void> skipGroupNorm(Upgrade &u) {
  if (!TRY(u.takeInt("channels_last", 1)))
    return u.unsupported("channels_last = 0 is not supported");
  Value *x = TRY(u.required(0)), *skip = TRY(u.required(3));
  TRY(u.ranked(0));
  if (TRY(u.ranked(3)).rank() == 2)
    skip = TRY(u.emit(OpKind::Unsqueeze, {skip, u.ints({1, 2})}));
  Value *sum = TRY(u.emit(OpKind::Add, {x, skip}));
  TRY(expectShapeOf(u, sum, x));
  if (u.has(4))
    sum = TRY(plus(u, sum, 4));
  u.node.results = {TRY(groupNorm(u, sum, true)), sum};
  return {};
}

constexpr Expansion kExpansions[] = {
    {"BiasAdd", biasAdd, 3},
    {"BiasGelu", biasGelu, 2},
    {"BiasSplitGelu", biasSplitGelu, 2},
    {"EmbedLayerNormalization", embedLayerNorm, 9},
    {"FastGelu", fastGelu, 2},
    {"FusedConv", fusedConv, 4},
    {"FusedGemm", fusedGemm, 3},
    {"FusedMatMul", fusedMatMul, 2},
    {"FusedMatMulActivation", fusedMatMulActivation, 2},
    {"GatherND", sameOperator<OpKind::GatherND>, 2, true},
    {"Gelu", sameOperator<OpKind::Gelu>, 1},
    {"GemmFastGelu", gemmFastGelu, 3},
    {"GroupNorm", groupNormOfImage, 3},
    {"NhwcConv", withChannelsLast<sameOperator<OpKind::Conv>, 0>, 3},
    {"NhwcFusedConv", withChannelsLast<fusedConv, 0, 3>, 4},
    {"NhwcMaxPool", withChannelsLast<sameOperator<OpKind::MaxPool>, 0>, 1},
    {"QuickGelu", quickGelu, 1},
    {"SkipGroupNorm", skipGroupNorm, 5},
    {"SkipLayerNormalization", skipLayerNorm, 5},
    {"SkipSimplifiedLayerNormalization", skipRmsNorm, 4},
    {"TransposeMatMul", fusedMatMul, 2},
    {"Trilu", sameOperator<OpKind::Trilu>, 2},
};

} // namespace

Result<void> embedLayerNorm(Upgrade &u) {
  // Says which form the second result has in shape inference alone.
  u.drop("mask_index_type");
  double epsilon = TRY(u.takeFloat("epsilon", 1e-12f));
  Value *words = TRY(u.required(0)), *places = TRY(u.required(3));
  if (const Type &type = TRY(u.ranked(0)); type.rank() != 2)
    return u.error("expected input 0 to have rank 2, got " + type.str());
  if (u.has(1) != u.has(4))
    return u.error("inputs 1 and 4, segments and their table, come together");
  Value *sum = TRY(u.emit(OpKind::Gather, {TRY(u.required(2)), words}));
  if (Value *positions = u.input(8))
    places = TRY(u.emit(OpKind::Gather, {places, positions}));
  else
    places =
        TRY(u.emit(OpKind::Slice, {places, u.ints({0}), TRY(sizeOf(u, words, 1)), u.ints({0})}));
  Value *embedded = TRY(u.emit(OpKind::Add, {sum, places}));
  if (u.has(1)) {
    Value *segments = TRY(u.emit(OpKind::Gather, {u.node.inputs[4], u.node.inputs[1]}));
    embedded = TRY(u.emit(OpKind::Add, {embedded, segments}));
  }
  TRY(expectShapeOf(u, embedded, sum));
  Value *y =
      TRY(u.emit(OpKind::LayerNormalization, {embedded, TRY(u.required(5)), TRY(u.required(6))},
                 attributes({{"axis", int64_t{-1}}, {"epsilon", epsilon}})));
  u.node.results = {y, u.wants(1) ? TRY(countWords(u, words)) : nullptr, embedded};
  return {};
}

std::span<const Expansion> layerExpansions() { return kExpansions; }

} // namespace cameo
