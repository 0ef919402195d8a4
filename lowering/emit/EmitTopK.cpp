// The first k elements of a line in order, and their positions: k entries are chosen, then sorted
// in place. No memory but the result's. A line is a unit.
//
// Where k is a small part of the line, a heap of k entries, the last in order at its root, takes
// every element that comes before the root. Where it is a large one, most elements would move
// entries of the heap; then the k-th key is searched for by halving the range of keys and counting,
// in vectors, how many are in the lower half. Each step halves roughly the keys that are left, so
// there are about as many steps as the length of the line has bits. On Zen 5, 300 of 3,234 elements
// take 15 us so, and 31 with a heap.
//
// The sort is merge exchange (Knuth, "The Art of Computer Programming", 5.2.2, algorithm M): which
// entries it compares does not depend on the data. So it has no branches to guess and no loads that
// wait for comparisons, which cost more than its k log k log k steps.
//
// An entry stands where the position will. Of elements of at most 32 bits it is a key, the element
// and its position in one number whose order is theirs, else the position alone.
#include "ir/kernel/Reduce.h"
#include "lowering/build/Regions.h"
#include "lowering/emit/Nest.h"
#include "lowering/plan/Loops.h"
#include "runtime/abi.h"

#include <array>

namespace cameo {
namespace {

struct TopK {
  KernelFunc &k;
  LoopBuilder &b;
  const Value &x, &values, &indices;
  const int64_t axis;
  const bool largest, hasKeys;
  const int64_t lanes;
  Value *from = nullptr, *to = nullptr, *heap = nullptr; // offsets of the line

  using Values = LoopBuilder::Values;

  explicit TopK(KernelFunc &k)
      : k(k), b(k.b), x(*k.op.operand(0)), values(*k.op.result(0)), indices(*k.op.result(1)),
        axis(attrsOf<TopKAttrs>(k.op).axis), largest(attrsOf<TopKAttrs>(k.op).largest),
        hasKeys(cameo::hasKeys(k.op)), lanes(attrsOf<TopKAttrs>(k.op).lanes) {}

  /// Element i of the line, or a vector of elements from there, as a type that compares.
  Value *element(Value *i, int64_t width = 1) {
    return widened(b, b.load(k.operands[0], k.advance(from, i, x.layout->strides[axis]), width));
  }
  Value *slot(Value *i) { return k.advance(heap, i, indices.layout->strides[axis]); }
  Value *entry(Value *i) {
    Value *entry = b.load(k.results[1], slot(i));
    return hasKeys ? entry : b.toIndex(entry);
  }
  void setEntry(Value *i, Value *entry) {
    b.store(b.cast(entry, DType::I64), k.results[1], slot(i));
  }

  Value *wide(int64_t value) { return b.constantInt(Type::scalar(DType::I64), value); }

  /// An integer of 32 bits whose order is the element's. Both zeros have one; NaN has the last.
  Value *ordered(Value *element) {
    if (!isFloat(element->type.dtype()))
      return b.cast(element, DType::I32);
    Type number = sameLanes(element->type, DType::I32);
    Value *bits = b.bitcast(b.add(element, b.constant(element->type, 0)), number);
    Value *sign = b.binary(OpKind::ScalarShr, bits, b.constantInt(number, 31));
    Value *flips = b.binary(OpKind::ScalarAnd, sign, b.constantInt(number, INT32_MAX));
    return b.select(b.cmp("ne", element, element), b.constantInt(number, INT32_MAX),
                    b.binary(OpKind::ScalarXor, bits, flips));
  }

  /// An integer that is the smaller, the earlier the element comes in the result.
  Value *keyOf(Value *i, int64_t width = 1) {
    Value *order = ordered(element(i, width));
    return largest ? b.unary(OpKind::ScalarNot, order) : order;
  }

  Value *entryWith(Value *key, Value *i) {
    Value *high = b.binary(OpKind::ScalarShl, b.cast(key, DType::I64), wide(32));
    return b.binary(OpKind::ScalarOr, high, b.cast(i, DType::I64));
  }

  Value *entryOf(Value *i) { return hasKeys ? entryWith(keyOf(i), i) : i; }

  Value *positionOf(Value *entry) {
    return hasKeys ? b.toIndex(b.binary(OpKind::ScalarAnd, entry, wide(kMostWithKeys))) : entry;
  }

