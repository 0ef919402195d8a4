// Cuts the work of contractions: the register tile of each, which of its loops is the outer one,
// how many tiles a unit has, its vectors, and where its epilogue runs. Runs when layouts are known,
// as rows that are contiguous are tiled as one axis. An op that has a plan keeps it; Winograd's
// algorithm has come with its tiles. Where a tile was rejected, one for fewer registers comes in
// its place.
#include "ir/TileRegisters.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Regions.h"
#include "lowering/plan/Attention.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/RejectedTiles.h"
#include "lowering/plan/Tiles.h"
#include "lowering/plan/TunedPlans.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

// Register tiles of a unit: enough of them outweigh what starting a unit costs. Where threads share
// rows in several units, these are four or a multiple of that, so that two or four threads share
// the rows of a layer as they share those of the next: what one has written, it reads.
constexpr int64_t kTilesPerUnit = 8, kShares = 4;
// Where the number of rows is known only at run time, a rest of a tile is cut into tiles of powers
// of two, so many rows at least, and single ones.
constexpr int64_t kRestRows = 2;
// Products of so few rows are one tile, which is bound by the memory that the weights are in.
constexpr int64_t kOneTileRows = 4;
// Panels are streams that a core fetches ahead, of which it follows few: on Zen 5 one row times
// weights in memory takes 1.2 to 1.29 times as long with eight at once (decision 038).
constexpr int64_t kStreams = 4;
// The most panels of VPDPBUSD's tiles inside loops over taps: with five, whose sums, weights and
// input fill the registers, LLVM spills.
constexpr int64_t kPanelsInTaps = 4;
// How many multiply-adds ahead a tile fetches weights that are in memory.
constexpr int64_t kFarProducts = 1024;
// As few panels as tiles have however deep they are: a core follows two at least, and one alone
// leaves memory idle (decision 038).
constexpr int64_t kLeastPanels = 2;
// Half of the smallest L1 cache of data that x86 cores have.
constexpr int64_t kNearBytes = 16 << 10;
// Where steps are of pairs of bytes, or of 2x2 matrices, products of 16 bits or the inputs of two
// rows want registers of their own; and two steps over k are enough for them: LLVM would spill
// more.
constexpr int64_t kStepRegisters = 6, kWideSteps = 2;
// The weight an epilogue may have before it goes through scratch.
constexpr int64_t kShortEpilogue = 4;
bool isLong(Block &epilogue) { return weightOf(epilogue) > kShortEpilogue; }
// Depthwise convolutions: lines of a tile, as more would not be read less often; its pixels where
// taps are loops; windows of few taps; bands of an image, for threads to share, which have so many
// pixels at least.
constexpr int64_t kDepthwiseLines = 2, kDepthwisePixels = 6, kFewTaps = 9, kBands = 8,
                  kUnitPixels = 64;
// Neighbouring channels that each tile of a depthwise convolution goes through: a stretch that the
// processor fetches ahead by itself, which it does not for vectors that are a pixel apart.
constexpr int64_t kUnitBytes = 512;

/// The larger of the two sides is walked once, and threads share it: where the weights have more
/// bytes than the rows of input and result together, all rows of a panel group come before the next
/// group. A symbolic number of rows is a batch, planned as 1.
LoopOrder outerLoop(const Op &op, const Contraction &c) {
  auto bytes = [](const Value *value) { return Dim(dtypeBytes(value->type.dtype())); };
  Dim depth = c.depth * Dim(c.interleave);
  Dim weights = depth * c.tapCount() * c.columns * bytes(op.operand(1));
  Dim rows = c.rowCount() * (depth * bytes(op.operand(0)) + c.columns * bytes(op.result()));
  auto one = [](const std::string &) { return std::optional<Dim>(Dim(1)); };
  weights = weights.substitute(one);
  rows = rows.substitute(one);
  bool outweigh = weights.isConst() && rows.isConst() && weights.value() > rows.value();
  return outweigh ? LoopOrder::Panels : LoopOrder::Rows;
}

