// Old opsets end here: a node as the model has it is brought to the semantics that the op table's
// row states. A step is one difference between two versions of an op; the steps a node needs are
// those whose version is newer than the model's opset, in order.
#pragma once

#include "ir/Builder.h"
#include "ir/OpSpec.h"

#include <string>
#include <vector>

namespace cameo {

/// A node on its way from the model's opset to the op table's.
struct OldNode {
  std::string op;
  int64_t opset = 0;
  /// nullptr for absent ones; without trailing absent ones.
  std::vector<Value *> inputs;
  AttrDict attrs;
  /// Which outputs the model names; without trailing absent ones.
  std::vector<bool> outputs;
  /// Set by a step that wrote the whole node itself: one an output. No further step runs.
  std::vector<Value *> results;
};

/// What a step works with.
class Upgrade {
public:
  Upgrade(OldNode &node, Builder &build) : node(node), build(build) {}

  OldNode &node;
  Builder &build;

  bool has(size_t i) const { return i < node.inputs.size() && node.inputs[i]; }
  /// Input i, nullptr if it is absent.
  Value *input(size_t i) const { return has(i) ? node.inputs[i] : nullptr; }
  /// Input i; an error if it is absent.
  Result<Value *> required(size_t i) const;
  /// Whether the model names output i.
  bool wants(size_t i) const { return i < node.outputs.size() && node.outputs[i]; }
  /// Sets input i, making absent ones before it.
  void setInput(size_t i, Value *value);
  /// Input i's contents if it is a Constant.
  ConstRef constant(size_t i) const;
  /// The tensor type of input i, ranked; an error if its rank is not known.
  Result<Type> ranked(size_t i) const;

  /// One new op with one result, in the newest semantics.
  Result<Value *> emit(OpKind kind, std::vector<Value *> operands, AttrDict attrs = {});
  /// Rank-1 int64 constant, and a scalar of some element type.
  Value *ints(const std::vector<int64_t> &values) { return build.constant(makeConst(values)); }
  Value *scalar(DType dtype, double value) { return build.constant(makeSplat(dtype, {}, value)); }
  Result<Value *> cast(Value *value, DType dtype);
  /// The attribute, or `otherwise`; an error if it has another kind. It is removed from the node.
  Result<int64_t> takeInt(const char *name, int64_t otherwise);
  Result<double> takeFloat(const char *name, double otherwise);
  Result<std::vector<int64_t>> takeInts(const char *name, std::vector<int64_t> otherwise = {});
  Result<std::vector<double>> takeFloats(const char *name, std::vector<double> otherwise = {});
  Result<std::string> takeString(const char *name, std::string otherwise);
  Result<std::vector<std::string>> takeStrings(const char *name);
  /// All attributes that are left.
  AttrDict takeAll() { return std::exchange(node.attrs, {}); }
  /// The string attribute, or `otherwise` if it is missing or no string. It stays.
  std::string stringOr(const char *name, std::string otherwise) const;
  void drop(const char *name) { node.attrs.erase(name); }

  Error error(const std::string &message) const;
  Error unsupported(const std::string &message) const;

private:
  template <class T> Result<T> take(const char *name, T otherwise);
};

/// Whether some version of ONNX's own operators has an op of this name that the op table has, or
/// that becomes one of the op table's.
bool isKnownOperator(const std::string &op);
/// Whether ONNX's own domain has, or had, an operator of this name.
bool isOnnxOperator(const std::string &op);
/// Runs the steps that the node needs. Afterwards `results` is set, or the node is one of `op`,
/// `inputs` and `attrs` in the newest semantics.
Result<void> upgradeNode(OldNode &node, Builder &build);

} // namespace cameo
