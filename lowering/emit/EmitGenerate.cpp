// Kernels whose elements are a function of their index (gather, pad, resize, one-hot ...). One loop
// a dim, in the order of the result's memory, as the plan cuts them.
#include "ir/kernel/Elements.h"
#include "ir/kernel/Reduce.h"
#include "lowering/build/Regions.h"
#include "lowering/emit/Nest.h"
#include "runtime/abi.h"

#include <unordered_map>

namespace cameo {
namespace {

struct Generator {
  KernelFunc &k;
  LoopBuilder &b;
  Block &region;
  std::vector<int64_t> order; // dims, outermost first
  NestPlan plan = attrsOf<GenerateAttrs>(k.op).plan;

  explicit Generator(KernelFunc &k)
      : k(k), b(k.b), region(k.op.region()), order(generateOrder(k.op)) {}

  /// A run-time test that the operand has elements, or nullptr if that is certain. A
  /// result with elements says so for dims that its own index goes through; the others may be empty
  /// (padding from nothing, gathering from an empty table) and have not even an element 0.
  Value *anyElements(Op &at, const Value &x) {
    Value *any = nullptr;
    for (int64_t i = 0; i < at.numOperands(); i++) {
      const Dim &extent = x.type.dim(i);
      if (at.operand(i)->owner() == &region || (extent.isConst() && extent.value() > 0))
        continue;
      Value *some = b.cmp("gt", k.size(extent), b.index(0));
      any = any ? b.binary(OpKind::ScalarAnd, any, some) : some;
    }
    return any;
  }

  Value *read(Op &at, const std::vector<Value *> &index, int64_t lanes, Value *mask,
              const std::unordered_map<Value *, bool> &moves) {
    int64_t number = at.attrs.getInt("operand");
    const Value &x = *k.op.operand(number);
    Value *offset = b.index(0);
    bool moving = false;
    for (size_t i = 0; i < index.size(); i++) {
      offset = k.advance(offset, index[i], x.layout->strides[i]);
      moving = moving || moves.count(at.operand(static_cast<int64_t>(i)));
    }
    auto load = [&] {
      return moving ? b.load(k.operands[number], offset, lanes, mask)
                    : b.load(k.operands[number], offset);
    };
    Value *any = anyElements(at, x);
    if (!any)
      return load();
    DType dtype = x.type.dtype();
    Type type = typeOfLanes(dtype, moving ? lanes : 1);
    return b.ifElse(
        any, {type}, [&] { return LoopBuilder::Values{load()}; },
        [&] { return LoopBuilder::Values{b.constant(type, 0)}; })[0];
  }

  /// Values of the region that move with the innermost index.
  std::unordered_map<Value *, bool> movingValues() {
    std::unordered_map<Value *, bool> moves;
    if (!order.empty())
      moves[region.arg(order.back())] = true;
    for (const std::unique_ptr<Op> &op : region.ops())
      for (Value *operand : op->operands())
        if (moves.count(operand) && op->numResults() && op->result()->type.isIndex())
          moves[op->result()] = true;
    return moves;
  }

  void element(const std::vector<Value *> &index, int64_t lanes, Value *mask,
               const std::unordered_map<Value *, bool> &moves) {
    const Value &y = *k.op.result();
    Value *to = b.index(0);
    for (size_t i = 0; i < index.size(); i++)
      to = k.advance(to, index[i], y.layout->strides[i]);
    Value *result =
        inlineRegion(b, k.sizes, region, index, [&](Op &op, const std::vector<Value *> &operands) {
          if (op.kind() == OpKind::RegionCheckIndex)
            return k.checkIndex(operands[0], operands[1], op.loc);
          if (op.kind() == OpKind::RegionRequire)
            return k.require(op, operands);
          return read(op, operands, lanes, mask, moves);
        })[0];
    if (lanes > 1 && !result->type.isVector())
      result = b.splat(result, lanes);
    b.store(result, k.results[0], to, mask);
  }

  /// The loops from number `loop` on, over what units leave of them.
  void loops(size_t loop, std::vector<Value *> &index, const UnitRun &run,
             const std::unordered_map<Value *, bool> &moves) {
    if (loop + 1 < order.size())
      return b.forLoop(b.index(0), k.size(k.op.result()->type.dim(order[loop])), 1, [&](Value *i) {
        index[order[loop]] = i;
        loops(loop + 1, index, run, moves);
      });
    emitVectorLoop(k, run.count, plan, [&](Value *i, int64_t width, Value *mask) {
      index[order.back()] = run.first ? b.add(run.first, i) : i;
      element(index, width, mask, moves);
    });
  }