  /// Whether the element of entry p comes before that of q in the result.
  Value *before(Value *p, Value *q) {
    if (hasKeys)
      return b.cmp("lt", p, q);
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

  Value *oneIf(Value *condition) { return b.toIndex(b.cast(condition, DType::I64)); }

  /// Folds the keys of the line: step(so far, keys) with vectors of them, then with single ones,
  /// from `combine`, which makes one number of a vector's, on.
  Value *overKeys(int64_t neutral, const std::string &combine,
                  const std::function<Value *(Value *, Value *)> &step) {
    Type number = Type::scalar(DType::I32);
    Value *extent = k.size(x.type.dim(axis));
    Value *whole = b.sub(extent, b.rem(extent, b.index(lanes)));
    Value *start = b.splat(b.constantInt(number, neutral), lanes);
    auto stepBy = [&](int64_t width) {
      return [&, width](Value *i, const Values &now) -> Values {
        return {step(now[0], keyOf(i, width))};
      };
    };
    Value *vector = b.forLoop(b.index(0), whole, lanes, {start}, stepBy(lanes))[0];
    return b.forLoop(whole, extent, 1, {b.reduceLanes(vector, combine)}, stepBy(1))[0];
  }

  /// How many keys of the line are `bound` at most.
  Value *countUpTo(Value *bound) {
    return b.toIndex(overKeys(0, "add", [&](Value *count, Value *keys) {
      Value *limit = keys->type.isVector() ? b.splat(bound, lanes) : bound;
      Value *one = b.constantInt(keys->type, 1);
      return b.select(b.cmp("le", keys, limit), b.add(count, one), count);
    }));
  }

  /// A key that `count` keys of the line, or more with some equal to it, do not exceed.
  Value *boundOf(Value *count) {
    auto extreme = [&](bool least) {
      auto step = [&](Value *so, Value *keys) { return least ? b.min(so, keys) : b.max(so, keys); };
      Value *key = overKeys(least ? INT32_MAX : INT32_MIN, least ? "min" : "max", step);
      return b.cast(key, DType::I64);
    };
    auto isOpen = [&](const Values &now) { return b.cmp("lt", now[0], now[1]); };
    auto halve = [&](const Values &now) -> Values {
      Value *half = b.binary(OpKind::ScalarShr, b.sub(now[1], now[0]), wide(1));
      Value *middle = b.add(now[0], half);
      Value *found = countUpTo(b.cast(middle, DType::I32));
      Value *high = b.select(b.cmp("ge", found, count), middle, now[1]);
      Value *low = b.select(b.cmp("lt", found, count), b.add(middle, wide(1)), now[0]);
      return {b.select(b.cmp("eq", found, count), middle, low), high};
    };
    return b.cast(b.whileLoop({extreme(true), extreme(false)}, isOpen, halve)[0], DType::I32);
  }

  /// Makes entries of the `count` first elements in order, not in their order. Those below the
  /// bound come from the front, those equal to it, of which the first in the line count, from the
  /// back.
  void chooseByKey(Value *count) {
    Value *bound = boundOf(count), *extent = k.size(x.type.dim(axis));
    b.forLoop(b.index(0), extent, 1, {b.index(0), count}, [&](Value *i, const Values &now) {
      auto [front, back] = std::array{now[0], now[1]};
      Value *key = keyOf(i), *isBelow = b.cmp("lt", key, bound);
      Value *hasRoom = b.cmp("lt", front, back);
      Value *isEqual = b.binary(OpKind::ScalarAnd, b.cmp("eq", key, bound), hasRoom);
      Value *before = b.sub(back, b.index(1));
      b.ifThen(b.binary(OpKind::ScalarOr, isBelow, isEqual),
               [&] { setEntry(b.select(isBelow, front, before), entryWith(key, i)); });
      // One below the bound takes the place of the last equal one where there is no room.
      Value *next = b.add(front, oneIf(isBelow));
      return Values{next, b.max(b.select(isEqual, before, back), next)};
    });
  }

  /// Puts `held` into the heap of `size` entries, from `start` down until no child comes after.
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
          // The later of two children; a lone one stands for both. Sums are no branches, as what
          // selects may become, and nobody could guess these.
          Value *other = b.add(left, oneIf(b.cmp("lt", right, size)));
          Value *child = b.add(left, oneIf(before(entry(left), entry(other))));
          Value *last = entry(child);
          Value *sinks = before(held, last);
          b.ifThen(sinks, [&] { setEntry(now[0], last); });
          return {b.select(sinks, child, now[0]), sinks};
        });
    setEntry(end[0], held);
  }

  /// Puts two entries in order.
  void exchange(Value *i, Value *j) {
    Value *p = entry(i), *q = entry(j);
    if (hasKeys) {
      setEntry(i, b.min(p, q));
      return setEntry(j, b.max(p, q));
    }
    Value *isSorted = before(p, q);
    setEntry(i, b.select(isSorted, p, q));
    setEntry(j, b.select(isSorted, q, p));
  }

