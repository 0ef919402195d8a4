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

} // namespace cameo
