// Loops around micro-kernels for everything that multiplies rows with packed panels; see
// Contraction.h. A unit is a run of row tiles times a group of panels. The larger of the two sides
// is walked once: where the weights outweigh the rows, all rows of a panel group come before the
// next group.
#include "lowering/emit/EmitContraction.h"
#include "ir/kernel/Contraction.h"
#include "lowering/emit/MicroKernel.h"
#include "lowering/emit/Pieces.h"
#include "lowering/emit/TileRegisters.h"
#include "lowering/plan/Tiles.h"

#include <algorithm>

namespace cameo {
namespace {

struct Emitter {
  KernelFunc &k;
  const Contraction &c;
  LoopBuilder &b;
  UnitAxis axis = c.tiledAxis(); // of tiles
  Value *linesBefore = nullptr;  // of those whose tiles share panels with the unit's
  int64_t lines = 1;             // of tiles
  Value *pieces = nullptr;       // the unit's rows, where f32 are pieces
  Value *unitRow = nullptr;      // the first of them

  using enum Contraction::Tensor;

  const NestAxis &tiled() const { return c.rows.back(); }
  const NestAxis &line() const { return c.rows[c.rows.size() - 2]; }
  /// Whether a tensor has another element for other rows of a tile.
  bool variesAlongRows(size_t tensor) const {
    return !(tiled().strides[tensor] == Dim(0)) ||
           (lines > 1 && !(line().strides[tensor] == Dim(0)));
  }
  /// The most rows that a unit has of each line of its tiles.
  int64_t lineRows() const { return c.unitRows() / c.plan.tileLines; }
  Dim numPanels() const { return Dim::ceilDiv(c.columns, Dim(kPanel)); }

  MicroShape shapeOf(int64_t rows, int64_t panels, bool masked) const {
    MicroShape shape{rows,
                     panels,
                     static_cast<int64_t>(c.taps.size()),
                     masked,
                     c.interleave,
                     c.advance,
                     c.rest,
                     c.plan.lanes,
                     c.plan.epilogue,
                     c.columnOperands,
                     {}};
    shape.fetchesAhead = c.plan.ahead > 0;
    shape.notesRange = k.high != nullptr;
    shape.inputLanes = c.plan.inputLanes;
    shape.joinsSteps = c.plan.joinsSteps;
    shape.tileSteps = c.plan.tileSteps, shape.lines = lines, shape.pieces = c.pieces;
    shape.productsAhead = c.plan.productsAhead;
    for (size_t e = 0; e < c.columnOperands.size(); e++) {
      shape.rowOperands.push_back(variesAlongRows(FirstOperand + e));
      if (k.op.operand(2 + e)->layout->buffer == k.op.result()->layout->buffer)
        shape.overwritten.push_back(static_cast<int64_t>(e));
    }
    return shape;
  }

