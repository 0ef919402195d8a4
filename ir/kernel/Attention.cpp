// Rules of attention as one kernel; see Attention.h.
#include "ir/kernel/Attention.h"

#include "ir/kernel/Rules.h"

#include <fmt/format.h>

namespace cameo {

Dim attentionKeys(const Op &op) {
  const Type &v = op.operand(2)->type;
  return v.dim(v.rank() - 2);
}

Dims scoreShape(const Op &op) {
  Dims shape = op.result()->type.shape();
  shape.back() = attentionKeys(op);
  return shape;
}

Result<void> AttentionPlan::verify() const {
  TRY(areLanes(lanes, kPanel));
  TRY(areInputLanes(inputLanes, lanes));
  bool isThere = lanes > 0;
  if ((tileRows > 0) != isThere || (tilePanels > 0) != isThere || (unitTiles > 0) != isThere ||
      tileRows < 0 || tilePanels < 0 || unitTiles < 0 || tilePanels > kMaxTilePanels)
    return badInput(fmt::format("expected units of tiles of rows by 1 to {} panels, got {} of {} "
                                "by {}",
                                kMaxTilePanels, unitTiles, tileRows, tilePanels));
  if (isThere && tileRows > kMaxTileElements / (tilePanels * kPanel))
    return badInput(fmt::format("expected a tile of at most {} elements, got {} by {} panels of {}",
                                kMaxTileElements, tileRows, tilePanels, kPanel));
  return areRestRows(restRows, tileRows);
}

namespace {

/// A packed factor ends in the form that a product of such a depth and so many columns reads.
Result<void> isPackedFor(const Type &packed, const Dim &depth, const Dim &columns) {
  Dims wanted = packedShape({PackForm::Gemm}, {depth, columns});
  for (int64_t i = 0; i < 3; i++)
    if (differ(packed.dim(packed.rank() - 3 + i), wanted[i]))
      return badInput(fmt::format("expected a factor that ends in {}, got {}",
                                  packed.withShape(wanted).str(), packed.str()));
  return {};
}

} // namespace

Result<void> AttentionAttrs::verify(const Op &op) const {
  TRY(plan.verify());
  TRY(hasRegions(op, 2));
  if (form != RowForm::Softmax && form != RowForm::MaskedSoftmax)
    return badInput(fmt::format("attribute 'form': expected a softmax, got '{}'", wordOf(form)));
  const Type &q = op.operand(0)->type, &k = op.operand(1)->type, &v = op.operand(2)->type,
             &y = op.result()->type;
  if (q.rank() < 2 || k.rank() < 3 || v.rank() < 3 || y.rank() < 2)
    return badInput("expected matrices, or batches of them");
  TRY(isPackedFor(k, q.dim(q.rank() - 1), attentionKeys(op)));
  TRY(isPackedFor(v, attentionKeys(op), y.dim(y.rank() - 1)));
  if (differ(q.dim(q.rank() - 2), y.dim(y.rank() - 2)))
    return badInput(fmt::format("expected as many rows in {} as in {}", y.str(), q.str()));
  const Dim &columns = y.dim(y.rank() - 1);
  for (const Dim &size : {q.dim(q.rank() - 2), attentionKeys(op), columns})
    if (size.isConst() && size.value() < 1)
      return badInput(
          fmt::format("expected one or more queries, keys and columns, got {}", size.str()));
  if (!columns.isConst())
    return badInput(fmt::format("expected a number of columns, got {}", columns.str()));
  int64_t numElements = op.numOperands() - kFirstScoreOperand;
  if (scoreOperands < 0 || scoreOperands > numElements)
    return badInput(fmt::format("attribute 'score_operands': expected 0 to {}, got {}", numElements,
                                scoreOperands));
  Type score = Type::scalar(DType::F32);
  std::vector<Type> forScores = elementsFrom(op, kFirstScoreOperand);
  std::vector<Type> forResults(forScores.begin() + scoreOperands, forScores.end());
  forScores.resize(static_cast<size_t>(scoreOperands), score);
  forScores.insert(forScores.begin(), score);
  forResults.insert(forResults.begin(), score);
  TRY(regionMaps(op, 0, forScores, {score}));
  return regionMaps(op, 1, forResults, {elementOfResult(op)});
}

Dim AttentionAttrs::flops(const Op &op) const {
  const Type &q = op.operand(0)->type, &y = op.result()->type;
  Dim depths = q.dim(q.rank() - 1) + y.dim(y.rank() - 1);
  return Dim(2) * product(scoreShape(op)) * depths;
}

} // namespace cameo
