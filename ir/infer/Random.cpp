// Rules of ops that draw random numbers.
#include "ir/infer/Checks.h"

#include <algorithm>

namespace cameo {

/// The input's shape, and its element type unless the attribute names one.
Result<void> inferBernoulli(InferContext &ctx) {
  ctx.out(0, ctx.in(0).withDType(dtypeAttr(ctx, "dtype", ctx.in(0).dtype())));
  return {};
}

Result<void> inferRandomLike(InferContext &ctx) {
  DType dtype = dtypeAttr(ctx, "dtype", ctx.in(0).dtype());
  if (!isFloat(dtype))
    return ctx.error("expected a float element type, got " + std::string(dtypeName(dtype)));
  ctx.out(0, ctx.in(0).withDType(dtype));
  return {};
}

Result<void> inferRandom(InferContext &ctx) {
  DType dtype = dtypeAttr(ctx, "dtype", DType::F32);
  if (!isFloat(dtype))
    return ctx.error("attribute 'dtype': expected a float type, got " +
                     std::string(dtypeName(dtype)));
  std::vector<int64_t> shape = ctx.op.attrs.getInts("shape");
  if (std::any_of(shape.begin(), shape.end(), [](int64_t size) { return size < 0; }) ||
      static_cast<int64_t>(shape.size()) > kMaxRank)
    return ctx.error("attribute 'shape': expected sizes of at least 0, got " + listText(shape));
  ctx.out(0, Type::tensor(dtype, Dims(shape.begin(), shape.end())));
  return {};
}

/// Log probabilities [batch, classes] to [batch, samples].
Result<void> inferMultinomial(InferContext &ctx) {
  DType dtype = dtypeAttr(ctx, "dtype", DType::I32);
  int64_t samples = ctx.op.attrs.getInt("sample_size");
  if (dtype != DType::I32 && dtype != DType::I64)
    return ctx.error("attribute 'dtype': expected i32 or i64, got " +
                     std::string(dtypeName(dtype)));
  if (samples < 1)
    return ctx.error("attribute 'sample_size': expected at least 1, got " +
                     std::to_string(samples));
  TRY(expectRank(ctx, 0, 2));
  ctx.out(0, Type::tensor(dtype, {ctx.in(0).dim(0), Dim(samples)}));
  return {};
}

} // namespace cameo
