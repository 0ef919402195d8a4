// See Rewrite.h.
#include "lowering/Rewrite.h"

#include "lowering/ControlFlow.h"

namespace cameo {

bool rewriteOps(Module &module, RewriteFn (*rewriteOf)(const Op &op)) {
  std::vector<Op *> work;
  for (Op *op : opsOf(module.main()))
    if (rewriteOf(*op))
      work.push_back(op);
  bool changed = false;
  for (Op *op : work) {
    Builder b(module);
    b.before(op);
    b.loc = op->loc;
    Value *value = rewriteOf(*op)(b, *op);
    if (!value)
      continue;
    value->name = op->result()->name;
    op->result()->replaceAllUsesWith(value);
    op->erase();
    changed = true;
  }
  return changed;
}

Value *castTo(Builder &b, Value *x, DType dtype) {
  if (x->type.dtype() == dtype)
    return x;
  AttrDict attrs;
  attrs.set("to", dtype);
  return b.graphValue(OpKind::Cast, {x}, std::move(attrs));
}

} // namespace cameo
