// Packing at run time, for weights that are not constants (attention's keys and values, weights
// that are inputs): the same panels that PackWeights.cpp makes at compile time. A unit is one
// panel.
#include "ir/kernel/Contraction.h"
#include "lowering/emit/Interleave.h"
#include "lowering/emit/Nest.h"
#include "lowering/plan/Contraction.h"

#include <algorithm>

namespace cameo {

namespace {

struct Packer {
  KernelFunc &k;
  LoopBuilder &b = k.b;
  PackAttrs attrs = attrsOf<PackAttrs>(k.op);
  PackLoops from = packLoops(k.op);
  int64_t interleave = attrs.interleave, lanes = attrs.plan.lanes;
  // Of the panel: offset of its source, columns left, and its own offset.
  Value *source = nullptr, *real = nullptr, *to = nullptr;

  const Dim &columnStride() const { return from.columns.strides[0]; }

  /// Whether the k's of a column are next to each other in memory, and the columns are not.
  bool isTransposed() const {
    return interleave == 1 && lanes > 1 && from.depths.size() == 1 &&
           from.depths[0].strides[0] == Dim(1) && !(columnStride() == Dim(1));
  }

  /// The element with the signedness of the result.
  Value *flipped(Value *element) {
    if (!attrs.flipSign)
      return element;
    Type type = Type::scalar(k.op.result()->type.dtype());
    Value *top = b.constantInt(type, type.dtype() == DType::I8 ? -128 : 128);
    return b.binary(OpKind::ScalarXor, b.bitcast(element, type), top);
  }

  /// Run number `run` of k's along the last axis, which begins at `at`: in steps of `interleave` of
  /// them next to each other, the last step filled up with zeros.
  void steps(Value *at, Value *run) {
    const NestAxis &axis = from.depths.back();
    Type type = Type::scalar(k.op.result()->type.dtype());
    Value *count = k.size(Dim::ceilDiv(axis.extent, Dim(interleave)));
    b.forLoop(b.index(0), count, 1, [&](Value *step) {
      Value *row = b.mul(b.add(b.mul(run, count), step), b.index(kPanel));
      b.forLoop(b.index(0), b.index(kPanel), 1, [&](Value *column) {
        Value *first = b.add(to, b.mul(b.add(row, column), b.index(interleave)));
        for (int64_t j = 0; j < interleave; j++) {
          Value *depth = b.add(b.mul(step, b.index(interleave)), b.index(j));
          Value *inside = b.binary(OpKind::ScalarAnd, b.cmp("lt", depth, k.size(axis.extent)),
                                   b.cmp("lt", column, real));
          Value *element = b.ifElse(
              inside, {type},
              [&]() -> LoopBuilder::Values {
                Value *place = k.advance(at, depth, axis.strides[0]);
                Value *loaded = b.load(k.operands[0], k.advance(place, column, columnStride()));
                return {flipped(loaded)};
              },
              [&]() -> LoopBuilder::Values { return {b.constant(type, 0)}; })[0];
          b.store(element, k.results[0], b.add(first, b.index(j)));
        }
      });
    });
  }

  /// All columns of k number `index`, which are at `at`.
  void columns(Value *at, Value *index) {
    for (int64_t lane = 0; lane < kPanel; lane += lanes) {
      Value *mask = b.laneMask(b.sub(real, b.index(lane)), lanes);
      Value *place = k.advance(at, b.index(lane), columnStride());
      Value *element = b.stridedLoad(k.operands[0], place, k.size(columnStride()), lanes, mask);
      b.store(element, k.results[0],
              b.add(to, b.add(b.mul(index, b.index(kPanel)), b.index(lane))));
    }
  }

  /// The k's from axis number `axis` on, from step `first` of that: they begin at `at`, `index` of
  /// the steps of outer axes having been gone.
  void depths(size_t axis, Value *first, Value *at, Value *index) {
    if (interleave > 1 && axis + 1 == from.depths.size())
      return steps(at, index);
    if (axis == from.depths.size())
      return columns(at, index);
    const NestAxis &loop = from.depths[axis];
    b.forLoop(first, k.size(loop.extent), 1, [&](Value *i) {
      depths(axis + 1, b.index(0), k.advance(at, i, loop.strides[0]),
             b.add(b.mul(index, k.size(loop.extent)), i));
    });
  }

  /// Blocks of vectors of k's are transposed in registers. Returns how many k's that were: all but
  /// a rest that is shorter than a vector.
  Value *blocks() {
    DType bits = bitsOf(k.op.result()->type.dtype());
    Value *x = b.retype(k.operands[0], bits), *panel = b.retype(k.results[0], bits);
    Value *count = k.size(from.depths[0].extent);
    Value *whole = b.sub(count, b.rem(count, b.index(lanes)));
    b.forLoop(b.index(0), whole, lanes, [&](Value *first) {
      LoopBuilder::Values rows;
      for (int64_t column = 0; column < kPanel; column++)
        rows.push_back(
            b.load(x, k.advance(b.add(source, first), b.index(column), columnStride()), lanes));
      rows = interleaved(b, rows);
      Value *at = b.add(to, b.mul(first, b.index(kPanel)));
      for (int64_t i = 0; i < kPanel; i++)
        b.store(rows[static_cast<size_t>(i)], panel, b.add(at, b.index(i * lanes)));
    });
    return whole;
  }

  void panel() {
    if (!isTransposed())
      return depths(0, b.index(0), source, b.index(0));
    using Values = LoopBuilder::Values;
    Value *done = b.ifElse(
        b.cmp("ge", real, b.index(kPanel)), {Type::index()}, [&]() -> Values { return {blocks()}; },
        [&]() -> Values { return {b.index(0)}; })[0];
    depths(0, done, source, b.index(0));
  }

  Dim emit() {
    Dim depth = Dim::ceilDiv(from.depths.back().extent, Dim(interleave)) * Dim(interleave);
    for (size_t i = 0; i + 1 < from.depths.size(); i++)
      depth = depth * from.depths[i].extent;
    Units units = unitsOf(k.op).grid;
    b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
      std::vector<Value *> cells = unitCells(k, units, unit);
      Value *first = b.mul(cells.back(), b.index(kPanel));
      cells.pop_back();
      source =
          advanceAlong(k, from.batches, cells, {k.advance(b.index(0), first, columnStride())})[0];
      real = b.sub(k.size(from.columns.extent), first);
      to = b.mul(unit, k.size(depth * Dim(kPanel)));
      panel();
    });
    return units.count();
  }
};

} // namespace

Result<Dim> emitPack(KernelFunc &k) {
  Packer packer{k};
  ICE_UNLESS(packer.attrs.form == PackForm::Gemm || packer.attrs.form == PackForm::Conv,
             "weights in this form are constant");
  return packer.emit();
}

} // namespace cameo
