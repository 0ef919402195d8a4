// Pools with a window, and the row operators: softmax and layer normalization.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

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
Op *rowOp(Selection &s, Value *x, RowForm form, double epsilon) {
  Op *row = s.b.create(OpKind::KernelRow, {x}, {x->type.withDType(s.out().dtype())},
                       dictOf(RowAttrs{form, epsilon}), 1);
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

/// The padding after the end that the model states. count_include_pad counts this padding alone,
/// while ceil_mode may let windows reach further.
Dims declaredPadsEnd(Op &op, const Window &window) {
  if (op.attrs.getString("auto_pad", "NOTSET").starts_with("SAME"))
    return window.padsEnd;
  size_t rank = window.kernel.size();
  std::vector<int64_t> pads = op.attrs.getInts("pads", std::vector<int64_t>(2 * rank, 0));
  return Dims(pads.begin() + static_cast<int64_t>(rank), pads.end());
}

/// The mean and the inverse deviation of a layer normalization, where somebody asks for them: the
/// row kernel has them for a row at a time only.
Result<void> layerStatistics(Selection &s, int64_t axis) {
  bool wanted = false;
  for (int64_t i = 1; i < s.op.numResults(); i++)
    wanted = wanted || !s.op.result(i)->users().empty();
  if (!wanted)
    return {};
  std::vector<int64_t> axes(s.in(0).rank() - axis);
  std::iota(axes.begin(), axes.end(), axis);
  DType work = s.in(0).dtype() == DType::F64 ? DType::F64 : DType::F32;
  Value *x = s.op.operand(0), *list = s.b.Builder::constant(makeConst(axes));
  Value *wide = pointwise(s, {x}, x->type.withDType(work),
                          [](LoopBuilder &, const std::vector<Value *> &e) { return e[0]; });
  Value *mean = TRY(lowered(s, OpKind::ReduceMean, {wide, list}));
  Value *centred = TRY(lowered(s, OpKind::Sub, {wide, mean}));
  Value *squares = TRY(lowered(s, OpKind::Mul, {centred, centred}));
  Value *variance = TRY(lowered(s, OpKind::ReduceMean, {squares, list}));
  double epsilon = s.op.attrs.getFloat("epsilon", 1e-5);
  for (int64_t i = 1; i < s.op.numResults(); i++) {
    if (s.op.result(i)->users().empty())
      continue;
    auto write = [&](LoopBuilder &b, const std::vector<Value *> &e) {
      if (i == 1)
        return e[0];
      Value *root = b.unary(OpKind::ScalarSqrt, b.add(e[0], b.constant(e[0]->type, epsilon)));
      return b.div(b.constant(e[0]->type, 1), root);
    };
    Value *result = pointwise(s, {i == 1 ? mean : variance}, s.out(i), write);
    s.op.result(i)->replaceAllUsesWith(result);
  }
  return {};
}

} // namespace

PoolAttrs poolAttrs(Op &op, const Window &window, PoolKind kind) {
  return {kind,
          window.kernel,
          window.strides,
          window.padsBegin,
          window.padsEnd,
          declaredPadsEnd(op, window),
          window.dilations,
          op.attrs.getInt("count_include_pad") != 0};
}

Value *poolKernel(Selection &s, Value *x, const PoolAttrs &attrs, DType dtype) {
  Op *pool = s.b.create(OpKind::KernelPool, {x}, {s.out().withDType(dtype)}, dictOf(attrs), 1);
  Value *element = pool->region().addArg(Type::scalar(workType(x->type.dtype())));
  endEpilogue(s.b, pool, element);
  return pool->result();
}

Result<void> selectPool(Selection &s) {
  Window window = windowOf(s.op, s.op.attrs.getInts("kernel_shape"));
  if (s.op.numResults() > 1 && !s.op.result(1)->users().empty())
    s.op.result(1)->replaceAllUsesWith(TRY(poolIndices(s, window)));
  while (s.op.numResults() > 1)
    s.op.eraseResult(s.op.numResults() - 1);
  PoolKind kind = s.op.kind() == OpKind::MaxPool ? PoolKind::Max : PoolKind::Average;
  s.replaceWithValue(
      poolKernel(s, s.op.operand(0), poolAttrs(s.op, window, kind), s.out().dtype()));
  return {};
}

Result<void> selectSoftmax(Selection &s) {
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis", -1), s.in(0).rank());
  Value *x = moveAxisLast(s, s.op.operand(0), axis, false);
  Op *row = rowOp(s, x, s.op.kind() == OpKind::Softmax ? RowForm::Softmax : RowForm::LogSoftmax, 0);
  endRow(s, row, row->region().arg(0));
  s.replaceWithValue(moveAxisLast(s, row->result(), axis, true));
  return {};
}

Result<void> selectLayerNorm(Selection &s) {
  const Type &type = s.in(0);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis", -1), type.rank());
  TRY(layerStatistics(s, axis));
  Value *x = flattenTail(s, s.op.operand(0), axis);
  // Scale and bias broadcast to the dims that are normalized, which flattening makes one. A scalar
  // does as it is.
  Dims normalized(type.shape().begin() + axis, type.shape().end());
  std::vector<Value *> factors;
  for (int64_t i = 1; i <= 2; i++) {
    Value *factor = s.op.operand(i);
    if (factor && factor->type.rank() > 0 && axis != type.rank() - 1)
      factor = flattenTail(s, broadcastView(s.b, factor, normalized), 0);
    factors.push_back(factor);
  }
  bool rms = s.op.kind() == OpKind::RMSNormalization;
  Op *row = rowOp(s, x, rms ? RowForm::RmsNorm : RowForm::LayerNorm,
                  s.op.attrs.getFloat("epsilon", 1e-5));
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
