// Loops around micro-kernels for everything that multiplies rows with packed panels; see
// Contraction.h. A unit is a run of row tiles times a group of panels. The larger of the two sides
// is walked once: where the weights outweigh the rows, all rows of a panel group come before the
// next group.
#include "ir/kernel/Contraction.h"
#include "lowering/kernels/Contraction.h"
#include "lowering/kernels/MicroKernel.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>

namespace cameo {
namespace {

constexpr int64_t kTilesPerUnit = 8;
// Run-time row counts are served by these tile heights besides the largest.
constexpr int64_t kDynamicRows[] = {4, 1};
// A constant axis from which on tiles along it are preferred to tiles along a symbol.
constexpr int64_t kLongAxis = 8;
// From this many rows on a constant factor is tiled alone: its tiles are then nearly full.
constexpr int64_t kManyRows = 32;

struct Emitter {
  KernelFunc &k;
  Contraction &c;
  LoopBuilder &b;
  TilePlan plan;
  DType accumulator;

  enum Tensor { Input, Weights, Result, FirstOperand };

  const NestAxis &tiled() const { return c.rows.back(); }
  Dim numPanels() const { return Dim::ceilDiv(c.columns, Dim(kPanel)); }

  Dim tapCount() const {
    Dim count(1);
    for (const TapLoop &tap : c.taps)
      count = count * Dim(tap.extent);
    return count;
  }
  Dim panelElements() const { return tapCount() * c.depth * Dim(kPanel * c.group); }

  /// Calls the micro-kernel for `rows` rows from `row` on and `panels` panels from `panel` on.
  void tile(int64_t rows, int64_t panels, bool masked, Value *row, Value *panel,
            const std::vector<Value *> &at) {
    MicroShape shape{rows,
                     panels,
                     static_cast<int64_t>(c.taps.size()),
                     masked,
                     c.group,
                     c.advance,
                     c.columnOperands,
                     {}};
    size_t numOperands = c.columnOperands.size();
    for (size_t e = 0; e < numOperands; e++)
      shape.rowOperands.push_back(!(tiled().strides[FirstOperand + e] == Dim(0)));
    Value *column = b.mul(panel, b.index(kPanel));
    auto from = [&](Value *pointer, size_t tensor, Value *extra) {
      Value *offset = k.advance(at[tensor], row, tiled().strides[tensor]);
      return b.offset(pointer, extra ? b.add(offset, extra) : offset);
    };
    std::vector<Value *> args = {
        from(k.operands[0], Input, nullptr),
        k.size(tiled().strides[Input]),
        b.offset(k.operands[1], k.advance(at[Weights], panel, panelElements())),
        k.size(panelElements()),
        from(k.results[0], Result, column),
        k.size(tiled().strides[Result])};
    for (size_t e = 0; e < numOperands; e++) {
      args.push_back(
          from(k.operands[2 + e], FirstOperand + e, c.columnOperands[e] ? column : nullptr));
      args.push_back(k.size(tiled().strides[FirstOperand + e]));
    }
    args.push_back(k.size(c.depth * Dim(c.advance)));
    for (const TapLoop &tap : c.taps) {
      args.push_back(b.index(tap.extent));
      args.push_back(k.size(tap.stride));
    }
    if (masked)
      args.push_back(b.sub(k.size(c.columns), column));
    b.call(microKernel(k, shape), args);
  }

  /// All row tiles of a unit for one group of panels.
  void rowTiles(Value *chunk, int64_t panels, bool masked, Value *panel,
                const std::vector<Value *> &at) {
    if (plan.tiles > 0)
      return constantRows(chunk, panels, masked, panel, at);
    Value *count = k.size(tiled().extent);
    Value *first = b.mul(chunk, b.index(kTilesPerUnit * plan.maxRows));
    Value *end = b.min(count, b.add(first, b.index(kTilesPerUnit * plan.maxRows)));
    // The largest tile while it fits, then smaller ones.
    std::vector<int64_t> heights = {plan.maxRows};
    for (int64_t rows : kDynamicRows)
      if (rows < plan.maxRows)
        heights.push_back(rows);
    for (int64_t rows : heights) {
      Value *whole = b.mul(b.div(b.sub(end, first), b.index(rows)), b.index(rows));
      Value *stop = b.add(first, whole);
      b.forLoop(first, stop, rows, [&](Value *row) { tile(rows, panels, masked, row, panel, at); });
      first = stop;
    }
  }

  void constantRows(Value *chunk, int64_t panels, bool masked, Value *panel,
                    const std::vector<Value *> &at) {
    Value *first = b.mul(chunk, b.index(tilesPerUnit()));
    Value *end = b.min(b.index(plan.tiles), b.add(first, b.index(tilesPerUnit())));
    auto loop = [&](Value *from, Value *to, int64_t rows) {
      b.forLoop(from, to, 1, [&](Value *t) {
        Value *row = b.add(b.mul(t, b.index(plan.rows)), b.min(t, b.index(plan.extra)));
        tile(rows, panels, masked, row, panel, at);
      });
    };
    Value *extra = b.index(plan.extra);
    if (plan.extra > 0)
      loop(first, b.min(end, extra), plan.rows + 1);
    loop(b.max(first, extra), end, plan.rows);
  }

  int64_t tilesPerUnit() const {
    int64_t units = (plan.tiles + kTilesPerUnit - 1) / kTilesPerUnit;
    return units ? (plan.tiles + units - 1) / units : 1;
  }

