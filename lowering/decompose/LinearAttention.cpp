// LinearAttention as a loop over the steps of the sequence, which carries a matrix a head. Sums are
// in f32, whatever the inputs are; the formulas are those of evalLinearAttention.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

#include <cmath>

namespace cameo {
namespace {

struct LinearAttention {
  Rewriter &b;
  Op &op;
  int64_t heads, shared, keySize, valueSize;
  std::string rule;

  Value *reshaped(Value *x, const std::vector<int64_t> &shape) {
    return b.graphValue(OpKind::Reshape, {x, b.constant(makeConst(shape))});
  }

  Value *transposed(Value *x, std::vector<int64_t> perm) {
    AttrDict attrs;
    attrs.set("perm", std::move(perm));
    return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
  }

  Value *binary(OpKind kind, Value *x, Value *y) { return b.graphValue(kind, {x, y}); }

  /// [batch, length, values] as [length, batch, heads, rows, columns] of f32.
  Value *bySteps(Value *x, int64_t count, int64_t rows, int64_t columns) {
    Value *split = reshaped(castTo(b, x, DType::F32), {0, 0, count, rows, columns});
    return transposed(split, {1, 0, 2, 3, 4});
  }

  Value *atStep(Value *x, Value *step) {
    AttrDict axis;
    axis.set("axis", int64_t(0));
    return b.graphValue(OpKind::Gather, {x, step}, std::move(axis));
  }

  Value *firstState() {
    if (op.operand(3))
      return castTo(b, op.operand(3), DType::F32);
    Value *batch = reshaped(axisSize(b, op.operand(0), 0), {1});
    Value *matrices = b.constant(makeConst({heads, keySize, valueSize}));
    AttrDict axis;
    axis.set("axis", int64_t(0));
    return zeros(b, DType::F32, b.graphValue(OpKind::Concat, {batch, matrices}, std::move(axis)));
  }

  Value *build() {
    Value *q = bySteps(op.operand(0), heads, shared, keySize);
    double scale = op.attrs.getFloat("scale");
    scale = scale != 0 ? scale : 1 / std::sqrt(static_cast<double>(keySize));
    q = binary(OpKind::Mul, q, scalarLike(b, q, scale));
    Value *k = bySteps(op.operand(1), heads, 1, keySize);
    Value *v = bySteps(op.operand(2), heads, 1, valueSize), *decay = nullptr, *beta = nullptr;
    if (rule.starts_with("gated")) {
      int64_t each = op.operand(4)->type.dim(2).value() / heads;
      decay = b.graphValue(OpKind::Exp, {bySteps(op.operand(4), heads, each, 1)});
    }
    if (rule.ends_with("delta"))
      beta = bySteps(op.operand(5), op.operand(5)->type.dim(2).value(), 1, 1);
    Value *state = firstState();
    Dims stacked = q->type.shape();
    stacked.back() = Dim(valueSize);
    Op *loop =
        beginLoop(b, axisSize(b, op.operand(0), 1), {state}, {Type::tensor(DType::F32, stacked)});
    Value *step = loop->region().arg(0);
    state = loop->region().arg(2);
    Value *key = atStep(k, step), *value = atStep(v, step);
    if (decay)
      state = binary(OpKind::Mul, state, atStep(decay, step));
    if (beta) {
      value = binary(OpKind::Sub, value, binary(OpKind::MatMul, key, state));
      value = binary(OpKind::Mul, value, atStep(beta, step));
    }
    Value *update = binary(OpKind::Mul, transposed(key, {0, 1, 3, 2}), value);
    state = binary(OpKind::Add, state, update);
    endLoop(b, loop, {state, binary(OpKind::MatMul, atStep(q, step), state)});
    if (op.numResults() > 1 && !op.result(1)->users().empty()) {
      Value *last = castTo(b, loop->result(0), op.result(1)->type.dtype());
      last->name = op.result(1)->name;
      op.result(1)->replaceAllUsesWith(last);
    }
    Value *y =
        reshaped(transposed(loop->result(1), {1, 0, 2, 3, 4}), {0, 0, heads * shared * valueSize});
    return castTo(b, y, op.result(0)->type.dtype());
  }
};

} // namespace

Value *decomposeLinearAttention(Rewriter &b, Op &op) {
  int64_t heads = op.attrs.getInt("kv_num_heads"), queryHeads = op.attrs.getInt("q_num_heads");
  std::string rule = op.attrs.getString("update_rule", "gated_delta");
  const Dim &keys = op.operand(1)->type.dim(2), &values = op.operand(2)->type.dim(2);
  if (!keys.isConst() || !values.isConst() || keys.value() % heads || values.value() % heads)
    return nullptr;
  // How many decays and rates there are a step is in their last dim.
  for (int64_t i : {4, 5}) {
    if (i == 4 ? !rule.starts_with("gated") : !rule.ends_with("delta"))
      continue;
    Value *given = op.operand(i);
    if (!given || given->type.rank() != 3 || !given->type.dim(2).isConst())
      return nullptr;
    int64_t count = given->type.dim(2).value();
    bool fits = i == 4 ? count == heads || count == keys.value() : count == heads || count == 1;
    if (!fits)
      return nullptr;
  }
  LinearAttention attention{
      b, op, heads, queryHeads / heads, keys.value() / heads, values.value() / heads, rule};
  return attention.build();
}

} // namespace cameo