/// The length of runs that cut `count` into at most `units` of them: in a multiple of `shares`, or
/// of a half of that.
int64_t runOf(int64_t count, int64_t units, int64_t shares) {
  for (int64_t multiple = shares; multiple > 0; multiple /= 2)
    for (int64_t some = units / multiple * multiple; some > 0;) {
      int64_t run = ceilDiv(count, some), runs = ceilDiv(count, run);
      if (runs == some)
        return run;
      some = runs / multiple * multiple; // numbers between have runs that are no shorter
    }
  return count;
}

/// As many units as kTilesPerUnit asks for, in multiples of `shares`.
int64_t tilesOfUnit(const EvenTiles &tiles, int64_t shares = 1) {
  if (tiles.count <= kTilesPerUnit)
    return tiles.count == 0 ? kTilesPerUnit : tiles.count;
  int64_t units = ceilDiv(tiles.count, kTilesPerUnit);
  return runOf(tiles.count, ceilDiv(units, shares) * shares, shares);
}

/// The longest run of half of `most` to `most` by which two threads share `count` most evenly.
int64_t evenRun(int64_t count, int64_t most) {
  auto larger = [&](int64_t run) { return std::min(count, ceilDiv(ceilDiv(count, run), 2) * run); };
  int64_t best = most;
  for (int64_t run = most; run > most / 2; run--)
    if (larger(run) < larger(best))
      best = run;
  return best;
}

/// What follows tiles of `rows` rows where the number of all rows is a symbol.
std::vector<int64_t> restRowsOf(const EvenTiles &tiles, int64_t rows) {
  std::vector<int64_t> rest;
  for (int64_t height = kRestRows; tiles.count == 0 && height < rows; height *= 2)
    rest.insert(rest.begin(), height);
  return rest;
}

struct TilePlanner {
  const PassContext &context;
  const Op &op;
  const Target &target = context.target;
  DType accumulator = op.region().arg(0)->type.dtype();

  /// Whether steps multiply pairs of bytes, whose products have 16 bits.
  bool hasHalfProducts(const Contraction &c) const {
    return c.interleave == 2 && dtypeBytes(op.operand(1)->type.dtype()) == 1;
  }

  bool hasWideSteps(const Contraction &c) const {
    return hasHalfProducts(c) || c.interleave == kMatrixDepth;
  }

  /// Registers that steps take besides sums, weights and what planTile knows. VPDPBUSD has the
  /// input in a register, where other multiplications read an element from memory into all lanes.
  int64_t stepRegisters(const Contraction &c) const {
    if (hasWideSteps(c))
      return kStepRegisters;
    return hasInputRegister(c) ? 1 : 0;
  }
  bool hasInputRegister(const Contraction &c) const {
    return target.dot == DotKind::Vnni && c.interleave == 4;
  }

  bool isRejected(const ContractionPlan &plan) const {
    return context.rejectedTiles.contains(tileKey(op, plan));
  }

  /// Of a panel's weights; 0 where only the run knows.
  int64_t panelBytes(const Contraction &c) const {
    Dim elements = c.panelElements();
    int64_t most = target.l2Bytes; // hostile models have 2^60
    return elements.isConst()
               ? std::min(elements.value(), most) * dtypeBytes(op.operand(1)->type.dtype())
               : 0;
  }

  /// The most panels of a tile: those whose weights stay in the L2 cache from one tile of rows to
  /// the next, where there may be several: else each tile would read them from memory. A single
  /// tile is bound by that memory, and reads few panels at once.
  int64_t mostPanels(const Contraction &c) const {
    if (hasFewRows(c))
      return kStreams;
    int64_t most = hasInputRegister(c) && !c.taps.empty() ? kPanelsInTaps : kMaxTilePanels;
    int64_t bytes = panelBytes(c);
    return bytes == 0 ? most : std::clamp<int64_t>(target.l2Bytes / bytes, kLeastPanels, most);
  }
  bool hasFewRows(const Contraction &c) const {
    Dim rows = c.rowCount();
    return rows.isConst() && rows.value() <= kOneTileRows;
  }

