// What a `generate` reads as its innermost index moves: vectors are possible when every read moves
// with it one element at a time, which holds for whatever does not touch the innermost dim.
#include "lowering/plan/Loops.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

namespace cameo {
namespace {

/// How a value of the region depends on the innermost index.
enum class Varies { No, ByOne, Data };

using Variations = std::unordered_map<const Value *, Varies>;

bool isUnit(const Value &x, int64_t dim) { return x.layout->strides[dim] == Dim(1); }

/// How the result of an op of the region varies; nothing if it cannot be computed in vectors.
std::optional<Varies> variationOf(const Op &kernel, const Op &op, const Variations &varies) {
  if (op.numRegions() > 0)
    return std::nullopt;
  bool isAt = op.kind() == OpKind::RegionAt, data = false;
  int64_t moving = 0;
  for (int64_t i = 0; i < op.numOperands(); i++) {
    Varies how = op.operand(i) ? varies.at(op.operand(i)) : Varies::No;
    data = data || how == Varies::Data;
    if (how != Varies::ByOne)
      continue;
    moving++;
    if (isAt && !isUnit(*kernel.operand(op.attrs.getInt("operand")), i))
      return std::nullopt;
  }
  bool sum = op.kind() == OpKind::ScalarAdd ||
             (op.kind() == OpKind::ScalarSub && varies.at(op.operand(0)) == Varies::ByOne);
  bool isCheck = op.kind() == OpKind::RegionRequire;
  if (moving > 1 || (isCheck && (data || moving)) ||
      (moving == 1 && !isAt && !(sum && op.result()->type.isIndex())))
    return std::nullopt;
  // Elements that differ from lane to lane are data; an index made of them needs a gather.
  data = data || (moving == 1 && isAt);
  for (const std::unique_ptr<Value> &result : op.results())
    if (data && result->type.isIndex())
      return std::nullopt;
  return data ? Varies::Data : moving == 1 ? Varies::ByOne : Varies::No;
}

} // namespace

std::vector<int64_t> generateOrder(const Op &op) {
  const Value &y = *op.result();
  std::vector<int64_t> order(y.type.rank());
  std::iota(order.begin(), order.end(), 0);
  if (constantDims(y.layout->strides))
    std::stable_sort(order.begin(), order.end(), [&](int64_t a, int64_t c) {
      return y.layout->strides[a].value() > y.layout->strides[c].value();
    });
  return order;
}

bool isGeneratedInVectors(const Op &op) {
  std::vector<int64_t> order = generateOrder(op);
  Block &region = op.region();
  if (order.empty() || !isUnit(*op.result(), order.back()))
    return false;
  Variations varies;
  for (int64_t i = 0; i < region.numArgs(); i++)
    varies[region.arg(i)] = i == order.back() ? Varies::ByOne : Varies::No;
  for (const std::unique_ptr<Op> &inner : region.ops()) {
    std::optional<Varies> how = variationOf(op, *inner, varies);
    if (!how)
      return false;
    for (const std::unique_ptr<Value> &result : inner->results())
      varies[result.get()] = *how;
  }
  return true;
}

} // namespace cameo
