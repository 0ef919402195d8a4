// See TileRegisters.h. A tile of up to 32 rows is one group of rows or two, by so many panels that
// its sums take four registers. A step loads a register of each panel and of each group. Measured
// on Sapphire Rapids: a step of four sums takes 72 cycles however few rows they have, and its loads
// are hidden behind them.
#include "lowering/emit/TileRegisters.h"

#include "ir/TileRegisters.h"
#include "lowering/build/Units.h"
#include "lowering/emit/Pieces.h"

namespace cameo {
namespace {

// Registers 0 to 3 have sums, then come those of the groups of rows and of the panels. Panels take
// turns with two registers, so that a load need not wait for the products of the panel before.
constexpr int64_t kGroups = 4, kPanels = 6, kPanelRegisters = 2;

struct Groups {
  int64_t count, first; // and the rows of the first one

  /// Those of a line, or a line each.
  Groups(int64_t rows, int64_t lines)
      : count(lines > 1 ? lines : ceilDiv(rows, kMostTileRows)),
        first(ceilDiv(rows * lines, count)) {}

  int64_t panels() const { return kTileSums / count; } // the most of them
  int64_t sum(int64_t group, int64_t panel) const { return group * panels() + panel; }
};

struct TileWriter {
  LoopBuilder &b;
  const MicroShape &shape;
  const TileFactors &factors;
  Groups groups = Groups(shape.rows, shape.lines);
  DType aType = factors.a->type.dtype(), wType = factors.w->type.dtype();
  int64_t stepElements = kPanel * shape.interleave; // of a panel

  using Values = LoopBuilder::Values;

  int64_t sum(int64_t group, int64_t panel) const { return groups.sum(group, panel); }

  void loadGroups(Value *at) {
    for (int64_t group = 0; group < groups.count; group++) {
      Value *row = factors.aLine ? b.mul(b.index(group), factors.aLine)
                                 : b.mul(b.index(group * groups.first), factors.aRow);
      b.tileLoad(kGroups + group, at, row, factors.aRow);
    }
  }

  /// Multiplies the groups with all panels, which are loaded from `from` on, or are there.
  void multiplyPanels(Value *from, bool areLoaded) {
    for (int64_t panel = 0; panel < shape.panels; panel++) {
      int64_t weights = kPanels + panel % kPanelRegisters;
      if (!areLoaded)
        b.tileLoad(weights, factors.w, b.add(from, b.mul(b.index(panel), factors.panelStride)),
                   b.index(stepElements));
      for (int64_t group = 0; group < groups.count; group++)
        b.tileDot(sum(group, panel), kGroups + group, aType, weights, wType);
    }
  }

  /// All products of pieces of the same elements. A piece that the product before has is there.
  void multiplyPieces(Value *at, Value *from) {
    std::pair<int64_t, int64_t> last = {-1, -1};
    for (auto [a, w] : kMultipliedPieces) {
      if (a != last.first)
        loadGroups(b.offset(at, b.mul(b.index(a), factors.aPiece)));
      multiplyPanels(b.add(from, b.mul(b.index(w), factors.wPiece)),
                     w == last.second && shape.panels <= kPanelRegisters);
      last = {a, w};
    }
  }

  /// The steps that are in a register at once; `at` is the input of the first row for them.
  /// Carried: the position in the panels, and the one in the panels to fetch.
  Values steps(Value *at, const Values &now) {
    if (factors.aPiece) {
      multiplyPieces(at, now[0]);
    } else {
      loadGroups(at);
      multiplyPanels(now[0], false);
    }
    Values then = {b.add(now[0], b.index(shape.tileSteps * stepElements))};
    if (factors.next)
      then.push_back(fetchAhead(now[1]));
    return then;
  }

  /// Fetches what as many steps of vectors would, one line after the other.
  Value *fetchAhead(Value *at) {
    Value *end = b.add(at, b.mul(factors.ahead, b.index(shape.tileSteps)));
    b.forLoop(at, end, kCacheLineBytes / dtypeBytes(wType),
              [&](Value *line) { b.prefetch(factors.next, line, 2); });
    return end;
  }

  /// The loops over taps, then over depth.
  Values reduce(size_t tap, Value *at, const Values &carried) {
    if (tap == factors.taps.size())
      return b.forLoop(b.index(0), factors.depth, shape.tileSteps * shape.interleave, carried,
                       [&](Value *i, const Values &now) { return steps(b.offset(at, i), now); });
    auto [extent, stride] = factors.taps[tap];
    return b.forLoop(b.index(0), extent, 1, carried, [&](Value *t, const Values &now) {
      return reduce(tap + 1, b.offset(at, b.mul(t, stride)), now);
    });
  }

  void store(Value *tile) {
    int64_t width = shape.panels * kPanel;
    for (int64_t group = 0; group < groups.count; group++)
      for (int64_t panel = 0; panel < shape.panels; panel++)
        b.tileStore(sum(group, panel), tile, b.index(group * groups.first * width + panel * kPanel),
                    b.index(width));
  }
};

} // namespace

void multiplyInTileRegisters(LoopBuilder &b, const MicroShape &shape, const TileFactors &factors,
                             Value *tile) {
  TileWriter writer{b, shape, factors};
  for (int64_t group = 0; group < writer.groups.count; group++)
    for (int64_t panel = 0; panel < shape.panels; panel++)
      b.tileZero(writer.sum(group, panel));
  Value *zero = b.index(0);
  writer.reduce(0, factors.a,
                factors.next ? TileWriter::Values{zero, zero} : TileWriter::Values{zero});
  writer.store(tile);
}

void configureTileRegisters(LoopBuilder &b, int64_t rows, int64_t lines, int64_t tileSteps) {
  Groups groups(rows, lines);
  int64_t inputBytes = tileSteps * kTileStepBytes;
  std::vector<int64_t> heights(kTileRegisters, 0), bytes(kTileRegisters, 0);
  auto set = [&](int64_t tile, int64_t height, int64_t width) {
    heights[tile] = height, bytes[tile] = width;
  };
  for (int64_t group = 0; group < groups.count; group++) {
    int64_t height = group == 0 ? groups.first : rows * lines - groups.first;
    set(kGroups + group, height, inputBytes);
    for (int64_t panel = 0; panel < groups.panels(); panel++)
      set(groups.sum(group, panel), height, kPanel * kTileStepBytes);
  }
  for (int64_t tile : {kPanels, kPanels + 1})
    set(tile, tileSteps, kPanel * kTileStepBytes);
  b.tileConfigure(heights, bytes);
}

} // namespace cameo