  /// Exchanges entries i and i + d for all i whose bit p is that of r, which is 0 or p.
  void exchangeAll(Value *count, Value *p, Value *r, Value *d) {
    Value *end = b.sub(count, d), *step = b.mul(p, b.index(2));
    Value *runs = b.div(b.sub(b.add(b.sub(end, r), step), b.index(1)), step);
    b.forLoop(b.index(0), runs, 1, [&](Value *run) {
      Value *first = b.add(r, b.mul(run, step));
      b.forLoop(first, b.min(b.add(first, p), end), 1, [&](Value *i) { exchange(i, b.add(i, d)); });
    });
  }

  void sort(Value *count) {
    Value *zero = b.index(0), *two = b.index(2);
    auto isBelow = [&](const Values &now) { return b.cmp("lt", b.mul(now[0], two), count); };
    auto twice = [&](const Values &now) -> Values { return {b.mul(now[0], two)}; };
    Value *top = b.whileLoop({b.index(1)}, isBelow, twice)[0];
    b.whileLoop(
        {top, top, zero, top}, // p, q, r and d
        [&](const Values &now) { return b.cmp("gt", now[0], zero); },
        [&](const Values &now) -> Values {
          Value *p = now[0], *q = now[1];
          exchangeAll(count, p, now[2], now[3]);
          Value *isLast = b.cmp("eq", q, p), *half = b.div(p, two);
          return {b.select(isLast, half, p), b.select(isLast, top, b.div(q, two)),
                  b.select(isLast, zero, p), b.select(isLast, half, b.sub(q, p))};
        });
  }

  void chooseAll(Value *count) {
    b.forLoop(b.index(0), count, 1, [&](Value *i) { setEntry(i, entryOf(i)); });
  }

  /// As chooseByKey.
  void chooseByHeap(Value *count) {
    Value *extent = k.size(x.type.dim(axis)), *zero = b.index(0), *one = b.index(1);
    chooseAll(count);
    Value *half = b.div(count, b.index(2));
    b.forLoop(zero, half, 1, [&](Value *i) {
      Value *start = b.sub(b.sub(half, one), i);
      sift(start, count, entry(start));
    });
    b.forLoop(count, extent, 1, [&](Value *i) {
      Value *candidate = entryOf(i);
      b.ifThen(before(candidate, entry(zero)), [&] { sift(zero, count, candidate); });
    });
  }

  void line() {
    Value *count = k.size(values.type.dim(axis)), *extent = k.size(x.type.dim(axis));
    Value *part = b.mul(count, b.index(kPartOfLine)), *many = b.index(kManyEntries);
    auto byHeap = [&] { chooseByHeap(count); };
    auto byKey = [&] { chooseByKey(count); };
    auto ofPart = [&] { ifAtMost(many, count, byKey, byHeap); };
    auto some = [&] { lanes > 1 ? ifAtMost(extent, part, ofPart, byHeap) : byHeap(); };
    ifAtMost(extent, count, [&] { chooseAll(count); }, some);
    sort(count);
    b.forLoop(b.index(0), count, 1, [&](Value *i) {
      Value *position = positionOf(entry(i));
      Value *at = k.advance(from, position, x.layout->strides[axis]);
      b.store(b.load(k.operands[0], at), k.results[0],
              k.advance(to, i, values.layout->strides[axis]));
      setEntry(i, position);
    });
  }

  /// Where a <= c one, else the other; only that one where both numbers are known.
  void ifAtMost(Value *a, Value *c, const std::function<void()> &then,
                const std::function<void()> &otherwise) {
    std::optional<int64_t> x = b.constantIndex(a), y = b.constantIndex(c);
    if (x && y)
      return *x <= *y ? then() : otherwise();
    b.ifElse(b.cmp("le", a, c), then, otherwise);
  }

  void orFail(Value *holds, int64_t fault, Value *a, Value *limit,
              const std::function<void()> &then) {
    b.ifElse(holds, then, [&] { k.fail(fault, k.op.loc, a, limit); });
  }

  Dim emit() {
    return emitLines(k, axis, {&x, &values, &indices}, [&](const Values &at) {
      from = at[0], to = at[1], heap = at[2];
      Value *count = k.size(values.type.dim(axis)), *extent = k.size(x.type.dim(axis));
      // An empty result has no root to compare with.
      b.ifThen(b.cmp("gt", count, b.index(0)), [&] {
        orFail(b.cmp("le", count, extent), CAMEO_FAULT_INDEX_RANGE, count, extent, [&] {
          if (!hasKeys || x.type.dim(axis).isConst())
            return line();
          Value *most = b.index(kMostWithKeys);
          orFail(b.cmp("le", extent, most), CAMEO_FAULT_VALUE, extent, most, [&] { line(); });
        });
      });
    });
  }
};

} // namespace

Result<Dim> emitTopK(KernelFunc &k) { return TopK(k).emit(); }

} // namespace cameo
