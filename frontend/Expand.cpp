// See Expand.h. The expansions are in Contrib*.cpp and Ml*.cpp, by kind.
#include "frontend/Expand.h"

#include "frontend/ExpandSteps.h"
#include "support/Text.h"

#include <algorithm>
#include <map>
#include <numeric>

namespace cameo {
namespace {

using Table = std::map<std::pair<std::string_view, std::string_view>, const Expansion *>;

const Table &expansions() {
  static const Table table = [] {
    Table all;
    auto add = [&](std::string_view domain, std::span<const Expansion> family) {
      for (const Expansion &row : family)
        all[{domain, row.op}] = &row;
    };
    for (auto family : {attentionExpansions(), fewBitsExpansions(), groupQueryExpansions(),
                        layerExpansions(), quantizedExpansions()})
      add("com.microsoft", family);
    for (auto family : {mlExpansions(), treeExpansions()})
      add("ai.onnx.ml", family);
    return all;
  }();
  return table;
}

} // namespace

bool isExpandedDomain(std::string_view domain) {
  auto first = expansions().lower_bound({domain, ""});
  return first != expansions().end() && first->first.first == domain;
}

bool isExpandedOperator(std::string_view domain, std::string_view op) {
  return expansions().contains({domain, op});
}

Result<void> expandOperator(std::string_view domain, OldNode &node, Builder &build) {
  Upgrade upgrade(node, build);
  const Expansion &row = *expansions().at({domain, node.op});
  for (size_t i = 0; i < node.inputs.size(); i++) {
    if (!node.inputs[i])
      continue;
    const Type &type = node.inputs[i]->type;
    if (i >= row.inputs)
      return upgrade.unsupported("input " + std::to_string(i) + " is not supported");
    if (!type.isTensor() || (type.dtype() == DType::String && !row.takesStrings))
      return upgrade.unsupported("input " + std::to_string(i) + " is " + type.str() +
                                 ", only numbers are supported");
  }
  TRY(row.apply(upgrade));
  if (!node.attrs.empty())
    return upgrade.unsupported("attribute " + quote(node.attrs.begin()->first) +
                               " is not supported");
  for (size_t i = 0; i < node.outputs.size(); i++)
    if (node.outputs[i] && (i >= node.results.size() || !node.results[i]))
      return upgrade.unsupported("output " + std::to_string(i) + " is not supported");
  return {};
}

Result<Value *> transposed(Upgrade &u, Value *x, std::vector<int64_t> perm) {
  return u.emit(OpKind::Transpose, {x}, attributes({{"perm", std::move(perm)}}));
}

Result<Value *> channelsFirst(Upgrade &u, Value *x) {
  int64_t rank = x->type.rank();
  if (!x->type.isRanked() || rank < 3)
    return u.error("expected an image, got " + x->type.str());
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin() + 1, perm.end(), 0);
  perm[0] = 0, perm[1] = rank - 1;
  return transposed(u, x, std::move(perm));
}

Result<Value *> channelsLast(Upgrade &u, Value *x) {
  int64_t rank = x->type.rank();
  if (!x->type.isRanked() || rank < 3)
    return u.error("expected an image, got " + x->type.str());
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 1);
  perm[0] = 0, perm[rank - 1] = 1;
  return transposed(u, x, std::move(perm));
}

Value *floats(Upgrade &u, const std::vector<double> &values, DType dtype) {
  auto constant = [&](auto example) {
    std::vector<decltype(example)> elements(values.begin(), values.end());
    std::span<const std::byte> bytes = std::as_bytes(std::span(elements));
    return makeConst(dtype, {std::ssize(elements)}, {bytes.begin(), bytes.end()});
  };
  return u.build.constant(dtype == DType::F64 ? constant(0.0) : constant(0.0f));
}

Result<Value *> sizeOf(Upgrade &u, Value *x, int64_t axis) {
  return u.emit(OpKind::Shape, {x}, attributes({{"start", axis}, {"end", axis + 1}}));
}

Result<Value *> plus(Upgrade &u, Value *x, size_t i) {
  Value *other = TRY(u.required(i)), *sum = TRY(u.emit(OpKind::Add, {x, other}));
  TRY(expectShapeOf(u, sum, x));
  return sum;
}

Result<void> expectRank(Upgrade &u, const Value *x, int64_t rank, const std::string &form) {
  std::string message = "expected " + form + ", got " + x->type.str();
  if (!x->type.isRanked())
    return u.unsupported(message);
  return x->type.rank() == rank ? Result<void>() : u.error(message);
}

Result<void> expectSequence(Upgrade &u, const Value *x) {
  return expectRank(u, x, 3, "[batch, length, hidden size]");
}

Result<void> expectCache(Upgrade &u, const Value *x) {
  return expectRank(u, x, 4, "[batch, heads, length, head size]");
}

Result<void> expectShapeOf(Upgrade &u, const Value *value, const Value *like) {
  const Type &a = value->type, &b = like->type;
  if (!a.isRanked() || !b.isRanked())
    return {};
  bool fits = a.rank() == b.rank();
  for (int64_t i = 0; fits && i < a.rank(); i++)
    fits = !a.dim(i).isConst() || !b.dim(i).isConst() || a.dim(i) == b.dim(i);
  if (!fits)
    return u.error("expected operands that fit " + b.str() + ", their result is " + a.str());
  return {};
}

} // namespace cameo