  /// Calls the micro-kernel for `rows` rows from `row` on and `panels` panels from `panel` on. The
  /// tile is number `share` of those that fetch the weights of the next panels.
  void tile(int64_t rows, int64_t panels, bool masked, Value *row, Value *share, Value *panel,
            const std::vector<Value *> &at) {
    MicroShape shape = shapeOf(rows, panels, masked);
    size_t numOperands = c.columnOperands.size();
    Value *column = b.mul(panel, b.index(kPanel));
    auto from = [&](Value *pointer, size_t tensor, Value *extra) {
      Value *offset = k.advance(at[tensor], row, tiled().strides[tensor]);
      return b.offset(pointer, extra ? b.add(offset, extra) : offset);
    };
    std::vector<Value *> args = {
        from(k.operands[0], Input, nullptr),
        k.size(tiled().strides[Input]),
        b.offset(k.operands[1], k.advance(at[Weights], panel, c.panelElements())),
        k.size(c.panelElements()),
        from(k.results[0], Result, column),
        k.size(tiled().strides[Result])};
    for (size_t e = 0; e < numOperands; e++) {
      args.push_back(
          from(k.operands[2 + e], FirstOperand + e, c.columnOperands[e] ? column : nullptr));
      args.push_back(k.size(tiled().strides[FirstOperand + e]));
    }
    if (lines > 1) {
      args.insert(args.end(), {k.size(line().strides[Input]), k.size(line().strides[Result])});
      for (size_t e = 0; e < numOperands; e++)
        args.push_back(k.size(line().strides[FirstOperand + e]));
    }
    if (shape.notesRange)
      args.insert(args.end(), {k.high, k.low});
    args.push_back(k.size(c.wholeSteps()));
    for (const TapLoop &tap : c.taps) {
      args.push_back(b.index(tap.extent));
      args.push_back(k.size(tap.stride));
    }
    if (masked)
      args.push_back(b.sub(k.size(c.columns), column));
    if (shape.fetchesAhead) {
      Value *next = k.advance(at[Weights], b.add(panel, b.index(panels)), c.panelElements());
      Dim fetched = c.tapCount() * c.depth * Dim(c.plan.ahead);
      args.push_back(b.offset(k.operands[1], k.advance(next, share, fetched)));
      args.push_back(b.index(c.plan.ahead));
    }
    if (pieces) {
      Dim pieceRow = c.piecesOfRow();
      args.push_back(b.offset(pieces, k.advance(b.index(0), b.sub(row, unitRow), pieceRow)));
      args.insert(args.end(),
                  {k.size(pieceRow), k.size(pieceRow * Dim(lineRows())), k.size(c.pieceOfRow())});
    }
    b.call(microKernel(k, shape), args);
  }

  /// Whether all tiles have as many rows of each of their lines, so that tile registers are
  /// configured once. Those of more lines do for tiles of fewer.
  bool haveOneHeight() const { return axis.tiles.count > 0 && axis.tiles.extra == 0; }

  /// Splits the rows of a unit to pieces. Units of the same rows follow each other, the panels'
  /// first group in front, and share them.
  void splitRows(Value *group, Value *chunk, const std::vector<Value *> &at) {
    TileRun run = tileRun(k, axis, chunk);
    bool areEven = axis.tiles.count > 0;
    unitRow = areEven ? firstRow(b, axis.tiles, run.first) : run.first;
    Value *end = areEven ? firstRow(b, axis.tiles, run.end) : run.end;
    Value *isNew =
        b.binary(OpKind::ScalarOr, b.cmp("eq", group, b.index(0)), b.cmp("eq", k.unit, k.begin));
    b.ifThen(isNew, [&] {
      for (int64_t l = 0; l < lines; l++) {
        Value *from =
            lines > 1 ? k.advance(at[Input], b.index(l), line().strides[Input]) : at[Input];
        b.forLoop(unitRow, end, 1, [&](Value *row) {
          Value *number = b.add(b.index(l * lineRows()), b.sub(row, unitRow));
          splitRow(k, c, b.offset(k.operands[0], k.advance(from, row, tiled().strides[Input])),
                   b.offset(pieces, k.advance(b.index(0), number, c.piecesOfRow())));
        });
      }
    });
  }

  /// All row tiles of a unit for one group of panels.
  void rowTiles(Value *chunk, int64_t panels, bool masked, Value *panel,
                const std::vector<Value *> &at) {
    TileRun run = tileRun(k, axis, chunk);
    std::function<void(int64_t)> before;
    if (c.plan.tileSteps > 0 && !haveOneHeight())
      before = [&](int64_t rows) { configureTileRegisters(b, rows, lines, c.plan.tileSteps); };
    if (axis.tiles.count > 0)
      return forEvenTiles(
          b, axis.tiles, run.first, run.end,
          [&](Value *t, Value *row, int64_t rows) {
            // Where panels are outside, the next ones are those of all tiles.
            Value *share = c.plan.outer == LoopOrder::Panels
                               ? b.add(b.mul(linesBefore, b.index(axis.tiles.count)), t)
                               : b.sub(t, run.first);
            tile(rows, panels, masked, row, share, panel, at);
          },
          before);
    auto body = [&](Value *row, int64_t rows) {
      Value *share = b.div(b.sub(row, run.first), b.index(c.plan.tileRows));
      tile(rows, panels, masked, row, share, panel, at);
    };
    forRowTiles(b, run.first, run.end, c.plan.tileRows, c.plan.restRows, body, before);
  }

