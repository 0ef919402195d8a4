// Rules of ops on strings.
#include "ir/infer/Checks.h"

#include <algorithm>

namespace cameo {

/// X[words] or X[1, words] without the stop words. Only the run knows how many remain.
Result<void> inferStringNormalizer(InferContext &ctx) {
  TRY(choiceAttr(ctx, "case_change_action", {"NONE", "LOWER", "UPPER"}));
  TRY(expectRank(ctx, 0, 1, 2));
  Dims shape = ctx.in(0).shape();
  if (shape.size() == 2)
    TRY(expectDim(ctx, 0, 0, Dim(1), "one row"));
  if (ctx.op.attrs.has("stopwords") || !shape.back().isConst() || shape.back() == Dim(0))
    shape.back() = ctx.freshDim();
  ctx.outShape(0, shape);
  return {};
}

/// A new last dim for the longest list of parts.
Result<void> inferStringSplit(InferContext &ctx) {
  Dims shape = ctx.in(0).shape();
  ctx.outShape(1, shape);
  shape.push_back(ctx.freshDim());
  ctx.outShape(0, shape);
  return {};
}

/// X[words] or X[rows, words] to one number an output coordinate.
Result<void> inferTfIdfVectorizer(InferContext &ctx) {
  TRY(choiceAttr(ctx, "mode", {"TF", "IDF", "TFIDF"}));
  TRY(expectRank(ctx, 0, 1, 2));
  Dims shape = ctx.in(0).shape();
  int64_t size = 0;
  for (int64_t index : ctx.op.attrs.getInts("ngram_indexes")) {
    if (index < 0 || index >= int64_t{1} << 31)
      return ctx.error("attribute 'ngram_indexes': " + std::to_string(index) + " is out of range");
    size = std::max(size, index + 1);
  }
  shape.back() = Dim(size);
  ctx.outShape(0, shape);
  return {};
}

} // namespace cameo
