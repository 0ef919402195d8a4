// Reductions over axes, as the plan says: vectors of results, each lane of which reduces its own
// column, or vectors of parts of a result, which are combined at the end. A unit is a result, or a
// vector of them; no result depends on the units' split.
#include "lowering/emit/Nest.h"
#include "lowering/emit/RowVectors.h"

#include "ir/kernel/Reduce.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cameo {
namespace {

OpKind combinerKind(Combiner combiner) {
  switch (combiner) {
  case Combiner::Add:
    return OpKind::ScalarAdd;
  case Combiner::Mul:
    return OpKind::ScalarMul;
  case Combiner::Min:
    return OpKind::ScalarMin;
  case Combiner::Max:
    return OpKind::ScalarMax;
  }
  ICE("a combiner without an op");
}

/// The value that changes nothing when combined.
Value *identityOf(LoopBuilder &b, Combiner combiner, const Type &type) {
  if (combiner == Combiner::Add || combiner == Combiner::Mul)
    return b.constant(type, combiner == Combiner::Mul);
  bool least = combiner == Combiner::Max;
  DType dtype = type.dtype();
  if (isFloat(dtype))
    return b.constant(type, least ? -INFINITY : INFINITY);
  if (dtype == DType::Bool)
    return b.constantInt(type, least ? 0 : 1);
  int64_t bits = dtypeBytes(dtype) * 8;
  if (isUnsignedInt(dtype))
    return b.constantInt(type, least ? 0 : (bits == 64 ? -1 : (int64_t(1) << bits) - 1));
  int64_t top = bits == 64 ? std::numeric_limits<int64_t>::max() : (int64_t(1) << (bits - 1)) - 1;
  return b.constantInt(type, least ? -top - 1 : top);
}

struct Reducer {
  KernelFunc &k;
  LoopBuilder &b;
  ReduceAttrs attrs;
  std::vector<NestAxis> kept, reduced; // see ReduceLoops
  Type term;

  using Values = LoopBuilder::Values;

  explicit Reducer(KernelFunc &k) : k(k), b(k.b), attrs(attrsOf<ReduceAttrs>(k.op)) {
    term = k.op.region(0).terminator()->operand(0)->type;
    ReduceLoops loops = reduceLoops(k.op);
    kept = std::move(loops.kept), reduced = std::move(loops.reduced);
  }

  Value *termOf(Value *element) { return inlineRegion(b, k.sizes, k.op.region(0), {element})[0]; }

  Value *combine(Value *a, Value *c) { return b.binary(combinerKind(attrs.combiner), a, c); }

  void store(Value *combined, const Values &at, int64_t lanes, Value *mask) {
    Values args = {combined};
    for (int64_t e = 1; e < k.op.numOperands(); e++)
      args.push_back(kept.back().strides[1 + e] == Dim(0) || lanes == 1
                         ? b.load(k.operands[e], at[1 + e])
                         : b.stridedLoad(k.operands[e], at[1 + e],
                                         k.size(kept.back().strides[1 + e]), lanes, mask));
    Value *result = inlineRegion(b, k.sizes, k.op.region(1), args)[0];
    if (lanes > 1 && !result->type.isVector())
      result = b.splat(result, lanes);
    b.store(result, k.results[0], at[0], mask);
  }

  /// How often loop `axis` of those reduced runs: not at all where one inside it does not.
  Value *trips(size_t axis) {
    Value *count = k.size(reduced[axis].extent);
    for (size_t inner = axis + 1; inner < reduced.size(); inner++) {
      const Dim &extent = reduced[inner].extent;
      if (!extent.isConst() || extent.value() == 0)
        count = b.select(b.cmp("gt", k.size(extent), b.index(0)), count, b.index(0));
    }
    return count;
  }

  /// Reduces the loops of `reduced` from `axis` on; lanes run over kept elements.
  Value *column(size_t axis, Value *at, Value *sum, int64_t lanes, Value *mask) {
    if (axis == reduced.size())
      return combine(sum, termOf(b.load(k.operands[0], at, lanes, mask)));
    return b.forLoop(b.index(0), trips(axis), 1, {sum}, [&](Value *i, const Values &now) -> Values {
      Value *next = k.advance(at, i, reduced[axis].strides[0]);
      return {column(axis + 1, next, now[0], lanes, mask)};
    })[0];
  }

  /// Reduces one element; the innermost reduced loop is contiguous, lanes hold partial results.
  /// Several vectors of them, where there are elements enough, do not wait for each other.
  Value *row(size_t axis, Value *at, Value *sum, int64_t lanes) {
    if (axis + 1 < reduced.size())
      return b.forLoop(b.index(0), trips(axis), 1, {sum},
                       [&](Value *i, const Values &now) -> Values {
                         Value *next = k.advance(at, i, reduced[axis].strides[0]);
                         return {row(axis + 1, next, now[0], lanes)};
                       })[0];
    Value *count = k.size(reduced.back().extent);
    auto multiple = [&](int64_t step) { return b.sub(count, b.rem(count, b.index(step))); };
    auto term = [&](Value *i) { return termOf(b.load(k.operands[0], b.add(at, i), lanes)); };
    Value *whole = multiple(lanes), *rest = b.sub(count, whole);
    Value *chained = multiple(kChains * lanes);
    if (b.constantIndex(chained) != 0) {
      Values chains(kChains, identityOf(b, attrs.combiner, sum->type));
      chains[0] = sum;
      chains = combineInChains(
          b, chained, lanes, std::move(chains), [&](Value *x, Value *y) { return combine(x, y); },
          term);
      sum = combine(combine(chains[0], chains[1]), combine(chains[2], chains[3]));
    }
    sum = b.forLoop(chained, whole, lanes, {sum}, [&](Value *i, const Values &now) -> Values {
      return {combine(now[0], term(i))};
    })[0];
    if (b.constantIndex(rest) == 0)
      return sum;
    Value *mask = b.laneMask(rest, lanes);
    Value *tail = termOf(b.load(k.operands[0], b.add(at, whole), lanes, mask));
    return combine(sum, b.select(mask, tail, identityOf(b, attrs.combiner, sum->type)));
  }

  Dim emit() {
    int64_t lanes = attrs.plan.lanes;
    bool columns = lanes > 1 && attrs.plan.lanesHave == ReduceLanes::Results;
    bool rows = lanes > 1 && attrs.plan.lanesHave == ReduceLanes::Parts;
    return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
      Values steps = cells;
      Value *first = steps.back() = columns ? b.mul(cells.back(), b.index(lanes)) : cells.back();
      Values at = advanceAlong(k, kept, steps, zeroOffsets(k, kept[0].strides.size()));
      if (columns) {
        Value *mask = b.laneMask(b.sub(k.size(kept.back().extent), first), lanes);
        if (kept.back().extent.isConst() && kept.back().extent.value() % lanes == 0)
          mask = nullptr;
        Value *start = identityOf(b, attrs.combiner, Type::vector(term.dtype(), lanes));
        return store(column(0, at[1], start, lanes, mask), at, lanes, mask);
      }
      if (rows) {
        Value *start = identityOf(b, attrs.combiner, Type::vector(term.dtype(), lanes));
        return store(
            b.reduceLanes(row(0, at[1], start, lanes), std::string(wordOf(attrs.combiner))), at, 1,
            nullptr);
      }
      store(column(0, at[1], identityOf(b, attrs.combiner, term), 1, nullptr), at, 1, nullptr);
    });
  }
};

} // namespace

Result<Dim> emitReduce(KernelFunc &k) { return Reducer(k).emit(); }

} // namespace cameo
