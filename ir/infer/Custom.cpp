// The rule of the user's own operators: results are what the model declares them to be.
#include "ir/infer/Infer.h"

#include <algorithm>
#include <numeric>

namespace cameo {

Result<void> inferCustom(InferContext &ctx) {
  std::vector<int64_t> dtypes = ctx.op.attrs.getInts("dtypes"),
                       ranks = ctx.op.attrs.getInts("ranks");
  Dims dims = ctx.op.attrs.getDims("dims");
  int64_t results = ctx.op.numResults(), left = static_cast<int64_t>(dims.size());
  if (static_cast<int64_t>(dtypes.size()) != results || dtypes.size() != ranks.size())
    return ctx.error("expected a declared type for each of the " + std::to_string(results) +
                     " outputs");
  auto next = dims.begin();
  for (int64_t i = 0; i < results; i++) {
    std::optional<DType> dtype = dtypeFromOnnx(dtypes[i]);
    if (!dtype || ranks[i] < 0 || ranks[i] > left)
      return ctx.error("output " + std::to_string(i) + " has a malformed declared type");
    Dims shape(next, next + ranks[i]);
    for (Dim &dim : shape)
      dim = dim.isConst() && dim.value() < 0 ? ctx.freshDim() : dim;
    ctx.out(i, Type::tensor(*dtype, std::move(shape)));
    next += ranks[i];
    left -= ranks[i];
  }
  return {};
}

} // namespace cameo
