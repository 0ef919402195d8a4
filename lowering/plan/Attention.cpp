// See Attention.h.
#include "lowering/plan/Attention.h"

#include "lowering/build/Views.h"

#include <optional>

namespace cameo {
namespace {

constexpr int64_t kAll = TouchedAxis::kAll;

enum Tensor { Queries, Keys, Values, Output, FirstOperand };

// More panels have to gain so much: each is a vector a step from the L2 cache.
constexpr double kGain = 0.98;

/// Strides of a factor, the last `own` dims of which are a matrix, along the batches of the result.
std::vector<Dim> batchStrides(const Value &factor, const Dims &shape, int64_t own) {
  size_t batches = shape.size() - 2, given = static_cast<size_t>(factor.type.rank() - own);
  std::vector<Dim> strides(batches, Dim(0));
  for (size_t i = 0; i < given; i++) {
    size_t dim = batches - given + i;
    strides[dim] = broadcastStride(factor, static_cast<int64_t>(i), shape[dim]);
  }
  return strides;
}

} // namespace

TilePlan attentionTile(const Target &target, const Dims &scores, const Dim &depth,
                       const Dim &columns) {
  const Dim &queries = scores[scores.size() - 2], &keys = scores.back();
  auto steps = [](const Dim &size) {
    return size.isConst() ? static_cast<double>(size.value()) : 1;
  };
  TilePlan best;
  for (int64_t panels = 1; panels <= kMaxTilePanels; panels++) {
    std::optional<TilePlan> first = tileOfPanels(target, DType::F32, queries, keys, panels);
    std::optional<TilePlan> second = tileOfPanels(target, DType::F32, queries, columns, panels);
    if (!first || !second)
      break;
    first->cost = first->cost * steps(depth) + second->cost * steps(keys);
    if (best.cost == 0 || first->cost < best.cost * kGain)
      best = *first;
  }
  return best;
}

Dim scoreRow(const Dim &keys) {
  // An odd number of panels: rows at multiples of large powers of two would fall into the same few
  // sets of a cache.
  Dim pairs = Dim::floorDiv(Dim::ceilDiv(keys, Dim(kPanel)), Dim(2));
  return (pairs * Dim(2) + Dim(1)) * Dim(kPanel);
}

Dim scoreBytes(int64_t queries, const Dim &keys) {
  return Dim(queries) * (scoreRow(keys) + Dim(1)) * Dim(dtypeBytes(DType::F32));
}

AttentionLoops attentionLoops(const Op &op) {
  const Value &q = *op.operand(0), &y = *op.result();
  const Dims &shape = y.type.shape();
  size_t batches = shape.size() - 2;
  AttentionLoops loops;
  loops.depth = q.type.dim(q.type.rank() - 1);
  loops.keys = attentionKeys(op);
  loops.columns = shape.back();
  std::vector<std::vector<Dim>> strides = {batchStrides(q, shape, 2),
                                           batchStrides(*op.operand(1), shape, 3),
                                           batchStrides(*op.operand(2), shape, 3),
                                           {y.layout->strides.begin(), y.layout->strides.end()}};
  NestAxis queries{shape[batches],
                   {q.layout->strides[static_cast<size_t>(q.type.rank()) - 2], Dim(0), Dim(0),
                    y.layout->strides[batches]}};
  int64_t firstResult = kFirstScoreOperand + attrsOf<AttentionAttrs>(op).scoreOperands;
  for (int64_t e = kFirstScoreOperand; e < op.numOperands(); e++) {
    strides.push_back(broadcastStrides(*op.operand(e), e < firstResult ? scoreShape(op) : shape));
    queries.strides.push_back(strides.back()[batches]);
    loops.columnOperands.push_back(!(strides.back().back() == Dim(0)));
  }
  for (size_t dim = 0; dim < batches; dim++) {
    loops.rows.push_back({shape[dim], {}});
    for (const std::vector<Dim> &tensor : strides)
      loops.rows.back().strides.push_back(tensor[dim]);
  }
  if (batches > 0)
    mergeContiguous(loops.rows);
  loops.rows.push_back(std::move(queries));
  return loops;
}

KernelUnits attentionUnits(const Op &op) {
  AttentionAttrs attrs = attrsOf<AttentionAttrs>(op);
  AttentionLoops loops = attentionLoops(op);
  KernelUnits units;
  std::vector<Touched> touched = {
      {op.operand(0), {}}, {op.operand(1), {}}, {op.operand(2), {}}, {op.result(), {}}};
  for (int64_t e = kFirstScoreOperand; e < op.numOperands(); e++)
    touched.push_back({op.operand(e), {}});
  for (size_t i = 0; i < loops.rows.size(); i++) {
    const NestAxis &rows = loops.rows[i];
    bool isTiled = i + 1 == loops.rows.size();
    auto axis = static_cast<int64_t>(
        isTiled ? units.grid.add(tiledAxis(rows.extent, attrs.plan.tileRows, attrs.plan.unitTiles))
                : units.grid.add(rows.extent));
    for (size_t t = 0; t < touched.size(); t++)
      touched[t].axes.push_back({rows.extent, rows.strides[t], axis});
  }
  touched[Queries].axes.push_back({loops.depth, Dim(1), kAll});
  for (int64_t panels : {Keys, Values}) {
    const Value &packed = *op.operand(panels);
    for (int64_t dim = packed.type.rank() - 3; dim < packed.type.rank(); dim++)
      touched[panels].axes.push_back({packed.type.dim(dim), packed.layout->strides[dim], kAll});
  }
  touched[Output].axes.push_back({loops.columns, Dim(1), kAll});
  for (size_t e = 0; e < loops.columnOperands.size(); e++) {
    bool isOfScores = static_cast<int64_t>(e) < attrs.scoreOperands;
    touched[FirstOperand + e].axes.push_back(
        {isOfScores ? loops.keys : loops.columns, Dim(loops.columnOperands[e]), kAll});
  }
  units.writes = {touched[Output]};
  touched.erase(touched.begin() + Output);
  units.reads = std::move(touched);
  return units;
}

} // namespace cameo
