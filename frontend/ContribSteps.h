// The tables of expansions of com.microsoft's operators, one a family; see Contrib.h.
#pragma once

#include "frontend/Upgrade.h"

#include <span>

namespace cameo {

/// Sets a node's results. What it leaves of the attributes is not supported, nor are inputs beyond
/// the first `inputs`.
struct Expansion {
  std::string_view op;
  Result<void> (*apply)(Upgrade &);
  size_t inputs;
};

/// `inputs` of operators with any number of them.
constexpr size_t kAnyInputs = SIZE_MAX;

std::span<const Expansion> fewBitsExpansions();
std::span<const Expansion> layerExpansions();
std::span<const Expansion> quantizedExpansions();

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
/// An error unless `value`, computed from `like`, may have that one's shape.
Result<void> expectShapeOf(Upgrade &u, const Value *value, const Value *like);

/// The node is one of an ONNX operator, its inputs and attributes those.
template <OpKind kind> Result<void> sameOperator(Upgrade &u) {
  u.node.results = {TRY(u.emit(kind, u.node.inputs, u.takeAll()))};
  return {};
}

} // namespace cameo
