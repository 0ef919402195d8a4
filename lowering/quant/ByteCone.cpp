// See ByteCone.h.
#include "lowering/quant/ByteCone.h"

#include "ir/OpSpec.h"
#include "ir/eval/loop/Lanes.h"
#include "lowering/build/Regions.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kBytes = 256;
constexpr size_t kMostBytes = 2;

struct Walk {
  const std::unordered_set<Value *> &inside;
  ByteCone cone = {};
  std::unordered_set<Value *> seen = {};

  /// Adds what leads to the value, and what makes it; false if that is more than bytes.
  bool value(Value *value) {
    if (!seen.insert(value).second)
      return true;
    Op *op = value->definingOp();
    bool isConstant = op && op->kind() == OpKind::ScalarConst;
    if (isByte(*value) && !isConstant && !inside.count(value)) {
      cone.bytes.push_back(value);
      return cone.bytes.size() <= kMostBytes;
    }
    return op && made(*op);
  }

  bool made(Op &op) {
    bool isScalar = spec(op.kind()).family == Family::Scalar && op.numResults() == 1;
    if (!isScalar || !std::all_of(op.operands().begin(), op.operands().end(),
                                  [&](Value *operand) { return value(operand); }))
      return false;
    cone.ops.push_back(&op);
    cone.weight += weightOf(op);
    return true;
  }
};

} // namespace

bool isByte(const Value &value) {
  DType dtype = value.type.dtype();
  return isInt(dtype) && dtypeBytes(dtype) == 1;
}

std::optional<ByteCone> byteCone(Op &op, const std::unordered_set<Value *> &inside) {
  Walk walk{inside};
  if (!walk.made(op) || walk.cone.bytes.empty())
    return std::nullopt;
  return std::move(walk.cone);
}

std::vector<int64_t> ByteCone::evaluate(const Target &target) const {
  int64_t count = bytes.size() == 1 ? kBytes : kBytes * kBytes;
  std::unordered_map<Value *, std::vector<std::byte>> storage;
  auto lanesOf = [&](Value *value) {
    std::vector<std::byte> &data = storage[value];
    data.resize(count * dtypeBytes(value->type.dtype()));
    return eval::Lanes{value->type.dtype(), count, data.data()};
  };
  for (size_t b = 0; b < bytes.size(); b++) {
    eval::Lanes lanes = lanesOf(bytes[b]);
    bool isSlow = b + 1 < bytes.size();
    for (int64_t i = 0; i < count; i++)
      lanes.data[i] = static_cast<std::byte>(isSlow ? i / kBytes : i % kBytes);
  }
  for (Op *op : ops) {
    std::vector<eval::Lanes> operands;
    for (Value *operand : op->operands())
      operands.push_back(lanesOf(operand));
    eval::Lanes result = lanesOf(op->result());
    eval::evalLanes(*op, target, operands, {&result, 1});
  }
  std::vector<int64_t> results(count);
  for (int64_t i = 0; i < count; i++)
    results[i] = eval::integerAt(lanesOf(ops.back()->result()), i);
  return results;
}

} // namespace cameo
