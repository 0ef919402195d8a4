// LinearAttention as a loop over the steps of the sequence, which carries a matrix a head. Sums are
// in f32, whatever the inputs are; the formulas are those of evalLinearAttention.
#include "lowering/decompose/Decompose.h"
#include "lowering/decompose/Loops.h"

namespace cameo {
namespace {

struct LinearAttention {
  Rewriter &b;
  Op &op;
  int64_t heads, shared;
  std::string rule;

  Value *transposed(Value *x, std::vector<int64_t> perm) {
    AttrDict attrs;
    attrs.set("perm", std::move(perm));
    return b.graphValue(OpKind::Transpose, {x}, std::move(attrs));
  }

  Value *binary(OpKind kind, Value *x, Value *y) { return b.graphValue(kind, {x, y}); }

  Value *concat(std::vector<Value *> lists) {
    AttrDict axis;
    axis.set("axis", int64_t(0));
    return b.graphValue(OpKind::Concat, std::move(lists), std::move(axis));
  }

  /// Sizes [from, to) of a tensor.
  Value *sizes(Value *x, int64_t from, int64_t to) {
    AttrDict attrs;
    attrs.set("start", from);
    attrs.set("end", to);
    return b.graphValue(OpKind::Shape, {x}, std::move(attrs));
  }

  /// [batch, length, values] as [length, batch, heads, rows, columns] of f32, where the last three
  /// are the sizes before, as many values as are left for each of them, and those after.
  Value *bySteps(Value *x, std::vector<int64_t> before, const std::vector<int64_t> &after = {}) {
    int64_t parts = 1;
    for (int64_t size : before)
      parts *= size;
    Value *left = binary(OpKind::Div, sizes(x, 2, 3), b.constant(makeConst({parts})));
    before.insert(before.begin(), {0, 0});
    Value *shape = concat({b.constant(makeConst(before)), left, b.constant(makeConst(after))});
    Value *split = b.graphValue(OpKind::Reshape, {castTo(b, x, DType::F32), shape});
    return transposed(split, {1, 0, 2, 3, 4});
  }

  /// `x` scaled by factors that broadcast to it.
  Value *scaled(Value *x, Value *factors) {
    Value *result = binary(OpKind::Mul, x, factors);
    result->type = x->type;
    return result;
  }

  /// 1 / sqrt of the size of a key.
  Value *defaultScale(Value *k) {
    Value *size = castTo(b, axisSize(b, k, 4), DType::F32);
    return b.graphValue(OpKind::Reciprocal, {b.graphValue(OpKind::Sqrt, {size})});
  }

  Value *atStep(Value *x, Value *step) {
    AttrDict axis;
    axis.set("axis", int64_t(0));
    return b.graphValue(OpKind::Gather, {x, step}, std::move(axis));
  }

  Value *firstState(Value *k, Value *v) {
    if (op.operand(3))
      return castTo(b, op.operand(3), DType::F32);
    return zeros(b, DType::F32, concat({sizes(k, 1, 3), sizes(k, 4, 5), sizes(v, 4, 5)}));
  }

  Value *build() {
    Value *q = bySteps(op.operand(0), {heads, shared}), *k = bySteps(op.operand(1), {heads, 1});
    Value *v = bySteps(op.operand(2), {heads, 1}), *decay = nullptr, *beta = nullptr;
    double scale = op.attrs.getFloat("scale");
    q = scaled(q, scale != 0 ? scalarLike(b, q, scale) : defaultScale(k));
    if (rule.starts_with("gated"))
      decay = b.graphValue(OpKind::Exp, {bySteps(op.operand(4), {heads}, {1})});
    if (rule.ends_with("delta"))
      beta = bySteps(op.operand(5), {}, {1, 1});
    Value *state = firstState(k, v);
    Dims stacked = q->type.shape();
    stacked.back() = v->type.dim(4);
    Op *loop =
        beginLoop(b, axisSize(b, op.operand(0), 1), {state}, {Type::tensor(DType::F32, stacked)});
    Value *step = loop->region().arg(0);
    state = loop->region().arg(2);
    Value *key = atStep(k, step), *value = atStep(v, step);
    if (decay)
      state = scaled(state, atStep(decay, step));
    if (beta) {
      value = binary(OpKind::Sub, value, binary(OpKind::MatMul, key, state));
      value = scaled(value, atStep(beta, step));
    }
    Value *update = binary(OpKind::Mul, transposed(key, {0, 1, 3, 2}), value);
    state = binary(OpKind::Add, state, update);
    endLoop(b, loop, {state, binary(OpKind::MatMul, atStep(q, step), state)});
    if (op.numResults() > 1 && !op.result(1)->users().empty()) {
      Value *last = castTo(b, loop->result(0), op.result(1)->type.dtype());
      last->name = op.result(1)->name;
      op.result(1)->replaceAllUsesWith(last);
    }
    Value *values = transposed(loop->result(1), {1, 0, 2, 3, 4});
    Value *width = binary(OpKind::Mul, sizes(v, 4, 5), b.constant(makeConst({heads * shared})));
    Value *shape = concat({b.constant(makeConst({0, 0})), width});
    return castTo(b, b.graphValue(OpKind::Reshape, {values, shape}), op.result(0)->type.dtype());
  }
};

} // namespace

Value *decomposeLinearAttention(Rewriter &b, Op &op) {
  int64_t heads = op.attrs.getInt("kv_num_heads"), queryHeads = op.attrs.getInt("q_num_heads");
  return LinearAttention{b, op, heads, queryHeads / heads, op.attrs.getString("update_rule")}
      .build();
}

} // namespace cameo