  Dim emit() {
    std::unordered_map<Value *, bool> moves = movingValues();
    auto dim = [&](size_t loop) { return k.op.result()->type.dim(order[loop]); };
    auto unitLoops = static_cast<size_t>(plan.unitLoops);
    Units units = unitsOf(k.op).grid;
    return emitUnits(k, units, [&](const std::vector<Value *> &cells) {
      std::vector<Value *> index(order.size());
      for (size_t i = 0; i < unitLoops; i++)
        index[order[i]] = cells[i];
      if (order.empty())
        return element(index, 1, nullptr, moves);
      UnitRun run{nullptr, k.size(dim(order.size() - 1))};
      if (plan.unitRun > 0)
        run = unitRun(k, units.axes().back(), cells.back());
      loops(unitLoops, index, run, moves);
    });
  }
};

} // namespace

Result<Dim> emitGenerate(KernelFunc &k) { return Generator(k).emit(); }

Result<Dim> emitArgReduce(KernelFunc &k) {
  LoopBuilder &b = k.b;
  const Value &x = *k.op.operand(0);
  ArgReduceAttrs attrs = attrsOf<ArgReduceAttrs>(k.op);
  bool largest = attrs.which == Extreme::Max, last = attrs.selectLast;
  std::string pred = largest ? (last ? "ge" : "gt") : (last ? "le" : "lt");
  DType work = workType(x.type.dtype());
  Dim extent = x.type.dim(attrs.axis);
  Value *empty =
      extent.isConst() && extent.value() > 0 ? nullptr : b.cmp("eq", k.size(extent), b.index(0));
  auto line = [&](Value *from, Value *to) {
    Value *first = b.cast(b.load(k.operands[0], from), work);
    LoopBuilder::Values best = b.forLoop(
        b.index(1), k.size(extent), 1, {first, b.index(0)},
        [&](Value *i, const LoopBuilder::Values &now) -> LoopBuilder::Values {
          Value *at = k.advance(from, i, x.layout->strides[attrs.axis]);
          Value *element = b.cast(b.load(k.operands[0], at), work);
          Value *better = b.cmp(pred, element, now[0]);
          if (isFloat(work)) {
            // NaN is the extreme of a line, the least as well as the largest.
            Value *isNaN = b.cmp("ne", element, element);
            Value *first =
                last ? isNaN : b.binary(OpKind::ScalarAnd, isNaN, b.cmp("eq", now[0], now[0]));
            better = b.binary(OpKind::ScalarOr, better, first);
          }
          return {b.select(better, element, now[0]), b.select(better, i, now[1])};
        });
    b.store(b.cast(best[1], DType::I64), k.results[0], to);
  };
  return emitLines(k, attrs.axis, {&x, k.op.result()}, [&](const std::vector<Value *> &at) {
    Value *from = at[0], *to = at[1];
    if (!empty)
      return line(from, to);
    b.ifElse(empty, [&] { k.fail(CAMEO_FAULT_EMPTY, k.op.loc); }, [&] { line(from, to); });
  });
}

Result<Dim> emitScan(KernelFunc &k) {
  LoopBuilder &b = k.b;
  const Value &x = *k.op.operand(0), &y = *k.op.result();
  ScanAttrs attrs = attrsOf<ScanAttrs>(k.op);
  bool product = attrs.combiner == Combiner::Mul;
  DType dtype = x.type.dtype(), work = workType(dtype);
  return emitLines(k, attrs.axis, {&x, k.op.result()}, [&](const std::vector<Value *> &at) {
    Value *from = at[0], *to = at[1];
    Value *extent = k.size(x.type.dim(attrs.axis));
    Value *start = b.constant(Type::scalar(work), product);
    b.forLoop(b.index(0), extent, 1, {start},
              [&](Value *step, const LoopBuilder::Values &now) -> LoopBuilder::Values {
                Value *i = attrs.reverse ? b.sub(b.sub(extent, b.index(1)), step) : step;
                Value *at = k.advance(from, i, x.layout->strides[attrs.axis]);
                Value *element = b.cast(b.load(k.operands[0], at), work);
                Value *next = product ? b.mul(now[0], element) : b.add(now[0], element);
                b.store(b.cast(attrs.exclusive ? now[0] : next, dtype), k.results[0],
                        k.advance(to, i, y.layout->strides[attrs.axis]));
                return {next};
              });
  });
}

} // namespace cameo
