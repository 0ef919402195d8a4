// See ViewBuilder.h.
#include "lowering/build/ViewBuilder.h"

#include "ir/kernel/ViewOps.h"

#include <algorithm>

namespace cameo {

Value *reshapeView(LoopBuilder &b, Value *x, const Dims &shape) {
  if (x->type.shape() == shape)
    return x;
  return b.create(OpKind::KernelReshape, {x}, {x->type.withShape(shape)})->result();
}

Value *transposeView(LoopBuilder &b, Value *x, const std::vector<int64_t> &perm) {
  if (std::is_sorted(perm.begin(), perm.end()))
    return x;
  Dims shape;
  for (int64_t axis : perm)
    shape.push_back(x->type.dim(axis));
  return b
      .create(OpKind::KernelTranspose, {x}, {x->type.withShape(shape)},
              dictOf(TransposeAttrs{perm}))
      ->result();
}

Value *broadcastView(LoopBuilder &b, Value *x, const Dims &shape) {
  if (x->type.shape() == shape)
    return x;
  return b.create(OpKind::KernelBroadcast, {x}, {x->type.withShape(shape)})->result();
}

Value *sliceView(LoopBuilder &b, Value *x, Dims starts, std::vector<int64_t> steps, Type type) {
  SliceAttrs attrs{std::move(starts), std::move(steps)};
  return b.create(OpKind::KernelSlice, {x}, {std::move(type)}, dictOf(attrs))->result();
}

Value *alongChannels(LoopBuilder &b, Value *vector, int64_t rank) {
  Dims shape(rank - 1, Dim(1));
  shape[0] = vector->type.dim(0);
  return reshapeView(b, vector, shape);
}

void reshapeResult(LoopBuilder &b, Op &op, const Dims &as) {
  Value *result = op.result();
  std::vector<Op *> users = result->users();
  b.after(&op);
  Value *reshaped = reshapeView(b, result, as);
  result->replaceAllUsesWith(reshaped);
  reshaped->definingOp()->setOperand(0, result);
  for (Op *user : users) {
    bool isBack = user->kind() == OpKind::KernelReshape &&
                  user->result()->type.shape() == result->type.shape();
    if (!isBack)
      continue;
    user->result()->replaceAllUsesWith(result);
    eraseReader(*user);
  }
  if (reshaped->users().empty())
    eraseReader(*reshaped->definingOp());
}

void eraseReader(Op &op) {
  op.setOperands({});
  op.erase();
}

} // namespace cameo