  /// The panels of a unit: whole groups, then what is left of them.
  void panelGroup(Value *group, Value *chunk, const std::vector<Value *> &at) {
    Dim whole = Dim::floorDiv(c.columns, Dim(c.plan.tilePanels * kPanel));
    Value *panel = b.mul(group, b.index(c.plan.tilePanels));
    auto full = [&] { rowTiles(chunk, c.plan.tilePanels, false, panel, at); };
    if (!c.columns.isConst()) {
      return b.ifElse(b.cmp("lt", group, k.size(whole)), full, [&] {
        b.forLoop(panel, k.size(numPanels()), 1,
                  [&](Value *one) { rowTiles(chunk, 1, true, one, at); });
      });
    }
    int64_t rest = c.columns.value() - whole.value() * c.plan.tilePanels * kPanel;
    auto tail = [&] {
      int64_t panels = (rest + kPanel - 1) / kPanel;
      rowTiles(chunk, panels, rest % kPanel != 0, panel, at);
    };
    if (rest == 0)
      return full();
    if (whole == Dim(0))
      return tail();
    b.ifElse(b.cmp("lt", group, b.index(whole.value())), full, tail);
  }

  /// The number of a line, or of several that tiles have, among those whose tiles share panels,
  /// where the loops over rows but the tiled one are in `cells`.
  Value *numberOfLine(const std::vector<Value *> &cells) {
    Value *number = b.index(0);
    for (size_t row = 0; row < cells.size(); row++)
      if (c.sharesPanels(row)) {
        int64_t count = ceilDiv(c.rows[row].extent.value(), c.linesOf(row));
        number = b.add(b.mul(number, b.index(count)), cells[row]);
      }
    return number;
  }

  /// The lines of a tile from number `first` on: as many as tiles have, or those that are left.
  void linesFrom(Value *first, const std::function<void()> &body) {
    auto with = [&](int64_t count) {
      return [&, count] {
        lines = count;
        body();
      };
    };
    int64_t most = c.plan.tileLines, all = most > 1 ? line().extent.value() : 1, rest = all % most;
    if (rest == 0)
      return with(most)();
    if (all < most)
      return with(rest)();
    b.ifElse(b.cmp("lt", first, b.index(all - rest)), with(most), with(rest));
  }

  Dim emit() {
    bool outside = c.plan.outer == LoopOrder::Panels;
    if (c.pieces > 1)
      pieces = b.retype(k.threadMemory(), DType::BF16);
    if (c.plan.tileSteps > 0 && haveOneHeight())
      configureTileRegisters(b, axis.tiles.rows, c.plan.tileLines, c.plan.tileSteps);
    Dim units = emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
      auto rows = cells.begin() + (outside ? 1 : 0), chunk = rows + std::ssize(c.rows) - 1;
      std::vector<Value *> steps(rows, chunk);
      linesBefore = numberOfLine(steps);
      for (size_t row = 0; row < steps.size(); row++)
        steps[row] = b.mul(steps[row], b.index(c.linesOf(row)));
      std::vector<Value *> at =
          advanceAlong(k, c.rows, steps, zeroOffsets(k, c.rows[0].strides.size()));
      linesFrom(steps.empty() ? nullptr : steps.back(), [&] {
        Value *group = outside ? cells.front() : cells.back();
        if (pieces)
          splitRows(group, *chunk, at);
        panelGroup(group, *chunk, at);
      });
    });
    // The system saves the registers of a thread for as long as they are in use.
    if (c.plan.tileSteps > 0)
      b.tileRelease();
    return units;
  }
};

} // namespace

Dim emitContraction(KernelFunc &k, const Contraction &contraction) {
  const ContractionPlan &plan = contraction.plan;
  ICE_UNLESS(plan.tileRows > 0 && plan.lanes > 0, "a contraction without a plan");
  return Emitter{k, contraction, k.b}.emit();
}

} // namespace cameo