  /// Weights that stay in the L1 cache from one tile to the next need not be fetched. Those in
  /// memory are fetched early where a tile may be the only one that reads them: of several, one
  /// finds what another has read.
  int64_t productsAhead(const ContractionPlan &plan, const Contraction &c) const {
    Dim rows = c.rowCount(), panels = Dim::ceilDiv(c.columns, Dim(kPanel));
    int64_t bytes = panelBytes(c), ahead = productsAheadFor(target);
    if (plan.tilePanels * bytes <= kNearBytes)
      return 0;
    bool areFar = panels.isConst() && areFarWeights(target, static_cast<double>(panels.value()) *
                                                                static_cast<double>(bytes));
    bool mayBeAlone = !rows.isConst() || rows.value() <= plan.tileRows;
    return ahead > 0 && areFar && mayBeAlone && !hasFewRows(c) ? kFarProducts : ahead;
  }

  void tile(ContractionPlan &plan, const Contraction &c) const {
    plan.outer = plan.images > 0 ? LoopOrder::Rows : outerLoop(op, c);
    int64_t steps = stepsOfTileRegister(stepsForTileRegisters(op, c));
    const Dim &rows = c.rows.back().extent;
    std::optional<TilePlan> tile = tileOfRegisters(target, rows, c.columns, steps);
    if (c.pieces > 1) {
      tile = bestTileOfRegisters(rows, c.columns, steps, c.pieces);
      plan.outer = LoopOrder::Rows;
    }
    if (tile) {
      plan.tileRows = tile->rows, plan.tilePanels = tile->panels;
      plan.tileSteps = steps;
      // Of short lines, each register of a panel is multiplied by two, as loads bound their tiles.
      if (tile->rows <= kMostTileRows && c.hasLines()) {
        plan.tileLines = kTileGroups;
        plan.tilePanels = std::min(tile->panels, kTileSums / kTileGroups);
      }
      return;
    }
    Target left = target;
    left.vectorRegisters -= stepRegisters(c);
    do {
      TilePlan best = planTile(left, accumulator, rows, c.columns, 1, mostPanels(c));
      plan.tileRows = best.rows, plan.tilePanels = best.panels;
    } while (isRejected(plan) && --left.vectorRegisters > 0);
  }

  /// A unit has rows of pieces that are in the L2 cache together. Threads share a few rows as well
  /// where all weights, which each unit reads, stay there beside them.
  int64_t unitTilesOfPieces(const ContractionPlan &plan, const Contraction &c,
                            const EvenTiles &tiles) const {
    Dim row = c.piecesOfRow();
    int64_t bytes = row.isConst() ? row.value() * dtypeBytes(DType::BF16) : kSplitBytes;
    int64_t most = std::max<int64_t>(1, kSplitBytes / bytes / (plan.tileRows * plan.tileLines));
    Dim panels = Dim::ceilDiv(c.columns, Dim(kPanel));
    bool sharesRows =
        tiles.count > 1 && panels.isConst() && panels.value() <= kSplitBytes / 2 / panelBytes(c);
    int64_t few = sharesRows ? runOf(tiles.count, kShares, kShares) : kTilesPerUnit;
    return std::min({few, most, tilesOfUnit(tiles, kShares)});
  }

  /// What register tiles need besides their size. Vectors are of sums, or of products if these are
  /// narrower.
  void vectors(ContractionPlan &plan, const Contraction &c) const {
    int64_t bytes = hasHalfProducts(c) ? 2 : dtypeBytes(accumulator);
    plan.lanes = std::min(kPanel, vectorLanes(target, bytes));
    if (plan.tileSteps > 0 || isLong(op.region()))
      plan.epilogue = EpiloguePlace::Scratch;
  }

  /// Steps that overlap have no vector of the input.
  int64_t inputLanes(const Contraction &c) const {
    if (c.advance != c.interleave)
      return 1;
    return hasWideSteps(c) ? kWideSteps : inputLanesFor(target, accumulator);
  }

