// Packing at run time, for weights that are not constants (attention's keys and values, weights
// that are inputs): the same panels that PackWeights.cpp makes at compile time. A unit is one
// panel.
#include "ir/kernel/Contraction.h"
#include "lowering/emit/Nest.h"
#include "lowering/plan/Contraction.h"

#include <algorithm>

namespace cameo {

namespace {

/// Where packing is: offset of the source, columns left in the panel, offset of the panel, and the
/// number of the run of k's.
struct Position {
  Value *source, *real, *to, *run;
};

/// The element with the signedness of the result.
Value *flipped(KernelFunc &k, Value *element) {
  if (!attrsOf<PackAttrs>(k.op).flipSign)
    return element;
  Type type = Type::scalar(k.op.result()->type.dtype());
  Value *top = k.b.constantInt(type, type.dtype() == DType::I8 ? -128 : 128);
  return k.b.binary(OpKind::ScalarXor, k.b.bitcast(element, type), top);
}

/// One run of k's along `axis`, in steps of `interleave` of them next to each other, the last step
/// filled up with zeros.
void packSteps(KernelFunc &k, const Position &at, const NestAxis &axis, const Dim &columnStride) {
  LoopBuilder &b = k.b;
  int64_t interleave = attrsOf<PackAttrs>(k.op).interleave;
  Type type = Type::scalar(k.op.result()->type.dtype());
  Value *steps = k.size(Dim::ceilDiv(axis.extent, Dim(interleave)));
  b.forLoop(b.index(0), steps, 1, [&](Value *step) {
    Value *to = b.add(b.mul(at.run, steps), step);
    b.forLoop(b.index(0), b.index(kPanel), 1, [&](Value *column) {
      Value *first =
          b.add(at.to, b.mul(b.add(b.mul(to, b.index(kPanel)), column), b.index(interleave)));
      for (int64_t j = 0; j < interleave; j++) {
        Value *depth = b.add(b.mul(step, b.index(interleave)), b.index(j));
        Value *inside = b.binary(OpKind::ScalarAnd, b.cmp("lt", depth, k.size(axis.extent)),
                                 b.cmp("lt", column, at.real));
        Value *element = b.ifElse(
            inside, {type},
            [&]() -> LoopBuilder::Values {
              Value *from = k.advance(at.source, depth, axis.strides[0]);
              Value *loaded = b.load(k.operands[0], k.advance(from, column, columnStride));
              return {flipped(k, loaded)};
            },
            [&]() -> LoopBuilder::Values { return {b.constant(type, 0)}; })[0];
        b.store(element, k.results[0], b.add(first, b.index(j)));
      }
    });
  });
}

} // namespace

Result<Dim> emitPack(KernelFunc &k) {
  LoopBuilder &b = k.b;
  PackAttrs attrs = attrsOf<PackAttrs>(k.op);
  ICE_UNLESS(attrs.form == PackForm::Gemm || attrs.form == PackForm::Conv,
             "weights in this form are constant");
  PackLoops from = packLoops(k.op);
  const std::vector<NestAxis> &batches = from.batches, &depths = from.depths;
  const NestAxis &columns = from.columns;
  const Dim &columnStride = columns.strides[0];
  int64_t interleave = attrs.interleave;
  Dim depth = Dim::ceilDiv(depths.back().extent, Dim(interleave)) * Dim(interleave);
  for (size_t i = 0; i + 1 < depths.size(); i++)
    depth = depth * depths[i].extent;
  Units units = unitsOf(k.op).grid;
  int64_t lanes = attrs.plan.lanes;
  b.forLoop(k.begin, k.end, 1, [&](Value *unit) {
    std::vector<Value *> cells = unitCells(k, units, unit);
    Value *first = b.mul(cells.back(), b.index(kPanel));
    cells.pop_back();
    Value *source =
        advanceAlong(k, batches, cells, {k.advance(b.index(0), first, columnStride)})[0];
    Value *real = b.sub(k.size(columns.extent), first);
    Value *to = b.mul(unit, k.size(depth * Dim(kPanel)));
    std::function<void(size_t, Value *, Value *)> loops = [&](size_t axis, Value *source,
                                                              Value *index) {
      if (interleave > 1 && axis + 1 == depths.size())
        return packSteps(k, {source, real, to, index}, depths[axis], columnStride);
      if (axis < depths.size()) {
        b.forLoop(b.index(0), k.size(depths[axis].extent), 1, [&](Value *i) {
          loops(axis + 1, k.advance(source, i, depths[axis].strides[0]),
                b.add(b.mul(index, k.size(depths[axis].extent)), i));
        });
        return;
      }
      for (int64_t lane = 0; lane < kPanel; lane += lanes) {
        Value *mask = b.laneMask(b.sub(real, b.index(lane)), lanes);
        Value *at = k.advance(source, b.index(lane), columnStride);
        Value *element = b.stridedLoad(k.operands[0], at, k.size(columnStride), lanes, mask);
        b.store(element, k.results[0],
                b.add(to, b.add(b.mul(index, b.index(kPanel)), b.index(lane))));
      }
    };
    loops(0, source, b.index(0));
  });
  return units.count();
}

} // namespace cameo
