// Attention: a register tile of queries at a time. Its scores for all keys are a product that goes
// to memory of the thread, which the caches hold; exponentials of them replace the scores there,
// not divided by their sum; and that is a factor of the product with the values, whose sums are
// multiplied by the reciprocal before its region.
#include "ir/kernel/Attention.h"
#include "lowering/emit/MicroKernel.h"
#include "lowering/emit/RowVectors.h"
#include "lowering/emit/UnitLoops.h"
#include "lowering/plan/Attention.h"

namespace cameo {
namespace {

/// A product with the panels of one of the packed factors.
struct Product {
  Value *a, *aRow, *panels, *panelStride, *y, *yRow, *depth;
  std::vector<Value *> operands, operandRows;
  Dim columns;
  MicroShape shape; // rows and panels are those of a tile
  MicroTensors tensors;
};

struct AttentionEmitter {
  KernelFunc &k;
  LoopBuilder &b;
  AttentionAttrs attrs;
  AttentionLoops loops;
  Value *scores = nullptr, *factors = nullptr; // of the thread

  enum Tensor { Queries, Keys, Values, Result, FirstOperand };

  const NestAxis &queries() const { return loops.rows.back(); }

  MicroShape shapeOf(int64_t rows, EpiloguePlace place) const {
    MicroShape shape;
    shape.rows = rows;
    shape.panels = attrs.plan.tilePanels;
    shape.lanes = attrs.plan.lanes;
    shape.epilogue = place;
    shape.inputLanes = attrs.plan.inputLanes;
    return shape;
  }

  MicroTensors tensorsOf(Value *a, int64_t factor, const Type &y, int64_t region) {
    return {a->type,
            k.operands[factor]->type,
            y,
            {},
            DType::F32,
            [this, region](LoopBuilder &inside, const std::vector<Value *> &args) {
              return inlineRegion(inside, k.sizes, k.op.region(region), args)[0];
            }};
  }

  /// Adds operand e of the regions, whose first element for this tile is at `at`.
  void addOperand(Product &product, size_t e, Value *at) {
    Value *pointer = k.operands[kFirstScoreOperand + e];
    const Dim &row = queries().strides[FirstOperand + e];
    product.operands.push_back(b.offset(pointer, at));
    product.operandRows.push_back(k.size(row));
    product.tensors.operands.push_back(pointer->type);
    product.shape.columnOperands.push_back(loops.columnOperands[e]);
    product.shape.rowOperands.push_back(!(row == Dim(0)));
  }

  /// Calls the micro-kernel for `panels` panels from `panel` on.
  void tile(const Product &product, Value *panel, int64_t panels, bool masked) {
    MicroShape shape = product.shape;
    shape.panels = panels;
    shape.masked = masked;
    Value *column = b.mul(panel, b.index(kPanel));
    std::vector<Value *> args = {product.a,
                                 product.aRow,
                                 b.offset(product.panels, b.mul(panel, product.panelStride)),
                                 product.panelStride,
                                 b.offset(product.y, column),
                                 product.yRow};
    for (size_t e = 0; e < product.operands.size(); e++) {
      bool isAlong = shape.columnOperands[e];
      args.push_back(isAlong ? b.offset(product.operands[e], column) : product.operands[e]);
      args.push_back(product.operandRows[e]);
    }
    if (shape.notesRange)
      args.insert(args.end(), {k.high, k.low});
    args.push_back(product.depth);
    if (masked)
      args.push_back(b.sub(k.size(product.columns), column));
    b.call(microKernel(k, shape, product.tensors), args);
  }

  void multiply(const Product &product) {
    int64_t group = attrs.plan.tilePanels;
    Dim groups = Dim::floorDiv(product.columns, Dim(group * kPanel));
    Dim rest = product.columns - groups * Dim(group * kPanel);
    Value *whole = k.size(groups * Dim(group));
    b.forLoop(b.index(0), whole, group, [&](Value *panel) { tile(product, panel, group, false); });
    if (!rest.isConst())
      b.forLoop(whole, k.size(Dim::ceilDiv(product.columns, Dim(kPanel))), 1,
                [&](Value *panel) { tile(product, panel, 1, true); });
    else if (rest.value() > 0)
      tile(product, whole, ceilDiv(rest.value(), kPanel), rest.value() % kPanel != 0);
  }

