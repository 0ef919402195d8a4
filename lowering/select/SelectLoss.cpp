// Losses of classification, for models that carry theirs: what is picked at
// each label, weighted, then reduced.
#include "lowering/select/Select.h"

namespace cameo {
namespace {

struct Loss {
  Selection &s;
  LoopBuilder &b;
  Value *logs; // log probabilities: batch, classes, ...
  Type target;
  DType work;

  Loss(Selection &s, Value *logs)
      : s(s), b(s.b), logs(logs), target(s.in(1)),
        work(s.in(0).dtype() == DType::F64 ? DType::F64 : DType::F32) {}

  /// A value a label: its weight, times the log probability of its class if
  /// `withLogs`.
  Value *each(bool withLogs, DType dtype) {
    Value *weights = s.op.numOperands() > 2 ? s.op.operand(2) : nullptr;
    std::vector<Value *> operands = {logs, s.op.operand(1)};
    if (weights)
      operands.push_back(weights);
    const Type &x = logs->type;
    auto write = [&](LoopBuilder &, const std::vector<Value *> &index) {
      Value *label = elementAt(b, target, 1, index), *skip = nullptr;
      if (s.op.attrs.has("ignore_index")) {
        Value *ignored = b.constantInt(label->type, s.op.attrs.getInt("ignore_index"));
        skip = b.cmp("eq", label, ignored);
        label = b.select(skip, b.constantInt(label->type, 0), label);
      }
      Value *which = positionFrom(b, label, x.dim(1));
      Value *result = b.constant(Type::scalar(work), 1);
      if (weights) {
        Value *row = indexWithin(b, which, x.dim(1), weights->type.dim(0));
        result = b.cast(elementAt(b, weights->type, 2, {row}), work);
      }
      if (withLogs) {
        std::vector<Value *> at = {indexWithin(b, index[0], target.dim(0), x.dim(0)), which};
        for (size_t i = 1; i < index.size(); i++) {
          int64_t dim = static_cast<int64_t>(i);
          at.push_back(indexWithin(b, index[i], target.dim(dim), x.dim(dim + 1)));
        }
        Value *log = b.cast(elementAt(b, x, 0, at), work);
        result = b.mul(b.unary(OpKind::ScalarNeg, log), result);
      }
      return skip ? b.select(skip, b.constant(Type::scalar(work), 0), result) : result;
    };
    return generated(s, operands, target.withDType(dtype), write);
  }

  Result<Value *> total(bool withLogs) {
    AttrDict attrs;
    attrs.set("keepdims", int64_t(0));
    return lowered(s, OpKind::ReduceSum, {each(withLogs, work)}, std::move(attrs));
  }

  Result<Value *> value() {
    std::string reduction = s.op.attrs.getString("reduction", "mean");
    if (reduction == "none")
      return each(true, s.out().dtype());
    std::vector<Value *> operands = {TRY(total(true))};
    if (reduction == "mean")
      operands.push_back(TRY(total(false)));
    return pointwise(s, operands, s.out(), [&](LoopBuilder &, const std::vector<Value *> &x) {
      return x.size() > 1 ? b.div(x[0], x[1]) : x[0];
    });
  }
};

} // namespace

Result<void> selectNegativeLogLikelihoodLoss(Selection &s) {
  s.replaceWithValue(TRY(Loss(s, s.op.operand(0)).value()));
  return {};
}

Result<void> selectSoftmaxCrossEntropyLoss(Selection &s) {
  AttrDict attrs;
  attrs.set("axis", int64_t(1));
  Value *logs = TRY(lowered(s, OpKind::LogSoftmax, {s.op.operand(0)}, std::move(attrs)));
  s.replaceWithValue(TRY(Loss(s, logs).value()));
  if (s.op.numResults() > 1)
    s.op.result(1)->replaceAllUsesWith(logs);
  return {};
}

} // namespace cameo