  void direct(ContractionPlan &plan) const {
    Contraction c = contractionOf(op);
    if (plan.tileRows == 0)
      tile(plan, c);
    if (plan.lanes > 0)
      return;
    vectors(plan, c);
    if (plan.tileSteps == 0) {
      plan.inputLanes = inputLanes(c);
      plan.productsAhead = productsAhead(plan, c);
    }
    plan.joinsSteps = plan.inputLanes > 1 && mayJoinSteps(op);
    EvenTiles tiles = evenTiles(c.rows.back().extent, plan.tileRows);
    plan.unitTiles = tilesOfUnit(tiles, plan.outer == LoopOrder::Rows ? kShares : 1);
    if (c.pieces > 1)
      plan.unitTiles = unitTilesOfPieces(plan, c, tiles);
    plan.restRows = restRowsOf(tiles, plan.tileRows);
    plan.ahead = fetchAhead(op, plan);
  }

  /// Where products of 16 bits become sums of 32 by themselves (SMLAL), channels of a byte fill a
  /// vector of the former.
  int64_t depthwiseLanes() const {
    auto isByte = [&](int64_t i) { return dtypeBytes(op.operand(i)->type.dtype()) == 1; };
    bool areBytes = isByte(0) && isByte(1);
    int64_t bytes = areBytes && target.arch == Arch::AArch64 ? 2 : dtypeBytes(accumulator);
    return std::min(kPanel, vectorLanes(target, bytes));
  }

  /// The next vector of channels: what neighbouring pixels have of it is too far apart for cores to
  /// fetch it of their own accord. A vector that is no cache line would fetch one several times.
  int64_t channelsAhead(const ContractionPlan &plan) const {
    bool isLine = plan.lanes * dtypeBytes(op.operand(0)->type.dtype()) == kCacheLineBytes;
    return target.arch == Arch::X86_64 && isLine ? plan.lanes : 0;
  }

  /// The sums of a line: about half of the registers for two lines, a quarter where a window has
  /// many taps, whose weights want registers, too, and half of that where their inputs are apart.
  int64_t depthwiseSums(const ConvAttrs &conv) const {
    size_t dims = conv.kernel.size();
    if (loopedTaps(conv) + 2 != dims)
      return target.vectorRegisters / 8;
    if (conv.kernel[dims - 1] * conv.kernel[dims - 2] <= kFewTaps)
      return target.vectorRegisters / 4 - 1;
    return target.vectorRegisters / (conv.strides[dims - 1] > 1 ? 16 : 8);
  }

  void depthwiseTile(ContractionPlan &plan, const ConvAttrs &conv) const {
    const Dim &width = op.result()->type.shape().back();
    bool isUnrolled = loopedTaps(conv) + 2 == conv.kernel.size();
    int64_t sums = std::max<int64_t>(1, depthwiseSums(conv));
    int64_t registers = ceilDiv(depthwiseLanes(), vectorLanes(target, dtypeBytes(accumulator)));
    int64_t most = isUnrolled ? ceilDiv(sums, registers) : kDepthwisePixels;
    plan.tileLines = isUnrolled && !(op.result()->type.dim(std::ssize(conv.kernel)) == Dim(1))
                         ? kDepthwiseLines
                         : 1;
    plan.tileRows = most;
    if (width.isConst() && width.value() > 0)
      plan.tileRows = ceilDiv(width.value(), ceilDiv(width.value(), most));
    plan.tilePanels = 1;
  }

  void depthwise(ContractionPlan &plan) const {
    ConvAttrs conv = attrsOf<ConvAttrs>(op);
    if (plan.tileRows == 0)
      depthwiseTile(plan, conv);
    if (plan.lanes > 0)
      return;
    plan.lanes = depthwiseLanes();
    plan.tail = tailFor(target, std::min(dtypeBytes(op.operand(0)->type.dtype()),
                                         dtypeBytes(op.result()->type.dtype())));
    plan.channelsAhead = channelsAhead(plan);
    if (isLong(op.region()))
      plan.epilogue = EpiloguePlace::Scratch;
    const Dims &shape = op.result()->type.shape();
    const Dim &lines = shape[shape.size() - 2], &width = shape.back();
    int64_t vectorBytes = plan.lanes * dtypeBytes(op.operand(0)->type.dtype()), bands = 1;
    plan.unitVectors = ceilDiv(kUnitBytes, vectorBytes);
    plan.unitTiles = kTilesPerUnit;
    if (conv.kernel.size() > 1 && lines.isConst() && width.isConst()) {
      int64_t tiles = std::max<int64_t>(1, ceilDiv(lines.value(), plan.tileLines));
      int64_t least = ceilDiv(kUnitPixels, std::max<int64_t>(1, plan.tileLines * width.value()));
      plan.unitTiles = runOf(tiles, std::clamp<int64_t>(tiles / least, 1, kBands), kShares);
      bands = ceilDiv(tiles, plan.unitTiles);
    }
    const Dim &channels = op.result()->type.dim(1);
    if (bands % 2 != 0 && channels.isConst())
      plan.unitVectors = evenRun(ceilDiv(channels.value(), plan.lanes), plan.unitVectors);
  }

