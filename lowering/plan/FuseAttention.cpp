// Makes one kernel of two products with a softmax between them, so that scores never leave the
// caches. Runs behind fusion: scale, soft cap and masks are in the epilogue of the first product by
// then, and become the region of scores.
//
// Turn this: %s = gemm(%q, %k, %mask) ^(product, element) ...
//            %p = row(%s) {form = "softmax"}
//            %y = gemm(%p, %v) ^(sum) ...
// Into this: %y = attention(%q, %k, %v, %mask) {score_operands = 1} ^(product, element) ... ^(mean)
// ...
// A reshape of scores may be in between: for the sake of a mask, scores may be split in other
// batches than probabilities. The kernel computes in those of the scores then.
//
// Only if: all is f32, nobody else reads scores or probabilities, which no epilogue changes,
// and inputs give the number of keys: what the run finds out later is no size of a thread's memory.
#include "ir/Builder.h"
#include "ir/infer/UnifySizes.h"
#include "ir/kernel/Attention.h"
#include "lowering/Passes.h"
#include "lowering/build/Batches.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ViewBuilder.h"
#include "lowering/plan/Attention.h"

#include <algorithm>

namespace cameo {
namespace {

/// A product of packed weights that computes in f32.
bool isProduct(const Op &op) {
  if (op.kind() != OpKind::KernelGemm)
    return false;
  GemmAttrs attrs = attrsOf<GemmAttrs>(op);
  return attrs.inputs.weights == WeightForm::Packed && attrs.interleave == 1 &&
         op.region().arg(0)->type.dtype() == DType::F32 &&
         op.operand(0)->type.dtype() == DType::F32 && op.operand(1)->type.dtype() == DType::F32;
}

/// Whether a region turns its NaN into 0, and nothing else.
bool isNanToZero(Block &region) {
  Op *select = region.terminator()->operand(0)->definingOp();
  if (region.numArgs() != 1 || !select || select->kind() != OpKind::ScalarSelect)
    return false;
  Value *element = region.arg(0);
  Op *isNan = select->operand(0)->definingOp(), *zero = select->operand(1)->definingOp();
  return select->operand(2) == element && isNan && isNan->kind() == OpKind::ScalarCmp &&
         isNan->attrs.getString("pred") == "ne" && isNan->operand(0) == element &&
         isNan->operand(1) == element && zero && zero->kind() == OpKind::ScalarConst &&
         zero->attrs.getFloat("value", 1) == 0;
}

/// A softmax of f32 that stores what it computes, or 0 for NaN.
bool isSoftmax(const Op &op) {
  if (op.kind() != OpKind::KernelRow || op.numOperands() != 1)
    return false;
  RowForm form = attrsOf<RowAttrs>(op).form;
  return (form == RowForm::Softmax || form == RowForm::MaskedSoftmax) &&
         op.operand(0)->type.dtype() == DType::F32 && op.result()->type.dtype() == DType::F32 &&
         (op.region().terminator()->operand(0) == op.region().arg(0) || isNanToZero(op.region()));
}

/// The op that makes a value which nobody but `user` reads, and that once.
Op *onlyFor(const Value *value, const Op &user) {
  Op *maker = value->definingOp();
  bool isOnly = value->users().size() == 1 && maker && maker->block() == user.block();
  return isOnly ? maker : nullptr;
}

/// Gives `to`, which is empty, the arguments and ops of another region.
void moveRegion(Module &module, Block &from, Block &to) {
  for (const std::unique_ptr<Value> &argument : from.args())
    argument->replaceAllUsesWith(to.addArg(argument->type, argument->name));
  Builder b(module, to);
  Op *yield = b.create(OpKind::LoopYield, from.terminator()->operands(), {});
  from.terminator()->erase();
  while (!from.empty())
    from.ops().front()->moveBefore(yield);
}

/// Behind a reshape of scores to other batches, softmax and product compute in those of the scores
/// instead. Whether they do now.
bool takeBatches(Module &module, Op &reshape, Op &softmax, Op &product) {
  Op *scores = onlyFor(reshape.operand(0), reshape);
  const Dims from = softmax.result()->type.shape(), own = product.result()->type.shape();
  if (!scores || !isProduct(*scores) || from.size() < 2)
    return false;
  const Dims to = scores->result()->type.shape();
  if (to == from || !std::equal(to.end() - 2, to.end(), from.end() - 2))
    return false;
  LoopBuilder b(module);
  b.before(&product);
  b.loc = product.loc;
  if (!splitBatches(b, product, Dims(to.begin(), to.end() - 2)))
    return false;
  Value *probabilities = softmax.result(), *split = product.operand(0);
  softmax.setOperand(0, scores->result());
  probabilities->type = probabilities->type.withShape(to);
  product.setOperand(0, probabilities);
  for (Op *view : {split->definingOp(), &reshape})
    eraseReader(*view);
  reshapeResult(b, product, own);
  return true;
}

bool isNone(const Dim &size) { return size.isConst() && size.value() < 1; }

/// The same queries in the same batches, and sizes that the kernel carries. `bound`: the symbols
/// that inputs bind.
bool fits(const std::vector<std::string> &bound, const Op &scores, const Op &product) {
  Dims of = scores.result()->type.shape(), wanted = product.result()->type.shape();
  const Dim columns = wanted.back(), &queries = of[of.size() - 2], &keys = of.back();
  wanted.back() = keys;
  return of == wanted && columns.isConst() && !isNone(columns) && !isNone(queries) &&
         !isNone(keys) && missingSymbols(keys, bound).empty();
}

void fuse(Module &module, Op &scores, Op &softmax, Op &product) {
  std::vector<Value *> operands = {scores.operand(0), scores.operand(1), product.operand(1)};
  AttentionAttrs attrs;
  attrs.form = attrsOf<RowAttrs>(softmax).form;
  attrs.nanToZero = isNanToZero(softmax.region());
  attrs.scoreOperands = scores.numOperands() - 2;
  operands.insert(operands.end(), scores.operands().begin() + 2, scores.operands().end());
  operands.insert(operands.end(), product.operands().begin() + 2, product.operands().end());
  Builder b(module);
  b.before(&product);
  b.loc = scores.loc;
  b.loc.append(softmax.loc);
  b.loc.append(product.loc);
  Op *attention =
      b.create(OpKind::KernelAttention, operands, {product.result()->type}, dictOf(attrs), 2);
  attention->result()->name = product.result()->name;
  moveRegion(module, scores.region(), attention->region(0));
  moveRegion(module, product.region(), attention->region(1));
  product.result()->replaceAllUsesWith(attention->result());
  for (Op *op : {&product, &softmax, &scores})
    op->erase();
}

} // namespace

Result<bool> fuseAttention(Module &module, PassContext &) {
  std::vector<Op *> products;
  for (Op *op : opsOf(module.main()))
    if (isProduct(*op))
      products.push_back(op);
  std::vector<std::string> bound = boundSymbols(module.main());
  bool changed = false;
  for (Op *product : products) {
    Op *softmax = onlyFor(product->operand(0), *product);
    if (!softmax || !isSoftmax(*softmax))
      continue;
    Op *scores = onlyFor(softmax->operand(0), *softmax);
    if (scores && scores->kind() == OpKind::KernelReshape &&
        takeBatches(module, *scores, *softmax, *product)) {
      scores = onlyFor(softmax->operand(0), *softmax);
      changed = true;
    }
    if (!scores || !isProduct(*scores) || !fits(bound, *scores, *product))
      continue;
    fuse(module, *scores, *softmax, *product);
    changed = true;
  }
  return changed;
}

} // namespace cameo
