// Runs upgrade steps; the steps themselves are in UpgradeElementwise.cpp, UpgradeTensor.cpp and
// UpgradeLayers.cpp.
#include "frontend/UpgradeSteps.h"

#include "support/Text.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace cameo {
namespace {

/// Steps by operator, oldest first.
const std::unordered_map<std::string_view, std::vector<UpgradeStep>> &steps() {
  static const auto table = [] {
    std::unordered_map<std::string_view, std::vector<UpgradeStep>> map;
    for (std::span<const UpgradeStep> family : {elementwiseSteps(), tensorSteps(), layerSteps()})
      for (const UpgradeStep &step : family)
        map[step.op].push_back(step);
    for (auto &[op, rows] : map)
      std::stable_sort(rows.begin(), rows.end(), [](const UpgradeStep &a, const UpgradeStep &b) {
        return a.before < b.before;
      });
    return map;
  }();
  return table;
}

bool isGraphOp(const std::string &op) {
  std::optional<OpKind> kind = kindFromName(op);
  return kind && spec(*kind).level == Level::Graph && spec(*kind).version > 0;
}

const char *kindWord(const int64_t *) { return "an integer"; }
const char *kindWord(const double *) { return "a float"; }
const char *kindWord(const std::string *) { return "a string"; }
const char *kindWord(const std::vector<std::string> *) { return "strings"; }
const char *kindWord(const std::vector<int64_t> *) { return "integers"; }
const char *kindWord(const std::vector<double> *) { return "floats"; }

} // namespace

void Upgrade::setInput(size_t i, Value *value) {
  if (i >= node.inputs.size())
    node.inputs.resize(i + 1);
  node.inputs[i] = value;
}

Result<Value *> Upgrade::required(size_t i) const {
  if (!has(i))
    return error("input " + std::to_string(i) + " is missing");
  return node.inputs[i];
}

ConstRef Upgrade::constant(size_t i) const {
  Op *maker = has(i) ? node.inputs[i]->definingOp() : nullptr;
  return maker && maker->kind() == OpKind::Constant ? maker->attrs.getConst("value") : nullptr;
}

Result<Type> Upgrade::ranked(size_t i) const {
  const Type &type = TRY(required(i))->type;
  if (!type.isTensor())
    return error("input " + std::to_string(i) + " is " + type.str() + ", expected a tensor");
  if (!type.isRanked())
    return unsupported(
        "its form in opset " + std::to_string(node.opset) +
        " needs an input of known rank: expected a declared shape, or --shape for an "
        "input of the model");
  return type;
}

Result<Value *> Upgrade::emit(OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  Op *op = TRY(build.graph(kind, std::move(operands), std::move(attrs), 1));
  return op->result();
}

Result<Value *> Upgrade::cast(Value *value, DType dtype) {
  if (value->type.isTensor() && value->type.dtype() == dtype)
    return value;
  AttrDict attrs;
  attrs.set("to", dtype);
  return emit(OpKind::Cast, {value}, std::move(attrs));
}

template <class T> Result<T> Upgrade::take(const char *name, T otherwise) {
  const Attr *attr = node.attrs.find(name);
  if (!attr)
    return otherwise;
  const T *value = std::get_if<T>(attr);
  if (!value)
    return error("attribute " + quote(name) + ": expected " + kindWord(value));
  T taken = *value;
  node.attrs.erase(name);
  return taken;
}

Result<int64_t> Upgrade::takeInt(const char *name, int64_t otherwise) {
  return take(name, otherwise);
}
Result<double> Upgrade::takeFloat(const char *name, double otherwise) {
  return take(name, otherwise);
}
Result<std::vector<int64_t>> Upgrade::takeInts(const char *name, std::vector<int64_t> otherwise) {
  return take(name, std::move(otherwise));
}
Result<std::vector<double>> Upgrade::takeFloats(const char *name, std::vector<double> otherwise) {
  return take(name, std::move(otherwise));
}

Result<std::string> Upgrade::takeString(const char *name, std::string otherwise) {
  return take(name, std::move(otherwise));
}

Result<std::vector<std::string>> Upgrade::takeStrings(const char *name) {
  return take(name, std::vector<std::string>());
}

std::string Upgrade::stringOr(const char *name, std::string otherwise) const {
  const Attr *attr = node.attrs.find(name);
  const std::string *text = attr ? std::get_if<std::string>(attr) : nullptr;
  return text ? *text : otherwise;
}

Error Upgrade::error(const std::string &message) const {
  return badInput("node " + quote(build.loc.str()) + " (" + node.op + "): " + message);
}

Error Upgrade::unsupported(const std::string &message) const {
  return {ErrorKind::Unsupported, error(message).message, {}};
}

bool isKnownOperator(const std::string &op) {
  bool renamed = op == "Scatter" || op == "SimplifiedLayerNormalization" || op == "Upsample";
  return renamed || isGraphOp(op);
}

bool isOnnxOperator(const std::string &op) {
  static const std::unordered_set<std::string_view> names = {
#define ONNX_OP(name, ...) #name,
#include "frontend/OnnxFacts.inc"
  };
  return names.contains(op);
}

Result<void> upgradeNode(OldNode &node, Builder &build) {
  Upgrade upgrade(node, build);
  // Until opset 6 operators said which inputs they may overwrite.
  if (node.opset < 6)
    upgrade.drop("consumed_inputs");
  auto found = steps().find(node.op);
  if (found == steps().end())
    return {};
  // A step may rename the node; none of the new name are older than the renaming.
  for (const UpgradeStep &step : found->second)
    if (node.opset < step.before && node.results.empty())
      TRY(step.apply(upgrade));
  if (node.results.empty() && !isGraphOp(node.op))
    return upgrade.unsupported("there is no such operator in opset " + std::to_string(node.opset));
  return {};
}

} // namespace cameo
