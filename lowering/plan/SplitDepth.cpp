// See SplitDepth.h. The factors' parts are views.
#include "lowering/plan/SplitDepth.h"

#include "ir/kernel/Contraction.h"
#include "lowering/build/Regions.h"
#include "lowering/build/ViewBuilder.h"

namespace cameo {
namespace {

/// `extent` elements along an axis of x from `start` on.
Value *runOf(LoopBuilder &b, Value *x, int64_t axis, int64_t start, int64_t extent) {
  Dims shape = x->type.shape(), starts(shape.size(), Dim(0));
  shape[static_cast<size_t>(axis)] = Dim(extent);
  starts[static_cast<size_t>(axis)] = Dim(start);
  std::vector<int64_t> steps(shape.size(), 1);
  Value *run = sliceView(b, x, std::move(starts), std::move(steps), x->type.withShape(shape));
  run->name = x->name;
  return run;
}

/// Adds `operand` to the sums that the region of a contraction gets.
void addToSums(LoopBuilder &b, Op &gemm, Value *operand) {
  Block &region = gemm.region();
  Value *sum = region.arg(0);
  std::vector<Value *> operands = gemm.operands();
  operands.push_back(operand);
  gemm.setOperands(operands);
  Value *before = region.addArg(Type::scalar(operand->type.dtype()));
  b.before(region.ops().front().get());
  Value *total = b.add(sum, before);
  sum->replaceAllUsesWith(total);
  total->definingOp()->setOperand(0, sum);
  b.before(&gemm);
}

} // namespace

std::vector<Op *> splitDepth(LoopBuilder &b, Op &gemm, int64_t parts) {
  Value *x = gemm.operand(0), *w = gemm.operand(1);
  int64_t axis = x->type.rank() - 1, extent = x->type.dim(axis).value() / parts;
  auto part = [&](Value *value, int64_t along, int64_t number) {
    return runOf(b, value, along, number * extent, extent);
  };
  b.before(&gemm);
  std::vector<Op *> firsts;
  for (int64_t number = 0; number < parts; number++) {
    Value *xs = part(x, axis, number), *ws = part(w, w->type.rank() - 2, number);
    if (number + 1 == parts) {
      gemm.setOperand(0, xs);
      gemm.setOperand(1, ws);
    } else {
      Type type = Type::tensor(DType::F32, gemm.result()->type.shape());
      GemmAttrs attrs;
      attrs.inputs.weights = WeightForm::Plain;
      attrs.pieces = gemm.attrs.getInt("pieces", 1);
      Op *first = b.create(OpKind::KernelGemm, {xs, ws}, {type}, dictOf(attrs), 1);
      endEpilogue(b, first, first->region().addArg(Type::scalar(DType::F32)));
      firsts.push_back(first);
    }
    if (number > 0)
      addToSums(b, number + 1 == parts ? gemm : *firsts.back(),
                firsts[static_cast<size_t>(number) - 1]->result());
    b.before(&gemm);
  }
  return firsts;
}

} // namespace cameo