  Dim chunks() const {
    if (plan.tiles > 0)
      return Dim((plan.tiles + tilesPerUnit() - 1) / tilesPerUnit());
    return Dim::ceilDiv(tiled().extent, Dim(kTilesPerUnit * plan.maxRows));
  }

  /// The panels of a unit: whole groups, then what is left of them.
  void panelGroup(Value *group, Value *chunk, const std::vector<Value *> &at) {
    Dim whole = Dim::floorDiv(c.columns, Dim(plan.panels * kPanel));
    Value *panel = b.mul(group, b.index(plan.panels));
    auto full = [&] { rowTiles(chunk, plan.panels, false, panel, at); };
    if (!c.columns.isConst()) {
      return (void)b.ifElse(
          b.cmp("lt", group, k.size(whole)), {},
          [&] {
            full();
            return LoopBuilder::Values{};
          },
          [&] {
            b.forLoop(panel, k.size(numPanels()), 1,
                      [&](Value *one) { rowTiles(chunk, 1, true, one, at); });
            return LoopBuilder::Values{};
          });
    }
    int64_t rest = c.columns.value() - whole.value() * plan.panels * kPanel;
    auto tail = [&] {
      int64_t panels = (rest + kPanel - 1) / kPanel;
      rowTiles(chunk, panels, rest % kPanel != 0, panel, at);
    };
    if (rest == 0)
      return full();
    if (whole == Dim(0))
      return tail();
    b.ifElse(
        b.cmp("lt", group, b.index(whole.value())), {},
        [&] {
          full();
          return LoopBuilder::Values{};
        },
        [&] {
          tail();
          return LoopBuilder::Values{};
        });
  }

  bool panelsOutside() const {
    Dim rows(1);
    for (const NestAxis &axis : c.rows)
      rows = rows * axis.extent;
    // A symbolic number of rows is a batch, planned as 1.
    auto one = [](const std::string &) { return std::optional<Dim>(Dim(1)); };
    Dim weights = tapCount() * c.columns, input = rows;
    weights = weights.substitute(one);
    input = input.substitute(one);
    return weights.isConst() && input.isConst() && weights.value() > input.value();
  }

  Dim emit() {
    Dim groups = Dim::ceilDiv(c.columns, Dim(plan.panels * kPanel)), outer(1);
    for (size_t i = 0; i + 1 < c.rows.size(); i++)
      outer = outer * c.rows[i].extent;
    Dim rowUnits = outer * chunks();
    bool outside = panelsOutside();
    b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
      Value *inner = k.size(outside ? rowUnits : groups);
      Value *high = b.div(unit, inner), *low = b.rem(unit, inner);
      Value *group = outside ? high : low, *left = outside ? low : high;
      Value *chunk = b.rem(left, k.size(chunks()));
      left = b.div(left, k.size(chunks()));
      std::vector<Value *> at(c.rows[0].strides.size(), b.index(0));
      for (size_t i = c.rows.size() - 1; i-- > 0;) {
        Value *index = i == 0 ? left : b.rem(left, k.size(c.rows[i].extent));
        left = i == 0 ? left : b.div(left, k.size(c.rows[i].extent));
        for (size_t t = 0; t < at.size(); t++)
          at[t] = k.advance(at[t], index, c.rows[i].strides[t]);
      }
      panelGroup(group, chunk, at);
    });
    return rowUnits * groups;
  }
};

/// Moves a constant axis last, to be tiled, where the last one is a symbol: that is mostly a batch
/// of a few.
void tileConstantAxis(std::vector<NestAxis> &rows) {
  if (rows.back().extent.isConst())
    return;
  auto longest = rows.end();
  for (auto axis = rows.begin(); axis != rows.end(); axis++) {
    bool tileable = axis->extent.isConst() && axis->strides[Emitter::Weights] == Dim(0);
    if (tileable && axis->extent.value() >= kLongAxis &&
        (longest == rows.end() || longest->extent.value() < axis->extent.value()))
      longest = axis;
  }
  if (longest != rows.end())
    std::iter_swap(longest, rows.end() - 1);
}

/// Splits the last axis, 197*batch, into its constant factor and the rest if the factor is long
/// enough to fill its tiles: tiles of an extent that is known are of even heights, where those of
/// one that is not end in a rest of a few rows.
void splitConstantFactor(std::vector<NestAxis> &rows) {
  NestAxis &last = rows.back();
  if (last.extent.isConst() || !last.extent.expr() || last.extent.expr()->terms.size() != 1)
    return;
  Dim factor(last.extent.expr()->terms[0].coefficient);
  std::optional<Dim> rest = Dim::exactDiv(last.extent, factor);
  if (!rest || factor.value() < kManyRows)
    return;
  NestAxis inner{factor, last.strides};
  last.extent = *rest;
  for (Dim &stride : last.strides)
    stride = stride * factor;
  rows.push_back(std::move(inner));
}

} // namespace

Result<Dim> emitContraction(KernelFunc &k, Contraction &contraction) {
  DType accumulator = k.op.region().arg(0)->type.dtype();
  std::vector<NestAxis> &rows = contraction.rows;
  tileConstantAxis(rows);
  splitConstantFactor(rows);
  // A tile's rows share their weights: an axis that changes them (a batch, a group) is never tiled.
  if (!(rows.back().strides[Emitter::Weights] == Dim(0)))
    rows.push_back({Dim(1), std::vector<Dim>(rows.back().strides.size(), Dim(0))});
  TilePlan plan =
      planTile(k.target, accumulator, contraction.rows.back().extent, contraction.columns);
  Emitter emitter{k, contraction, k.b, plan, accumulator};
  return emitter.emit();
}

} // namespace cameo
