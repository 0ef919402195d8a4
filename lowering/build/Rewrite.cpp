// See Rewrite.h.
#include "lowering/build/Rewrite.h"

#include "ir/OpSpec.h"
#include "lowering/build/ControlFlow.h"

#include <fmt/format.h>

namespace cameo {
namespace {

Op *opBefore(Op &op) {
  return op.position() == op.block()->ops().begin() ? nullptr : std::prev(op.position())->get();
}

Result<Value *> rewritten(Module &module, Op &op, RewriteFn rewrite) {
  Op *last = opBefore(op);
  Rewriter b(module, op);
  try {
    Value *value = rewrite(b, op);
    while (!value && opBefore(op) != last)
      opBefore(op)->erase();
    return value;
  } catch (const Refusal &refusal) {
    return unsupported(fmt::format("node '{}' ({}) cannot be computed with these sizes: {}",
                                   op.loc.str(), spec(op.kind()).name, refusal.error.message));
  }
}

} // namespace

Rewriter::Rewriter(Module &module, Op &op) : Builder(module) {
  before(&op);
  loc = op.loc;
}

Value *Rewriter::graphValue(OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  Result<Op *> op = graph(kind, std::move(operands), std::move(attrs), 1);
  if (!op)
    throw Refusal{std::move(op.error())};
  return (*op)->result();
}

Result<bool> rewriteOps(Module &module, RewriteFn (*rewriteOf)(const Op &op)) {
  std::vector<Op *> work;
  for (Op *op : opsOf(module.main()))
    if (rewriteOf(*op))
      work.push_back(op);
  bool changed = false;
  for (Op *op : work) {
    Value *value = TRY(rewritten(module, *op, rewriteOf(*op)));
    if (!value)
      continue;
    value->name = op->result()->name;
    op->result()->replaceAllUsesWith(value);
    op->erase();
    changed = true;
  }
  return changed;
}

Value *castTo(Rewriter &b, Value *x, DType dtype) {
  if (x->type.dtype() == dtype)
    return x;
  AttrDict attrs;
  attrs.set("to", dtype);
  return b.graphValue(OpKind::Cast, {x}, std::move(attrs));
}

Value *reshapeTo(Rewriter &b, Value *x, Value *sizes) {
  AttrDict attrs;
  attrs.set("allowzero", int64_t(1));
  return b.graphValue(OpKind::Reshape, {x, sizes}, std::move(attrs));
}

Value *zeros(Rewriter &b, DType dtype, Value *shape) {
  return b.graphValue(OpKind::Expand, {b.constant(makeSplat(dtype, {}, 0)), shape});
}

} // namespace cameo
