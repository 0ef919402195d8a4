// Plans of contractions that are worth measuring. See TunedPlans.h. They are what the planner might
// have chosen, had it estimated costs otherwise.
#include "lowering/plan/TunedPlans.h"

#include "ir/AttrText.h"
#include "ir/TileRegisters.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/Tiles.h"
#include "lowering/plan/VerifyPlans.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

ConvAlgorithm algorithmOf(const Op &op) {
  return op.kind() == OpKind::KernelConv ? attrsOf<ConvAttrs>(op).algorithm : ConvAlgorithm::Direct;
}

/// The plans that the op may have, each once, its own left out.
std::vector<AttrDict> fitting(Op &op, const std::vector<ContractionPlan> &plans) {
  std::vector<AttrDict> fit;
  AttrDict own = op.attrs;
  auto isKnown = [&](const AttrDict &plan) {
    auto equals = [&](const AttrDict &other) { return attrsText(other) == attrsText(plan); };
    return equals(planAttributes(op)) || std::any_of(fit.begin(), fit.end(), equals);
  };
  bool isDirect = algorithmOf(op) == ConvAlgorithm::Direct;
  for (ContractionPlan plan : plans) {
    if (isDirect && plan.unitTiles > 0)
      plan.ahead = fetchAhead(op, plan);
    AttrDict attrs = dictOf(plan);
    if (isKnown(attrs))
      continue;
    for (std::string_view name : fieldNames<ContractionPlan>())
      op.attrs.erase(name);
    for (const auto &[name, value] : attrs)
      op.attrs.set(name, value);
    bool fits = kernelSpec(op.kind())->verify(op) && verifyPlan(op);
    op.attrs = own;
    if (fits)
      fit.push_back(std::move(attrs));
  }
  return fit;
}

/// The rows and columns of register tiles, before they are cut.
struct TiledSizes {
  Dim rows, columns;
};

TiledSizes tiledSizes(const Op &op) {
  if (winogradTile(algorithmOf(op))) {
    WinogradPlan plan = winogradPlanOf(op);
    return {Dim(plan.across * plan.down), Dim(plan.sizes.outputs)};
  }
  Contraction c = contractionOf(op);
  return {c.rows.back().extent, c.columns};
}

/// The largest tiles of a number of panels that registers hold, even ones, and some that are a
/// little smaller.
std::vector<ContractionPlan> tilesOf(const Target &target, const Op &op) {
  ContractionPlan plan = contractionPlanOf(op);
  TiledSizes sizes = tiledSizes(op);
  DType accumulator = op.region().arg(0)->type.dtype();
  int64_t vectorsPerPanel = std::max<int64_t>(1, kPanel / plan.lanes);
  int64_t panels =
      sizes.columns.isConst() ? ceilDiv(sizes.columns.value(), kPanel) : kMaxTilePanels;
  std::vector<ContractionPlan> plans;
  for (int64_t p = 1; p <= std::min(panels, kMaxTilePanels); p++) {
    int64_t groups = std::min(kTileSums / p, kTileGroups) / plan.tileLines;
    int64_t most = plan.tileSteps > 0 ? groups * kMostTileRows
                                      : mostTileRows(target, accumulator, p * vectorsPerPanel);
    for (int64_t rows : {most, most - 1, most - 2, most / 2}) {
      if (rows < 1)
        continue;
      if (sizes.rows.isConst() && sizes.rows.value() > 0) {
        EvenTiles even = evenTiles(sizes.rows, rows);
        rows = even.rows + (even.extra > 0);
      }
      plan.tileRows = rows, plan.tilePanels = p;
      plans.push_back(plan);
    }
  }
  return plans;
}

std::vector<ContractionPlan> depthwiseTiles(const Op &op) {
  std::vector<ContractionPlan> plans(12, contractionPlanOf(op));
  for (size_t i = 0; i < plans.size(); i++)
    plans[i].tileRows = static_cast<int64_t>(i) + 1;
  return plans;
}

} // namespace

AttrDict planAttributes(const Op &op) { return dictOf(contractionPlanOf(op)); }

std::vector<AttrDict> otherTiles(const Target &target, Op &op) {
  bool isDepthwise = algorithmOf(op) == ConvAlgorithm::Depthwise;
  return fitting(op, isDepthwise ? depthwiseTiles(op) : tilesOf(target, op));
}

std::vector<AttrDict> otherUnits(Op &op) {
  std::vector<ContractionPlan> plans;
  ContractionPlan own = contractionPlanOf(op);
  auto add = [&](auto &&change) { change(plans.emplace_back(own)); };
  auto turn = [](ContractionPlan &plan) {
    plan.outer = plan.outer == LoopOrder::Rows ? LoopOrder::Panels : LoopOrder::Rows;
  };
  if (winogradTile(algorithmOf(op))) {
    for (int64_t block : {own.block / 2, own.block * 2, own.block * 4, int64_t{1}})
      add([&](ContractionPlan &plan) { plan.block = block; });
  } else if (own.unitTiles > 0) {
    add(turn);
    for (int64_t tiles : {own.unitTiles * 4, std::max<int64_t>(1, own.unitTiles / 4)}) {
      add([&](ContractionPlan &plan) { plan.unitTiles = tiles; });
      add([&](ContractionPlan &plan) { turn(plan), plan.unitTiles = tiles; });
    }
  }
  return fitting(op, plans);
}

std::vector<AttrDict> otherAlgorithms(const PassContext &context, const Op &op) {
  std::vector<AttrDict> others;
  if (op.kind() != OpKind::KernelConv || !winogradSizes(context, op))
    return others;
  for (ConvAlgorithm algorithm :
       {ConvAlgorithm::Direct, ConvAlgorithm::Winograd4, ConvAlgorithm::Winograd2}) {
    if (algorithm == algorithmOf(op))
      continue;
    AttrDict attrs;
    attrs.set("algorithm", std::string(wordOf(algorithm)));
    others.push_back(std::move(attrs));
  }
  return others;
}

} // namespace cameo
