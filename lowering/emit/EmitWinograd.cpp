// Convolutions by Winograd's algorithm (lowering/plan/Winograd.h). A unit is a block of tiles of
// one image times a group of panels: transform the tiles' inputs, vectors of channels at a time,
// into memory of the thread; multiply, for each point, the matrix of tiles by channels with the
// group's weights; transform back and apply the epilogue. The units of a block follow each other
// and share the transformed inputs, which the first of a thread's units computes again, the same.
//
// Tiles at the right and lower edge read past the image, into a halo that is wide enough
// (Halo.cpp), and write what is inside.
#include "ir/kernel/Contraction.h"
#include "lowering/emit/MicroKernel.h"
#include "lowering/emit/Nest.h"
#include "lowering/emit/WinogradTransform.h"
#include "lowering/plan/Contraction.h"
#include "lowering/plan/Winograd.h"

#include <algorithm>

namespace cameo {
namespace {

struct WinogradEmitter {
  KernelFunc &k;
  LoopBuilder &b;
  WinogradPlan plan;
  ContractionPlan cut;
  int64_t lanes = cut.lanes, side = plan.tile + 2;     // side: of a tile of inputs
  int64_t pointWeights = plan.sizes.channels * kPanel; // of a point of a panel
  std::vector<std::vector<Dim>> epilogueStrides = {};
  Value *inputs = nullptr, *sums = nullptr, *column = nullptr; // of the thread

  using Values = LoopBuilder::Values;

  /// Where a unit works: an image, and the rows [first, end) of the products of its block.
  struct Block {
    Value *image, *firstTile, *endTile, *first, *end;
  };

  Block blockOf(Value *image, Value *number) {
    auto [first, end] = tileRun(k, plan.tiledAxis(), number);
    auto rowOf = [&](Value *t) { return firstRow(b, plan.registers, t); };
    return {image, first, end, rowOf(first), rowOf(end)};
  }

  /// Runs body(row of the block, first row and first column of the tile's outputs).
  void forTiles(const Block &block, const std::function<void(Value *, Value *, Value *)> &body) {
    b.forLoop(block.first, block.end, 1, [&](Value *tile) {
      Value *down = b.div(tile, b.index(plan.across)), *across = b.rem(tile, b.index(plan.across));
      body(b.sub(tile, block.first), b.mul(down, b.index(plan.tile)),
           b.mul(across, b.index(plan.tile)));
    });
  }

  /// One dimension of a transform: reads columns of `side` values, transforms them, and leaves them
  /// as rows of `side` in the thread's small matrix.
  void columns(int64_t width, const std::function<Value *(Value *, int64_t)> &read,
               const std::function<Values(const Values &)> &transform) {
    b.forLoop(b.index(0), b.index(side), 1, [&](Value *x) {
      Values values;
      for (int64_t y = 0; y < side; y++)
        values.push_back(read(x, y));
      values = transform(values);
      for (size_t y = 0; y < values.size(); y++) {
        Value *at = b.add(x, b.index(static_cast<int64_t>(y) * side));
        b.store(values[y], column, b.mul(at, b.index(width)));
      }
    });
  }

  Values rowAt(Value *y, int64_t width) {
    Values values;
    for (int64_t x = 0; x < side; x++) {
      Value *at = b.add(b.mul(y, b.index(side)), b.index(x));
      values.push_back(b.load(column, b.mul(at, b.index(width)), width));
    }
    return values;
  }

  void transformInputs(const Block &block) {
    const Value &x = *k.op.operand(0);
    const Dims &strides = x.layout->strides;
    Value *image = k.advance(k.size(firstTap(k.op)), block.image, strides[0]);
    forTiles(block, [&](Value *row, Value *oh, Value *ow) {
      Value *from = k.advance(k.advance(image, oh, strides[2]), ow, strides[3]);
      Value *to = b.mul(row, b.index(plan.inputRow));
      emitVectorLoop(
          k, b.index(plan.sizes.channels), cut, [&](Value *c, int64_t width, Value *mask) {
            Value *at = b.add(from, c);
            columns(
                width,
                [&](Value *across, int64_t y) {
                  Value *element =
                      k.advance(k.advance(at, across, strides[3]), b.index(y), strides[2]);
                  if (cut.tilesAhead > 0)
                    fetchLater(k.operands[0], element, strides[3]);
                  return b.load(k.operands[0], element, width, mask);
                },
                [&](const Values &d) { return winogradInput(b, plan.tile, d); });
            b.forLoop(b.index(0), b.index(side), 1, [&](Value *y) {
              Values points = winogradInput(b, plan.tile, rowAt(y, width));
              Value *point = b.add(b.mul(y, b.index(side * plan.inputPoint)), b.add(to, c));
              for (int64_t x = 0; x < side; x++)
                b.store(points[x], inputs, b.add(point, b.index(x * plan.inputPoint)));
            });
          });
    });
  }

