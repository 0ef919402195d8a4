// See Recover.h.
#include "lowering/recover/Recover.h"

#include <algorithm>

namespace cameo {
namespace {

bool isWide(const Op *op) {
  DType dtype = op->result()->type.dtype();
  return dtype == DType::F32 || dtype == DType::F64;
}

} // namespace

Value *unlessRefused(const std::function<Value *()> &build) {
  try {
    return build();
  } catch (const Refusal &) {
    return nullptr;
  }
}

Loc locOf(const std::vector<Op *> &ops) {
  Loc loc;
  for (auto op = ops.rbegin(); op != ops.rend(); ++op)
    if (std::find(ops.rbegin(), op, *op) == op)
      loc.append((*op)->loc);
  return loc;
}

Value *recovered(Rewriter &b, Op &op, const std::vector<Layer> &layers) {
  for (const Layer &layer : layers) {
    std::optional<match::Match> m = layer.formula.match(op.result());
    if (!m || !std::all_of(m->ops().begin(), m->ops().end(), isWide))
      continue;
    b.loc = locOf(m->ops());
    if (Value *value = unlessRefused([&] { return layer.build(b, *m); }))
      return value;
  }
  return nullptr;
}

} // namespace cameo
