// The first k elements of a line in order, and their positions: a heap of k positions, the last in
// order at its root, takes every element that comes before the root; then the heap is sorted in
// place. n log k steps whatever the data, no memory but the result's. A line is a unit.
#include "ir/kernel/Reduce.h"
#include "lowering/build/Regions.h"
#include "lowering/emit/Nest.h"
#include "runtime/abi.h"

namespace cameo {
namespace {

struct TopK {
  KernelFunc &k;
  LoopBuilder &b;
  const Value &x, &values, &indices;
  const int64_t axis;
  const bool largest;
  Value *from = nullptr, *to = nullptr, *heap = nullptr; // offsets of the line

  using Values = LoopBuilder::Values;

  explicit TopK(KernelFunc &k)
      : k(k), b(k.b), x(*k.op.operand(0)), values(*k.op.result(0)), indices(*k.op.result(1)),
        axis(attrsOf<TopKAttrs>(k.op).axis), largest(attrsOf<TopKAttrs>(k.op).largest) {}

  /// Element i of the line, as a type that compares.
  Value *element(Value *i) {
    return widened(b, b.load(k.operands[0], k.advance(from, i, x.layout->strides[axis])));
  }
  Value *slot(Value *i) { return k.advance(heap, i, indices.layout->strides[axis]); }
  Value *position(Value *i) { return b.toIndex(b.load(k.results[1], slot(i))); }
  void setPosition(Value *i, Value *position) {
    b.store(b.cast(position, DType::I64), k.results[1], slot(i));
  }

  /// Whether the element at p comes before the one at q in the result.
  Value *before(Value *p, Value *q) {
    Value *a = element(p), *c = element(q);
    Value *less = largest ? b.cmp("gt", a, c) : b.cmp("lt", a, c);
    Value *equal = b.cmp("eq", a, c);
    if (isFloat(a->type.dtype())) {
      Value *aNan = b.cmp("ne", a, a), *cNan = b.cmp("ne", c, c);
      Value *alone = b.binary(OpKind::ScalarXor, aNan, cNan);
      less = b.select(alone, largest ? aNan : cNan, less);
      equal = b.binary(OpKind::ScalarOr, equal, b.binary(OpKind::ScalarAnd, aNan, cNan));
    }
    Value *earlier = b.binary(OpKind::ScalarAnd, equal, b.cmp("lt", p, q));
    return b.binary(OpKind::ScalarOr, less, earlier);
  }

  /// Puts `held` into the heap of `size` positions, from `start` down until no child comes after.
  void sift(Value *start, Value *size, Value *held) {
    Values end = b.whileLoop(
        {start, b.constantInt(Type::scalar(DType::Bool), 1)},
        [&](const Values &now) {
          Value *child = b.add(b.mul(now[0], b.index(2)), b.index(1));
          return b.binary(OpKind::ScalarAnd, now[1], b.cmp("lt", child, size));
        },
        [&](const Values &now) -> Values {
          Value *left = b.add(b.mul(now[0], b.index(2)), b.index(1));
          Value *right = b.add(left, b.index(1));
          // The later of two children; a lone one stands for both.
          Value *other = b.select(b.cmp("lt", right, size), right, left);
          Value *p = position(left), *q = position(other);
          Value *first = before(p, q);
          Value *child = b.select(first, other, left), *last = b.select(first, q, p);
          Value *sinks = before(held, last);
          b.ifThen(sinks, [&] { setPosition(now[0], last); });
          return {b.select(sinks, child, now[0]), sinks};
        });
    setPosition(end[0], held);
  }

  void line() {
    Value *count = k.size(values.type.dim(axis)), *extent = k.size(x.type.dim(axis));
    Value *zero = b.index(0), *one = b.index(1);
    b.forLoop(zero, count, 1, [&](Value *i) { setPosition(i, i); });
    Value *half = b.div(count, b.index(2));
    b.forLoop(zero, half, 1, [&](Value *i) {
      Value *start = b.sub(b.sub(half, one), i);
      sift(start, count, position(start));
    });
    b.forLoop(count, extent, 1, [&](Value *i) {
      b.ifThen(before(i, position(zero)), [&] { sift(zero, count, i); });
    });
    b.forLoop(zero, count, 1, [&](Value *i) {
      Value *last = b.sub(b.sub(count, one), i);
      Value *root = position(zero), *moved = position(last);
      b.ifThen(b.cmp("gt", last, zero), [&] { sift(zero, last, moved); });
      setPosition(last, root);
    });
    b.forLoop(zero, count, 1, [&](Value *i) {
      Value *at = k.advance(from, position(i), x.layout->strides[axis]);
      b.store(b.load(k.operands[0], at), k.results[0],
              k.advance(to, i, values.layout->strides[axis]));
    });
  }

  Dim emit() {
    return emitLines(k, axis, {&x, &values, &indices}, [&](const Values &at) {
      from = at[0], to = at[1], heap = at[2];
      Value *count = k.size(values.type.dim(axis)), *extent = k.size(x.type.dim(axis));
      // An empty result has no root to compare with.
      b.ifThen(b.cmp("gt", count, b.index(0)), [&] {
        b.ifElse(
            b.cmp("le", count, extent), {},
            [&] {
              line();
              return Values{};
            },
            [&] {
              k.fail(CAMEO_FAULT_INDEX_RANGE, k.op.loc, count, extent);
              return Values{};
            });
      });
    });
  }
};

} // namespace

Result<Dim> emitTopK(KernelFunc &k) { return TopK(k).emit(); }

} // namespace cameo