  /// Fetches what a later tile to the right has where this one has an element. A vector is a line
  /// of each pixel, too far apart for cores to fetch the next tile's of their own accord.
  void fetchLater(Value *pointer, Value *element, const Dim &pixel) {
    b.prefetch(pointer, k.advance(element, b.index(cut.tilesAhead * plan.tile), pixel), 1);
  }

  /// The products of a block with `panels` panels from `panel` on, point by point.
  void multiply(const Block &block, Value *panel, int64_t panels) {
    Value *weights = b.offset(k.operands[1], b.mul(panel, b.index(plan.points * pointWeights)));
    b.forLoop(b.index(0), b.index(plan.points), 1, [&](Value *point) {
      Value *ofPoint = b.offset(weights, b.mul(point, b.index(pointWeights)));
      forEvenTiles(b, plan.registers, block.firstTile, block.endTile,
                   [&](Value *tile, Value *row, int64_t rows) {
                     Value *number = b.sub(tile, block.firstTile);
                     multiplyTile(point, ofPoint, panels, number, b.sub(row, block.first), rows);
                   });
    });
  }

  /// The products of a point of one register tile of a block: its number, its first row and how
  /// many rows it has.
  void multiplyTile(Value *point, Value *weights, int64_t panels, Value *tile, Value *row,
                    int64_t rows) {
    MicroShape shape;
    shape.rows = rows, shape.panels = panels, shape.lanes = lanes;
    shape.inputLanes = cut.inputLanes;
    shape.productsAhead = cut.productsAhead, shape.fetchesAhead = cut.ahead > 0;
    std::string micro =
        microKernel(k, shape, {inputs->type, k.operands[1]->type, sums->type, {}, DType::F32});
    auto at = [&](Value *matrix, int64_t pointStride, int64_t rowStride) {
      Value *from = b.mul(point, b.index(pointStride));
      return b.offset(matrix, b.add(from, b.mul(row, b.index(rowStride))));
    };
    int64_t panelWeights = plan.points * pointWeights;
    Values args = {at(inputs, plan.inputPoint, plan.inputRow),
                   b.index(plan.inputRow),
                   weights,
                   b.index(panelWeights),
                   at(sums, plan.sumPoint, plan.sumRow),
                   b.index(plan.sumRow),
                   b.index(plan.sizes.channels)};
    if (shape.fetchesAhead) {
      // Of the next point, which follows in each panel, a tile fetches one panel.
      Value *panel = b.rem(tile, b.index(panels));
      Value *next = b.add(b.mul(panel, b.index(panelWeights)), b.index(pointWeights));
      args.insert(args.end(), {b.offset(weights, next), b.index(cut.ahead)});
    }
    b.call(micro, args);
  }

  void transformSums(const Block &block, Value *panel, int64_t panels, bool masked) {
    forTiles(block, [&](Value *row, Value *oh, Value *ow) {
      Value *from = b.mul(row, b.index(plan.sumRow));
      b.forLoop(b.index(0), b.index(panels * kPanel), lanes, [&](Value *lane) {
        Value *channel = b.add(b.mul(panel, b.index(kPanel)), lane);
        Value *mask =
            masked ? b.laneMask(b.sub(b.index(plan.sizes.outputs), channel), lanes) : nullptr;
        columns(
            lanes,
            [&](Value *x, int64_t y) {
              Value *point = b.mul(b.add(x, b.index(y * side)), b.index(plan.sumPoint));
              return b.load(sums, b.add(point, b.add(from, lane)), lanes);
            },
            [&](const Values &s) { return winogradOutput(b, plan.tile, s); });
        Value *rows = b.min(b.index(plan.tile), b.sub(b.index(plan.sizes.height), oh));
        b.forLoop(b.index(0), rows, 1, [&](Value *y) {
          Values results = winogradOutput(b, plan.tile, rowAt(y, lanes));
          if (cut.tilesAhead > 0)
            fetchLaterResults({block.image, b.add(oh, y), ow}, channel);
          for (int64_t x = 0; x < plan.tile; x++) {
            Value *pixel = b.add(ow, b.index(x));
            auto write = [&] {
              finish(results[x], {block.image, b.add(oh, y), pixel}, channel, mask);
            };
            // The first pixel of a tile is always inside.
            if (x == 0 || plan.sizes.width % plan.tile == 0)
              write();
            else
              b.ifThen(b.cmp("lt", pixel, b.index(plan.sizes.width)), write);
          }
        });
      });
    });
  }