  void winograd(ContractionPlan &plan) const {
    if (plan.lanes > 0)
      return;
    plan.lanes = std::min(kPanel, vectorLanes(target, dtypeBytes(accumulator)));
    plan.tail = tailFor(target, dtypeBytes(accumulator));
    plan.inputLanes = inputLanesFor(target, accumulator);
    plan.productsAhead = productsAheadFor(target);
    auto weightBytes = static_cast<double>(winogradPlanOf(op).weightBytes());
    if (plan.productsAhead > 0 && plan.block > 1 && areFarWeights(target, weightBytes)) {
      plan.productsAhead = kFarProducts;
      plan.ahead = kPanel; // a line of them
    }
    plan.tilesAhead = target.arch == Arch::X86_64 ? 1 : 0;
  }

  void plan(ContractionPlan &plan, ConvAlgorithm algorithm) const {
    switch (algorithm) {
    case ConvAlgorithm::Direct:
      return direct(plan);
    case ConvAlgorithm::Depthwise:
      return depthwise(plan);
    case ConvAlgorithm::Winograd4:
    case ConvAlgorithm::Winograd2:
      return winograd(plan);
    }
    ICE("an algorithm without a plan");
  }
};

template <class Attrs> bool planOp(const PassContext &context, Op &op, ConvAlgorithm algorithm) {
  Attrs attrs = attrsOf<Attrs>(op);
  if (attrs.plan.tileRows > 0 && attrs.plan.lanes > 0)
    return false;
  TilePlanner{context, op}.plan(attrs.plan, algorithm);
  op.attrs = dictOf(attrs);
  return true;
}

bool planAttention(const Target &target, Op &op) {
  AttentionAttrs attrs = attrsOf<AttentionAttrs>(op);
  if (attrs.plan.lanes > 0)
    return false;
  auto place = [](Block &region) {
    return isLong(region) ? EpiloguePlace::Scratch : EpiloguePlace::Registers;
  };
  TilePlan tile = attentionTile(target, scoreShape(op), op.operand(0)->type.shape().back(),
                                op.result()->type.shape().back());
  attrs.plan.lanes = std::min(kPanel, vectorLanes(target, dtypeBytes(DType::F32)));
  attrs.plan.tileRows = tile.rows, attrs.plan.tilePanels = tile.panels;
  attrs.plan.inputLanes = inputLanesFor(target, DType::F32);
  const Type &y = op.result()->type;
  EvenTiles tiles = evenTiles(y.dim(y.rank() - 2), tile.rows);
  attrs.plan.unitTiles = tilesOfUnit(tiles);
  attrs.plan.restRows = restRowsOf(tiles, tile.rows);
  attrs.plan.scores = place(op.region(0)), attrs.plan.results = place(op.region(1));
  op.attrs = dictOf(attrs);
  return true;
}

} // namespace

Result<bool> planTiles(Module &module, PassContext &context) {
  bool changed = TRY(applyPlans(module, context));
  for (Op *op : opsOf(module.main())) {
    if (op->kind() == OpKind::KernelConv)
      changed |= planOp<ConvAttrs>(context, *op, attrsOf<ConvAttrs>(*op).algorithm);
    if (op->kind() == OpKind::KernelGemm)
      changed |= planOp<GemmAttrs>(context, *op, ConvAlgorithm::Direct);
    if (op->kind() == OpKind::KernelAttention)
      changed |= planAttention(context.target, *op);
  }
  return changed;
}

} // namespace cameo
