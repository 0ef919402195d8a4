// The tables of expansions, one a family of operators; see Expand.h.
#pragma once

#include "frontend/Upgrade.h"

#include <span>

namespace cameo {

/// Sets a node's results. What it leaves of the attributes is not supported, nor are inputs beyond
/// the first `inputs`, strings (unless it takes them) and what is no tensor.
struct Expansion {
  std::string_view op;
  Result<void> (*apply)(Upgrade &);
  size_t inputs;
  bool takesStrings = false;
};

/// `inputs` of operators with any number of them.
constexpr size_t kAnyInputs = SIZE_MAX;

std::span<const Expansion> attentionExpansions();
std::span<const Expansion> fewBitsExpansions();
std::span<const Expansion> groupQueryExpansions();
std::span<const Expansion> layerExpansions();
std::span<const Expansion> mlExpansions();
std::span<const Expansion> quantizedExpansions();
std::span<const Expansion> treeExpansions();

inline AttrDict attributes(std::initializer_list<std::pair<const char *, Attr>> entries) {
  AttrDict attrs;
  for (const auto &[name, value] : entries)
    attrs.set(name, value);
  return attrs;
}

Result<Value *> transposed(Upgrade &u, Value *x, std::vector<int64_t> perm);
/// The tensor with its channels in front of the image's axes, or behind them.
Result<Value *> channelsFirst(Upgrade &u, Value *x);
Result<Value *> channelsLast(Upgrade &u, Value *x);
/// Rank-1 constants of floats.
Value *floats(Upgrade &u, const std::vector<double> &values, DType dtype = DType::F32);
/// One size of x, as a vector of one.
Result<Value *> sizeOf(Upgrade &u, Value *x, int64_t axis);
/// x plus input i, which does not make it larger.
Result<Value *> plus(Upgrade &u, Value *x, size_t i);
/// [batch, length, heads * size] as [batch, heads, length, size], and back.
Result<Value *> splitHeads(Upgrade &u, Value *x, int64_t heads);
Result<Value *> mergeHeads(Upgrade &u, Value *x);
/// The classes of a classifier, which are integers: the attribute of this name.
Result<std::vector<int64_t>> takeClassLabels(Upgrade &u, const char *name);
/// Scores as the attribute `post_transform` says.
Result<Value *> transformed(Upgrade &u, Value *scores, const std::string &transform);
/// Sets a classifier's results: the class of the highest score, and the scores [rows, classes].
Result<void> classified(Upgrade &u, Value *scores, const std::vector<int64_t> &labels,
                        const std::string &transform);
/// The same of one score [rows, 1], above the threshold for the second of two classes. The first
/// one's is the negative, if it mirrors that, or what is missing to 1.
Result<void> classifiedInTwo(Upgrade &u, Value *score, const std::vector<int64_t> &labels,
                             const std::string &transform, bool mirrors, double threshold);
/// An error unless x has the rank of `form`; that of a sequence, or of earlier keys or values.
Result<void> expectRank(Upgrade &u, const Value *x, int64_t rank, const std::string &form);
Result<void> expectSequence(Upgrade &u, const Value *x);
Result<void> expectCache(Upgrade &u, const Value *x);
/// An error unless `value`, computed from `like`, may have that one's shape.
Result<void> expectShapeOf(Upgrade &u, const Value *value, const Value *like);

/// The node is one of an ONNX operator, its inputs and attributes those.
template <OpKind kind> Result<void> sameOperator(Upgrade &u) {
  u.node.results = {TRY(u.emit(kind, u.node.inputs, u.takeAll()))};
  return {};
}

/// An operator of images whose channels are last; `images` are the inputs that are images.
template <Result<void> expand(Upgrade &), size_t... images>
Result<void> withChannelsLast(Upgrade &u) {
  for (size_t i : {images...})
    if (u.has(i)) {
      TRY(u.ranked(i));
      u.node.inputs[i] = TRY(channelsFirst(u, u.node.inputs[i]));
    }
  TRY(expand(u));
  u.node.results = {TRY(channelsLast(u, u.node.results[0]))};
  return {};
}

/// The product of 8-bit integers a and b as floats: the sums times both scales, plus a bias.
struct ByteProduct {
  Value *a, *aScale, *aZero, *b, *bScale, *bZero, *bias;
};
Result<Value *> byteProduct(Upgrade &u, const ByteProduct &p);

/// Words, segments, tables of both and of positions between them, scale, shift, mask, positions.
/// Results: the layer's, the lengths of the sequences, the sum.
Result<void> embedLayerNorm(Upgrade &u);

} // namespace cameo
