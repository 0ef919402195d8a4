// Elementwise kernels and copies: one nest over the results, vectors along its innermost loop. A
// tensor whose innermost stride is 1 is read a vector at a time, one that does not move is read
// once, and any other stride makes a gather.
#include "lowering/emit/Nest.h"
#include "lowering/emit/RangeNotes.h"

#include "ir/kernel/Elements.h"
#include "ir/kernel/Range.h"

#include <algorithm>

namespace cameo {
namespace {

/// The innermost loop of a run: element access at position i, masked at the end.
struct Inner {
  KernelFunc &k;
  int64_t lanes;
  Value *mask = nullptr; // of the tail

  Value *read(Value *pointer, Value *offset, const Dim &stride, Value *i) {
    LoopBuilder &b = k.b;
    if (stride == Dim(0))
      return b.load(pointer, offset);
    return b.stridedLoad(pointer, k.advance(offset, i, stride), k.size(stride), lanes, mask);
  }

  void write(Value *value, Value *pointer, Value *offset, const Dim &stride, Value *i) {
    LoopBuilder &b = k.b;
    if (lanes > 1 && !value->type.isVector())
      value = b.splat(value, lanes);
    b.store(value, pointer, k.advance(offset, i, stride), mask);
  }
};

} // namespace

Dim emitElements(KernelFunc &k, const NestPlan &plan) {
  LoopBuilder &b = k.b;
  int64_t numResults = numElementResults(k.op);
  std::vector<Value *> pointers(k.results.begin(), k.results.begin() + numResults);
  pointers.insert(pointers.end(), k.operands.begin(), k.operands.end());
  Nest nest = elementNest(k.op);
  const NestAxis &inner = nest.axes.back();
  Block *region = k.op.numRegions() ? &k.op.region() : nullptr; // none: a copy

  return emitNest(k, nest, plan, [&](const NestRun &run) {
    emitVectorLoop(k, run.count, plan, [&](Value *i, int64_t width, Value *mask) {
      Inner loop{k, width, mask};
      LoopBuilder::Values elements, values;
      for (size_t t = static_cast<size_t>(numResults); t < pointers.size(); t++)
        elements.push_back(loop.read(pointers[t], run.offsets[t], inner.strides[t], i));
      values = region ? inlineRegion(b, k.sizes, *region, elements) : elements;
      for (int64_t r = 0; r < numResults; r++)
        loop.write(values[r], pointers[r], run.offsets[r], inner.strides[r], i);
      noteElement(k, values[0], mask);
    });
  });
}

Result<Dim> emitPointwise(KernelFunc &k) {
  return emitElements(k, attrsOf<PointwiseAttrs>(k.op).plan);
}

/// Stores `fill` to every element of a part of x's buffer, given as a value with a layout.
static void emitFillSlab(KernelFunc &k, LoopPlan plan, const Value &slab, Value *fill) {
  LoopBuilder &b = k.b;
  Nest nest = Nest::over(slab, {});
  if (!(nest.axes.back().strides[0] == Dim(1)))
    plan.lanes = 1;
  std::function<void(size_t, Value *)> loops = [&](size_t axis, Value *at) {
    const NestAxis &loop = nest.axes[axis];
    if (axis + 1 < nest.axes.size()) {
      b.forLoop(b.index(0), k.size(loop.extent), 1,
                [&](Value *i) { loops(axis + 1, k.advance(at, i, loop.strides[0])); });
      return;
    }
    emitVectorLoop(k, k.size(loop.extent), plan, [&](Value *i, int64_t width, Value *mask) {
      b.store(b.splat(fill, width), k.operands[0], k.advance(at, i, loop.strides[0]), mask);
    });
  };
  loops(0, k.size(slab.layout->offset));
}

Result<Dim> emitFillHalo(KernelFunc &k) {
  LoopBuilder &b = k.b;
  const Value &x = *k.op.operand(0);
  auto [lo, hi, value, plan] = attrsOf<FillHaloAttrs>(k.op);
  Value *fill = k.operands.size() > 1 ? b.load(k.operands[1], b.index(0))
                                      : b.constant(Type::scalar(x.type.dtype()), value);
  // One slab a side of each dim: it spans the halo of the dims before it and the interior of those
  // after, so that slabs do not overlap.
  b.forLoop(k.begin, k.end, 1, [&](Value *) {
    for (int64_t dim = 0; dim < x.type.rank(); dim++) {
      for (bool after : {false, true}) {
        Dim thickness = after ? hi[dim] : Dim(lo[dim]);
        if (thickness == Dim(0))
          continue;
        Value slab;
        Dims shape = x.type.shape();
        Layout layout = *x.layout;
        layout.offset = Dim(0);
        for (int64_t before = 0; before < dim; before++) {
          layout.offset = layout.offset - Dim(lo[before]) * layout.strides[before];
          shape[before] = shape[before] + Dim(lo[before]) + hi[before];
        }
        layout.offset = layout.offset + (after ? shape[dim] : Dim(-lo[dim])) * layout.strides[dim];
        shape[dim] = thickness;
        slab.type = x.type.withShape(shape);
        slab.layout = layout;
        emitFillSlab(k, plan, slab, fill);
      }
    }
  });
  return Dim(1);
}

} // namespace cameo