  /// `pixel`: batch, row, column.
  Value *elementAt(const std::vector<Dim> &strides, const std::array<Value *, 3> &pixel,
                   Value *channel) {
    Value *offset = k.advance(b.index(0), pixel[0], strides[0]);
    offset = k.advance(offset, pixel[1], strides[2]);
    offset = k.advance(offset, pixel[2], strides[3]);
    return strides[1] == Dim(0) ? offset : b.add(offset, channel);
  }

  /// What a later tile writes of the line of a tile that begins at `pixel`.
  void fetchLaterResults(const std::array<Value *, 3> &pixel, Value *channel) {
    const std::vector<Dim> &strides = k.op.result()->layout->strides;
    Value *first = elementAt(strides, pixel, channel);
    for (int64_t x = 0; x < plan.tile; x++)
      fetchLater(k.results[0], k.advance(first, b.index(x), strides[3]), strides[3]);
  }

  void finish(Value *sum, const std::array<Value *, 3> &pixel, Value *channel, Value *mask) {
    auto at = [&](const std::vector<Dim> &strides) { return elementAt(strides, pixel, channel); };
    Values args = {sum};
    for (size_t e = 0; e < epilogueStrides.size(); e++) {
      bool vector = !(epilogueStrides[e][1] == Dim(0));
      args.push_back(vector ? b.load(k.operands[2 + e], at(epilogueStrides[e]), lanes, mask)
                            : b.load(k.operands[2 + e], at(epilogueStrides[e])));
    }
    Value *result = inlineRegion(b, k.sizes, k.op.region(), args)[0];
    if (lanes > 1 && !result->type.isVector())
      result = b.splat(result, lanes);
    b.store(result, k.results[0], at(k.op.result()->layout->strides), mask);
  }

  /// Products and results of group number `group`; the last one may be smaller.
  void panelGroup(Value *group, const Block &block) {
    int64_t width = plan.panels, whole = plan.sizes.outputs / (width * kPanel);
    int64_t rest = plan.sizes.outputs - whole * width * kPanel;
    Value *panel = b.mul(group, b.index(width));
    auto some = [&](int64_t panels, bool masked) {
      multiply(block, panel, panels);
      transformSums(block, panel, panels, masked);
    };
    auto full = [&] { some(width, false); };
    auto tail = [&] { some((rest + kPanel - 1) / kPanel, rest % kPanel != 0); };
    if (rest == 0)
      return full();
    if (whole == 0)
      return tail();
    b.ifElse(b.cmp("lt", group, b.index(whole)), full, tail);
  }

  Dim emit() {
    epilogueStrides = operandStrides(k.op, 2);
    inputs = b.retype(k.threadMemory(), DType::F32);
    sums = b.offset(inputs, b.index(plan.inputElements()));
    column = b.scratch(DType::F32, side * side * lanes);
    Units units = unitsOf(k.op).grid;
    b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
      std::vector<Value *> cells = unitCells(k, units, unit);
      Value *group = cells[2];
      Block block = blockOf(cells[0], cells[1]);
      Value *isNew =
          b.binary(OpKind::ScalarOr, b.cmp("eq", group, b.index(0)), b.cmp("eq", unit, k.begin));
      b.ifThen(isNew, [&] { transformInputs(block); });
      panelGroup(group, block);
    });
    return units.count();
  }

  static constexpr int64_t kElement = 4; // bytes
};

} // namespace

Result<Dim> emitWinograd(KernelFunc &k) {
  return WinogradEmitter{k, k.b, winogradPlanOf(k.op), attrsOf<ConvAttrs>(k.op).plan}.emit();
}

} // namespace cameo
