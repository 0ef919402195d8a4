// Writes of updates at positions that come from data, in the specification's order: of two updates
// of one element the later one wins, and sums are added up in that order. Each element belongs to
// one unit, which reads the indices it needs to and writes its own elements alone, so that results
// do not depend on the number of threads. The result shares the first operand's memory: what no
// update names is there already.
#include "lowering/emit/UnitLoops.h"

#include "ir/kernel/Elements.h"

#include <algorithm>

namespace cameo {
namespace {

struct Scatter {
  KernelFunc &k;
  LoopBuilder &b;
  const Value &indices, &updates, &y;

  explicit Scatter(KernelFunc &k)
      : k(k), b(k.b), indices(*k.op.operand(1)), updates(*k.op.operand(2)), y(*k.op.result()) {}

  /// The smaller of two sizes that are the same in a valid run.
  Value *least(const Dim &a, const Dim &c) {
    return a == c ? k.size(a) : b.min(k.size(a), k.size(c));
  }

  void combine(Value *to, Value *from) {
    Value *before = b.load(k.results[0], to), *update = b.load(k.operands[2], from);
    Value *after = inlineRegion(b, k.sizes, k.op.region(), {before, update})[0];
    b.store(after, k.results[0], to);
  }

  /// ScatterElements: a unit is some neighbouring lines along the axis.
  Dim lines();
  /// ScatterND: a unit is the slice that one index tuple names. Every thread reads all tuples and
  /// writes the slices that are its own.
  Dim tuples();
  void tuple(Value *number, int64_t width, int64_t outer);
  void rest(int64_t dim, int64_t width, int64_t outer, Value *to, Value *from);
};

Dim Scatter::lines() {
  ScatterAttrs attrs = attrsOf<ScatterAttrs>(k.op);
  int64_t rank = y.type.rank(), axis = attrs.axis;
  int64_t inner = axis == rank - 1 ? rank - 2 : rank - 1;
  std::vector<int64_t> outer; // the dims that lines do not run along
  for (int64_t i = 0; i < rank; i++)
    if (i != axis && i != inner)
      outer.push_back(i);
  auto extent = [&](int64_t i) {
    Value *size = least(indices.type.dim(i), updates.type.dim(i));
    bool fits = i == axis || indices.type.dim(i) == y.type.dim(i);
    return fits ? size : b.min(size, k.size(y.type.dim(i)));
  };
  auto body = [&](Value *which, Value *from, Value *to, Value *count, Value *first) {
    b.forLoop(b.index(0), extent(axis), 1, [&](Value *j) {
      b.forLoop(b.index(0), count, 1, [&](Value *line) {
        Value *at = b.add(first, line);
        Value *number = k.advance(k.advance(which, j, indices.layout->strides[axis]), at,
                                  indices.layout->strides[inner]);
        Value *position =
            k.checkIndex(b.load(k.operands[1], number), k.size(y.type.dim(axis)), k.op.loc);
        Value *target = k.advance(k.advance(to, position, y.layout->strides[axis]), at,
                                  y.layout->strides[inner]);
        Value *source = k.advance(k.advance(from, j, updates.layout->strides[axis]), at,
                                  updates.layout->strides[inner]);
        // An empty axis has no element 0 for a failed check to fall back to.
        const Dim &size = y.type.dim(axis);
        if (size.isConst() && size.value() > 0)
          return combine(target, source);
        b.ifThen(b.cmp("gt", k.size(size), b.index(0)), [&] { combine(target, source); });
      });
    });
  };
  return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
    Value *first = b.mul(cells.back(), b.index(attrs.unitLines)), *inside = nullptr;
    Value *which = b.index(0), *from = which, *to = which;
    for (size_t n = 0; n < outer.size(); n++) {
      int64_t i = outer[n];
      Value *index = cells[n];
      bool same =
          indices.type.dim(i) == updates.type.dim(i) && indices.type.dim(i) == y.type.dim(i);
      Value *here = same ? nullptr : b.cmp("lt", index, extent(i));
      inside = inside && here ? b.binary(OpKind::ScalarAnd, inside, here) : here ? here : inside;
      which = k.advance(which, index, indices.layout->strides[i]);
      from = k.advance(from, index, updates.layout->strides[i]);
      to = k.advance(to, index, y.layout->strides[i]);
    }
    Value *count = b.min(b.sub(extent(inner), first), b.index(attrs.unitLines));
    if (!inside)
      return body(which, from, to, count, first);
    b.ifThen(inside, [&] { body(which, from, to, count, first); });
  });
}

/// The dims that tuples do not name.
void Scatter::rest(int64_t dim, int64_t width, int64_t outer, Value *to, Value *from) {
  if (dim == y.type.rank())
    return combine(to, from);
  int64_t source = dim - width + outer;
  b.forLoop(b.index(0), least(y.type.dim(dim), updates.type.dim(source)), 1, [&](Value *i) {
    rest(dim + 1, width, outer, k.advance(to, i, y.layout->strides[dim]),
         k.advance(from, i, updates.layout->strides[source]));
  });
}

/// Follows one tuple if the row it names is one of this thread's.
void Scatter::tuple(Value *number, int64_t width, int64_t outer) {
  Units tuples;
  for (int64_t i = 0; i < outer; i++)
    tuples.add(indices.type.dim(i));
  std::vector<Value *> cells = unitCells(k, tuples, number);
  Value *which = b.index(0), *from = which, *inside = nullptr;
  for (int64_t i = 0; i < outer; i++) {
    Value *index = cells[static_cast<size_t>(i)];
    if (!(indices.type.dim(i) == updates.type.dim(i))) {
      Value *here = b.cmp("lt", index, k.size(updates.type.dim(i)));
      inside = inside ? b.binary(OpKind::ScalarAnd, inside, here) : here;
    }
    which = k.advance(which, index, indices.layout->strides[i]);
    from = k.advance(from, index, updates.layout->strides[i]);
  }
  Value *row = b.index(0), *to = b.index(0);
  for (int64_t i = 0; i < width; i++) {
    Value *at = k.advance(which, b.index(i), indices.layout->strides[outer]);
    Value *extent = k.size(y.type.dim(i));
    Value *position = k.checkIndex(b.load(k.operands[1], at), extent, k.op.loc);
    row = b.add(b.mul(row, extent), position);
    to = k.advance(to, position, y.layout->strides[i]);
  }
  Value *own = b.binary(OpKind::ScalarAnd, b.cmp("ge", row, k.begin), b.cmp("lt", row, k.end));
  inside = inside ? b.binary(OpKind::ScalarAnd, inside, own) : own;
  b.ifThen(inside, [&] { rest(width, width, outer, to, from); });
}

Dim Scatter::tuples() {
  int64_t outer = indices.type.rank() - 1, width = indices.type.dim(outer).value();
  Dim count(1);
  for (int64_t i = 0; i < outer; i++)
    count = count * indices.type.dim(i);
  b.forLoop(b.index(0), k.size(count), 1, [&](Value *number) { tuple(number, width, outer); });
  return unitsOf(k.op).grid.count();
}

} // namespace

Result<Dim> emitScatter(KernelFunc &k) {
  Scatter scatter(k);
  switch (attrsOf<ScatterAttrs>(k.op).form) {
  case ScatterForm::Lines:
    return scatter.lines();
  case ScatterForm::Tuples:
    return scatter.tuples();
  }
  ICE("a form without loops");
}

} // namespace cameo
