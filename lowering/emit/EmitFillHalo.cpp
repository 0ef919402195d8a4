// Fills the border of a buffer. A unit is what a line of one image has of it, so that the threads
// which read and write lines have their borders in their own caches, too.
#include "ir/kernel/Elements.h"
#include "lowering/emit/Nest.h"

namespace cameo {
namespace {

struct HaloFill {
  KernelFunc &k;
  FillHaloAttrs attrs = attrsOf<FillHaloAttrs>(k.op);
  LoopBuilder &b = k.b;
  const Value &x = *k.op.operand(0);
  Dims shape = x.type.shape(); // of what a unit goes around
  Value *fill = nullptr;

  /// Fills so many elements along each dim, from element `first` on, counted from `at`.
  void slab(const Dims &extents, const Dims &first, Value *at) {
    Value slab;
    slab.type = x.type.withShape(extents);
    slab.layout = *x.layout;
    slab.layout->offset = Dim(0);
    for (size_t dim = 0; dim < first.size(); dim++)
      slab.layout->offset = slab.layout->offset + first[dim] * slab.layout->strides[dim];
    Nest nest = Nest::over(slab, {});
    LoopPlan plan = attrs.plan;
    if (!(nest.axes.back().strides[0] == Dim(1)))
      plan.lanes = 1;
    std::function<void(size_t, Value *)> loops = [&](size_t axis, Value *from) {
      const NestAxis &loop = nest.axes[axis];
      if (axis + 1 < nest.axes.size())
        return b.forLoop(b.index(0), k.size(loop.extent), 1,
                         [&](Value *i) { loops(axis + 1, k.advance(from, i, loop.strides[0])); });
      emitVectorLoop(k, k.size(loop.extent), plan, [&](Value *i, int64_t width, Value *mask) {
        b.store(b.splat(fill, width), k.operands[0], k.advance(from, i, loop.strides[0]), mask);
      });
    };
    loops(0, b.add(at, k.size(slab.layout->offset)));
  }

  /// The halo around `shape`: a slab a side of each dim, which spans the halo of the dims before it
  /// and the interior of those behind it, so that slabs do not overlap.
  void around(Value *at) {
    Dims extents = shape, first(shape.size(), Dim(0));
    for (size_t dim = 0; dim < shape.size(); dim++) {
      Dim before(attrs.lo[dim]);
      for (bool isBehind : {false, true}) {
        extents[dim] = isBehind ? attrs.hi[dim] : before;
        first[dim] = isBehind ? shape[dim] : Dim(0) - before;
        if (!(extents[dim] == Dim(0)))
          slab(extents, first, at);
      }
      extents[dim] = before + shape[dim] + attrs.hi[dim];
      first[dim] = Dim(0) - before;
    }
  }

  /// `shape` with its halo.
  void all(Value *at) {
    Dims extents, first;
    for (size_t dim = 0; dim < shape.size(); dim++) {
      extents.push_back(Dim(attrs.lo[dim]) + shape[dim] + attrs.hi[dim]);
      first.push_back(Dim(0) - Dim(attrs.lo[dim]));
    }
    slab(extents, first, at);
  }

  /// A line inside the image has halo at its ends, one outside is all halo.
  void line(size_t dim, Value *number, Value *at) {
    Value *height = k.size(shape[dim]);
    Value *position = b.sub(number, b.index(attrs.lo[dim]));
    at = k.advance(at, position, x.layout->strides[dim]);
    shape[dim] = Dim(1);
    attrs.lo[dim] = 0, attrs.hi[dim] = Dim(0);
    Value *isInside = b.binary(OpKind::ScalarAnd, b.cmp("ge", position, b.index(0)),
                               b.cmp("lt", position, height));
    b.ifElse(isInside, [&] { around(at); }, [&] { all(at); });
  }

  Dim emit() {
    fill = k.operands.size() > 1 ? b.load(k.operands[1], b.index(0))
                                 : b.constant(Type::scalar(x.type.dtype()), attrs.value);
    Units units = unitsOf(k.op).grid;
    std::optional<size_t> lines = attrs.lines();
    return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
      if (!lines)
        return around(b.index(0));
      Value *at = b.index(0);
      if (cells.size() > 1) {
        at = k.advance(at, cells.front(), x.layout->strides[0]);
        shape[0] = Dim(1);
      }
      line(*lines, cells.back(), at);
    });
  }
};

} // namespace

Result<Dim> emitFillHalo(KernelFunc &k) { return HaloFill{k}.emit(); }

} // namespace cameo
