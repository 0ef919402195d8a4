// Op insertion; see Builder.h.
#include "ir/Builder.h"

#include "ir/OpSpec.h"
#include "ir/infer/Infer.h"

namespace cameo {

Op *Builder::create(OpKind kind, std::vector<Value *> operands, std::vector<Type> resultTypes,
                    AttrDict attrs, int64_t numRegions) {
  return Op::insert(Op::make(kind, std::move(operands), std::move(resultTypes), std::move(attrs),
                             numRegions, loc),
                    *block_, where_);
}

Result<Op *> Builder::graph(OpKind kind, std::vector<Value *> operands, AttrDict attrs,
                            int64_t numResults) {
  int64_t wanted = numResults < 0 ? static_cast<int64_t>(spec(kind).outputs.size()) : numResults;
  Op *op = create(kind, std::move(operands), std::vector<Type>(wanted), std::move(attrs));
  if (Result<void> inferred = inferOp(module_, *op); !inferred) {
    op->erase();
    return inferred.error();
  }
  return op;
}

Value *Builder::graphValue(OpKind kind, std::vector<Value *> operands, AttrDict attrs) {
  Result<Op *> op = graph(kind, std::move(operands), std::move(attrs), 1);
  ICE_UNLESS(op, op.error().message);
  return (*op)->result();
}

Value *Builder::constant(ConstRef data) {
  AttrDict attrs;
  attrs.set("value", std::move(data));
  return graphValue(OpKind::Constant, {}, std::move(attrs));
}

} // namespace cameo
