// Rules of ops that make tensors from attributes or from a shape.
#include "ir/infer/Infer.h"

namespace cameo {

Result<void> inferConstant(InferContext &ctx) {
  ConstRef value = ctx.op.attrs.getConst("value");
  ctx.out(0, Type::tensor(value->dtype, Dims(value->dims.begin(), value->dims.end())));
  if (std::optional<Dims> elements = knownElements(value))
    ctx.outKnown(0, *elements);
  return {};
}

} // namespace cameo