  /// The scores of `rows` queries. `at`: offsets of all tensors for the first one.
  void multiplyKeys(int64_t rows, const std::vector<Value *> &at) {
    Value *q = b.offset(k.operands[Queries], at[Queries]);
    Product product{q,
                    k.size(queries().strides[Queries]),
                    b.offset(k.operands[Keys], at[Keys]),
                    k.size(loops.keyPanel()),
                    scores,
                    k.size(scoreRow(loops.keys)),
                    k.size(loops.depth),
                    {},
                    {},
                    loops.keys,
                    shapeOf(rows, attrs.plan.scores),
                    tensorsOf(q, Keys, scores->type, 0)};
    for (int64_t e = 0; e < attrs.scoreOperands; e++)
      addOperand(product, static_cast<size_t>(e), at[FirstOperand + e]);
    multiply(product);
  }

  /// A row with a NaN among its scores has a sum of NaN, by which all of its elements are.
  Value *kept(Value *x) {
    Value *zero = b.constant(x->type, 0);
    return attrs.nanToZero ? b.select(b.cmp("ne", x, x), zero, x) : x;
  }

  /// A query without keys has a sum of 0, the reciprocal of which is no factor of its sum of
  /// values.
  Value *ofNone(Value *factor) {
    if (loops.keys.isConst())
      return factor;
    Value *isNone = b.cmp("eq", k.size(loops.keys), b.index(0));
    return b.select(isNone, b.constant(factor->type, 0), factor);
  }

  /// Turns scores into exponentials, and writes the reciprocals of their sums.
  void exponentiate(int64_t rows) {
    int64_t lanes = attrs.plan.lanes;
    b.forLoop(b.index(0), b.index(rows), 1, [&](Value *r) {
      Value *row = b.offset(scores, b.mul(r, k.size(scoreRow(loops.keys))));
      RowVectors vectors{b, DType::F32, lanes, k.size(loops.keys)};
      RowVectors::Exponentials all = vectors.exponentials(
          attrs.form == RowForm::MaskedSoftmax,
          [&](Value *i, Value *mask) { return b.load(row, i, lanes, mask); },
          [&](Value *exponential, Value *i, Value *mask) {
            b.store(kept(exponential), row, i, mask);
          });
      b.store(ofNone(kept(all.factor(b))), factors, r);
    });
  }

  void multiplyValues(int64_t rows, const std::vector<Value *> &at) {
    Product product{scores,
                    k.size(scoreRow(loops.keys)),
                    b.offset(k.operands[Values], at[Values]),
                    k.size(loops.valuePanel()),
                    b.offset(k.results[0], at[Result]),
                    k.size(queries().strides[Result]),
                    k.size(loops.keys),
                    {factors},
                    {b.index(1)},
                    loops.columns,
                    shapeOf(rows, attrs.plan.results),
                    tensorsOf(scores, Values, k.results[0]->type, 1)};
    product.shape.notesRange = k.high != nullptr;
    product.shape.columnOperands = {false};
    product.shape.rowOperands = {true};
    product.tensors.operands = {factors->type};
    product.tensors.element = [this](LoopBuilder &inside, const std::vector<Value *> &args) {
      std::vector<Value *> elements(args.begin() + 1, args.end());
      elements[0] = inside.mul(args[0], inside.splat(args[1], attrs.plan.lanes));
      return inlineRegion(inside, k.sizes, k.op.region(1), elements)[0];
    };
    for (size_t e = static_cast<size_t>(attrs.scoreOperands); e < loops.columnOperands.size(); e++)
      addOperand(product, e, at[FirstOperand + e]);
    multiply(product);
  }

  Dim emit() {
    scores = b.retype(k.threadMemory(), DType::F32);
    factors = b.offset(scores, k.size(Dim(attrs.plan.tileRows) * scoreRow(loops.keys)));
    Units units = unitsOf(k.op).grid;
    const UnitAxis &axis = units.axes().back();
    return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
      std::vector<Value *> batch(cells.begin(), cells.end() - 1);
      std::vector<Value *> at =
          advanceAlong(k, loops.rows, batch, zeroOffsets(k, queries().strides.size()));
      auto tile = [&](Value *row, int64_t rows) {
        std::vector<Value *> here = advanceAlong(k, {queries()}, {row}, at);
        multiplyKeys(rows, here);
        exponentiate(rows);
        multiplyValues(rows, here);
      };
      auto [first, end] = tileRun(k, axis, cells.back());
      if (axis.tiles.count > 0)
        forEvenTiles(b, axis.tiles, first, end,
                     [&](Value *, Value *row, int64_t rows) { tile(row, rows); });
      else
        forRowTiles(b, first, end, attrs.plan.tileRows, attrs.plan.restRows, tile);
    });
  }
};

} // namespace

Result<Dim> emitAttention(KernelFunc &k) {
  return AttentionEmitter{k, k.b, attrsOf<AttentionAttrs>(k.op), attentionLoops(k.op)}.emit();
}

} // namespace cameo
