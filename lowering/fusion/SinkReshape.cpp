// See SinkReshape.h.
//
// Turn this: %m = gemm(...) : f32[8,4];  %r = reshape(%m) : f32[1,8,4];  %y = pointwise(%r, %z)
// Into this: %m = gemm(...) : f32[8,4];  %s = reshape(%z) : f32[8,4]
//            %p = pointwise(%m, %s) : f32[8,4];  %y = reshape(%p) : f32[1,8,4]
//
// A window's mask, say, varies along a part of a dim of batches: these are split for it.
// Turn this: %m = gemm(%a, %b) : f32[6,8,4];  %r = reshape(%m) : f32[2,3,8,4]
// Into this: %c = reshape(%a) : f32[2,3,8,5];  ...  %m = gemm(%c, %d) : f32[2,3,8,4]
#include "lowering/fusion/SinkReshape.h"

#include "ir/kernel/KernelSpec.h"
#include "lowering/build/Batches.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Shapes.h"
#include "lowering/build/ViewBuilder.h"

#include <algorithm>
#include <optional>

namespace cameo {
namespace {

// A kernel farther away is not looked for, so that the search takes no time to speak of.
constexpr int64_t kMostBetween = 64;

/// Whether no op between a kernel and an op behind it in its block defines sizes: those that the
/// kernel's shape is made of are still the same at `op`, where the joined kernel will be.
bool sizesStay(const Op &kernel, const Op &op) {
  auto at = op.position();
  for (int64_t i = 0; i < kMostBetween && at != op.block()->ops().begin(); i++) {
    const Op &before = **--at;
    if (&before == &kernel)
      return true;
    if (!definedSymbols(before).empty() || isControlFlow(before))
      return false;
  }
  return false;
}

bool isOnlyRead(const Value &value, const Op &by) {
  return std::all_of(value.users().begin(), value.users().end(),
                     [&](Op *user) { return user == &by; });
}

/// The reshape that makes operand i of `op` from what only it reads of a kernel with an epilogue.
Op *reshapeBefore(const Op &op, int64_t i) {
  Value *operand = op.operand(i);
  Op *reshape = operand->definingOp();
  if (!reshape || reshape->kind() != OpKind::KernelReshape || !isOnlyRead(*operand, op) ||
      !(operand->type.shape() == op.result()->type.shape()))
    return nullptr;
  Op *kernel = reshape->operand(0)->definingOp();
  bool canJoin = kernel && kernel->block() == op.block() && epilogueOf(*kernel) &&
                 isOnlyRead(*reshape->operand(0), *reshape) && sizesStay(*kernel, op);
  return canJoin ? reshape : nullptr;
}

/// The shape in which an operand that broadcasts to `from` does so to `to`, of as many elements:
/// whole ones take that shape; others may vary along the last dims that both have.
std::optional<Dims> shapeFor(const Dims &operand, const Dims &from, const Dims &to) {
  if (operand == from)
    return to;
  auto first =
      std::find_if(operand.begin(), operand.end(), [](const Dim &dim) { return !(dim == Dim(1)); });
  Dims varying(first, operand.end());
  auto [end, other] = std::mismatch(from.rbegin(), from.rend(), to.rbegin(), to.rend());
  if (std::ssize(varying) > end - from.rbegin())
    return std::nullopt;
  return varying;
}

/// Makes the product that `reshape` splits the batches of compute in the split ones. Whether it
/// did.
bool splitProduct(LoopBuilder &b, Op &reshape) {
  Value *made = reshape.operand(0);
  Op &kernel = *made->definingOp();
  Dims split = reshape.result()->type.shape(), matrix = made->type.shape();
  if (kernel.kind() != OpKind::KernelGemm || split.size() < 2 ||
      !std::equal(split.end() - 2, split.end(), matrix.end() - 2))
    return false;
  split.resize(split.size() - 2);
  b.before(&kernel);
  b.loc = reshape.loc;
  if (!splitBatches(b, kernel, split))
    return false;
  reshape.result()->replaceAllUsesWith(made);
  eraseReader(reshape);
  return true;
}

} // namespace

bool sinkReshape(Module &module, Op &op) {
  const Dims from = op.result()->type.shape();
  Op *reshape = nullptr;
  for (int64_t i = 0; i < op.numOperands() && !reshape; i++)
    reshape = reshapeBefore(op, i);
  if (!reshape || op.numResults() != 1)
    return false;
  Value *made = reshape->operand(0);
  const Dims to = made->type.shape();
  if (from == to)
    return false;
  LoopBuilder b(module);
  std::vector<Dims> shapes;
  for (const Value *operand : op.operands()) {
    std::optional<Dims> shape = shapeFor(operand->type.shape(), from, to);
    if (!shape)
      return splitProduct(b, *reshape);
    shapes.push_back(*shape);
  }
  b.before(&op);
  b.loc = reshape->loc;
  std::vector<Value *> operands;
  for (int64_t i = 0; i < op.numOperands(); i++)
    operands.push_back(op.operand(i) == reshape->result()
                           ? made
                           : reshapeView(b, op.operand(i), shapes[static_cast<size_t>(i)]));
  op.setOperands(operands);
  Value *result = op.result();
  result->type = result->type.withShape(to);
  eraseReader(*reshape);
  reshapeResult(b, op, from);
  return true;
}

} // namespace cameo
