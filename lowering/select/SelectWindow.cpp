// Pools with a window, and the row operators: softmax and layer normalization.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/Shapes.h"

#include <algorithm>
#include <numeric>

namespace cameo {
namespace {

/// Moves an axis last by a transpose, or back; the layout pass makes it strides.
Value *moveAxisLast(Selection &s, Value *x, int64_t axis, bool back) {
  int64_t rank = x->type.rank();
  if (axis == rank - 1)
    return x;
  std::vector<int64_t> perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  if (back)
    std::rotate(perm.begin() + axis, perm.end() - 1, perm.end());
  else
    std::rotate(perm.begin() + axis, perm.begin() + axis + 1, perm.end());
  return transposeView(s.b, x, perm);
}

/// Merges all dims from `axis` on into one.
Value *flattenTail(Selection &s, Value *x, int64_t axis) {
  const Dims &shape = x->type.shape();
  Dims merged(shape.begin(), shape.begin() + axis);
  merged.push_back(product(Dims(shape.begin() + axis, shape.end())));
  return reshapeView(s.b, x, merged);
}

/// A row op over the last axis of x, its region begun with the normalized element, which is at
/// least f32, and the builder placed inside.
Op *rowOp(Selection &s, Value *x, const std::string &form, double epsilon) {
  AttrDict attrs;
  attrs.set("form", form);
  attrs.set("epsilon", epsilon);
  Op *row =
      s.b.create(OpKind::KernelRow, {x}, {x->type.withDType(s.out().dtype())}, std::move(attrs), 1);
  row->region().addArg(Type::scalar(x->type.dtype() == DType::F64 ? DType::F64 : DType::F32));
  s.b.atEnd(row->region());
  return row;
}

/// Ends a row op's region and places the builder after the op.
void endRow(Selection &s, Op *row, Value *element) {
  s.b.atEnd(row->region());
  s.b.create(OpKind::LoopYield, {s.b.cast(element, row->result()->type.dtype())}, {});
  s.b.after(row);
}

/// The padding after the end that the model states, which is what count_include_pad counts:
/// ceil_mode may let windows reach further.
std::vector<int64_t> declaredPadsEnd(Op &op, const Window &window) {
  size_t rank = window.kernel.size();
  std::vector<int64_t> end(rank, 0), pads = op.attrs.getInts("pads");
  bool automatic = op.attrs.getString("auto_pad", "NOTSET").starts_with("SAME");
  for (size_t i = 0; i < rank; i++)
    end[i] = automatic ? window.padsEnd[i].value() : pads.empty() ? 0 : pads[rank + i];
  return end;
}

} // namespace

Result<void> selectPool(Selection &s) {
  std::optional<Window> window = windowOf(s.op, s.op.attrs.getInts("kernel_shape"));
  if (!window)
    return s.unsupportedBecause("auto_pad with a symbolic size is not supported yet");
  if (s.op.numResults() > 1 && s.op.result(1)->users().size())
    return s.unsupportedBecause("the indices output is not supported yet");
  if (s.op.kind() == OpKind::LpPool)
    return s.unsupportedBecause("no lowering for this operator yet");
  AttrDict attrs;
  attrs.set("kind", std::string(s.op.kind() == OpKind::MaxPool ? "max" : "average"));
  attrs.set("kernel", window->kernel);
  attrs.set("strides", window->strides);
  attrs.set("pads_begin", window->padsBegin);
  attrs.set("pads_end", window->padsEnd);
  attrs.set("declared_pads_end", declaredPadsEnd(s.op, *window));
  attrs.set("dilations", window->dilations);
  attrs.set("count_include_pad", s.op.attrs.getInt("count_include_pad"));
  while (s.op.numResults() > 1)
    s.op.eraseResult(s.op.numResults() - 1);
  s.replaceWith(OpKind::KernelPool, {s.op.operand(0)}, std::move(attrs));
  return {};
}

Result<void> selectSoftmax(Selection &s) {
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis", -1), s.in(0).rank());
  Value *x = moveAxisLast(s, s.op.operand(0), axis, false);
  Op *row = rowOp(s, x, s.op.kind() == OpKind::Softmax ? "softmax" : "log_softmax", 0);
  endRow(s, row, row->region().arg(0));
  s.replaceWithValue(moveAxisLast(s, row->result(), axis, true));
  return {};
}

Result<void> selectLayerNorm(Selection &s) {
  for (int64_t i = 1; i < s.op.numResults(); i++)
    if (!s.op.result(i)->users().empty())
      return s.unsupportedBecause("the mean and deviation outputs are not supported yet");
  const Type &type = s.in(0);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis", -1), type.rank());
  Value *x = flattenTail(s, s.op.operand(0), axis);
  // Scale and bias broadcast to the dims that are normalized, which flattening makes one.
  Dims normalized(type.shape().begin() + axis, type.shape().end());
  std::vector<Value *> factors;
  for (int64_t i = 1; i <= 2; i++) {
    Value *factor = s.op.operand(i);
    if (factor && axis != type.rank() - 1)
      factor = flattenTail(s, broadcastView(s.b, factor, normalized), 0);
    factors.push_back(factor);
  }
  bool rms = s.op.kind() == OpKind::RMSNormalization;
  Op *row = rowOp(s, x, rms ? "rms_norm" : "layer_norm", s.op.attrs.getFloat("epsilon", 1e-5));
  std::vector<Value *> operands = row->operands();
  Value *element = row->region().arg(0);
  for (Value *factor : factors) {
    if (!factor)
      continue;
    Value *term = s.b.cast(elementOf(s.b, row->region(), factor, operands), element->type.dtype());
    element = factor == factors[0] ? s.b.mul(element, term) : s.b.add(element, term);
  }
  row->setOperands(operands);
  endRow(s, row, element);
  s.replaceWithValue(reshapeView(s.b, row->result(), type.shape()));
  return {};
}

} // namespace cameo
