// See MicroKernel.h. What makes it fast, measured on Zen 4 (LLVM 19): row pointers and accumulators
// are carried by the loop, k is not unrolled, and accumulators, one vector of each panel and a
// broadcast fit the registers.
#include "lowering/emit/MicroKernel.h"

#include "lowering/emit/RangeNotes.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

struct Writer {
  const MicroShape &shape;
  const MicroTensors &tensors;
  LoopBuilder &b;
  DType accumulator = tensors.accumulator;
  int64_t lanes = shape.lanes, vectors = shape.panels * (kPanel / shape.lanes); // vectors a row
  Value *a = nullptr, *aRow = nullptr, *w = nullptr, *panelStride = nullptr, *y = nullptr;
  Value *yRow = nullptr, *depth = nullptr, *columns = nullptr, *next = nullptr, *ahead = nullptr;
  Value *high = nullptr, *low = nullptr;
  std::vector<Value *> operands = {}, operandRows = {};
  std::vector<std::pair<Value *, Value *>> taps = {};
  std::vector<Value *> rows = {};  // pointers to the tile's input rows
  std::vector<Value *> range = {}; // the largest bits so far, high and low, if they are noted

  using Values = LoopBuilder::Values;

  void signature(Func &func) {
    auto pointer = [&](const Type &type) { return func.body.addArg(type); };
    auto index = [&] { return func.body.addArg(Type::index()); };
    a = pointer(tensors.a), aRow = index();
    w = pointer(tensors.w), panelStride = index();
    y = pointer(tensors.y), yRow = index();
    for (const Type &type : tensors.operands) {
      operands.push_back(pointer(type));
      operandRows.push_back(index());
    }
    if (shape.notesRange)
      high = pointer(Type::pointer(DType::I32)), low = pointer(Type::pointer(DType::U32));
    depth = index();
    for (int64_t i = 0; i < shape.tapLoops; i++) {
      Value *extent = index(), *stride = index();
      taps.push_back({extent, stride});
    }
    if (shape.masked)
      columns = index();
    if (shape.fetchesAhead)
      next = pointer(tensors.w), ahead = index();
  }

  Value *panelVector(int64_t v) const {
    return b.index(v % (kPanel / lanes) * lanes * shape.interleave);
  }

  /// The input of a row at one step, in every lane: `count` elements, and zeros up to a whole step.
  Value *input(Value *row, Value *i, int64_t count) {
    if (shape.interleave == 1)
      return b.splat(b.cast(b.load(row, i), accumulator), lanes);
    Value *elements = b.load(row, i, count);
    DType dtype = elements->type.dtype();
    Value *word = elements;
    if (count < shape.interleave) {
      ICE_UNLESS(count == 1 && dtypeBytes(dtype) == 2, "expected a step of a single half");
      word = b.cast(b.bitcast(elements, Type::scalar(DType::U16)), DType::U32);
    }
    word = b.bitcast(word, Type::scalar(accumulator));
    return b.bitcast(b.splat(word, lanes), Type::vector(dtype, lanes * shape.interleave));
  }

  Value *multiplyAdd(Value *sum, Value *x, Value *weights) {
    if (shape.interleave > 1)
      return b.dot(sum, x, weights);
    return isFloat(accumulator) ? b.mad(x, weights, sum) : b.add(sum, b.mul(x, weights));
  }

  /// One step over k: multiplies each row's `count` elements with each panel's vector.
  Values step(const std::vector<Value *> &at, Value *i, int64_t count, const Values &carried) {
    Value *weight = carried[shape.rows * vectors];
    Values sums, panel;
    for (int64_t v = 0; v < vectors; v++) {
      int64_t number = v / (kPanel / lanes);
      Value *base = b.offset(w, b.mul(b.index(number), panelStride));
      Value *elements = b.load(base, b.add(weight, panelVector(v)), lanes * shape.interleave);
      panel.push_back(shape.interleave > 1 ? elements : b.cast(elements, accumulator));
    }
    for (int64_t r = 0; r < shape.rows; r++) {
      Value *x = input(at[r], i, count);
      for (int64_t v = 0; v < vectors; v++)
        sums.push_back(multiplyAdd(carried[r * vectors + v], x, panel[v]));
    }
    sums.push_back(b.add(weight, b.index(kPanel * shape.interleave)));
    if (shape.fetchesAhead) {
      b.prefetch(next, carried.back());
      sums.push_back(b.add(carried.back(), ahead));
    }
    return sums;
  }

  /// The loops over taps, then over depth; carries the sums, the position in the panels and
  /// that in the panels to fetch.
  Values reduce(size_t tap, const std::vector<Value *> &at, const Values &carried) {
    if (tap == taps.size()) {
      auto whole = [&](Value *i, const Values &now) { return step(at, i, shape.interleave, now); };
      Values sums = b.forLoop(b.index(0), depth, shape.advance, carried, whole);
      return shape.rest > 0 ? step(at, depth, shape.rest, sums) : sums;
    }
    return b.forLoop(b.index(0), taps[tap].first, 1, carried, [&](Value *t, const Values &now) {
      Value *shift = b.mul(t, taps[tap].second);
      std::vector<Value *> moved;
      for (Value *row : at)
        moved.push_back(b.offset(row, shift));
      return reduce(tap + 1, moved, now);
    });
  }

  Value *maskOf(int64_t v) {
    return shape.masked ? b.laneMask(b.sub(columns, b.index(v * lanes)), lanes) : nullptr;
  }

  /// The epilogue of vector v of a row; `row` is its number as an index value.
  void finish(Value *sum, Value *row, int64_t v, Value *mask, const Values &hoisted) {
    Values args = {sum};
    for (size_t e = 0; e < operands.size(); e++) {
      if (hoisted[e]) {
        args.push_back(hoisted[e]);
        continue;
      }
      Value *at = b.mul(row, operandRows[e]);
      args.push_back(shape.columnOperands[e]
                         ? b.load(operands[e], b.add(at, b.index(v * lanes)), lanes, mask)
                         : b.load(operands[e], at));
    }
    Value *result = tensors.element(b, args);
    if (!result->type.isVector() && lanes > 1)
      result = b.splat(result, lanes);
    b.store(result, y, b.add(b.mul(row, yRow), b.index(v * lanes)), mask);
    if (!range.empty()) {
      RangeSoFar now = RangeSoFar{range[0], range[1]}.with(b, result, mask);
      range = {now.high, now.low};
    }
  }

  /// Epilogue operands that are the same for every row, loaded once.
  Values hoist(int64_t v, Value *mask) {
    Values hoisted(operands.size(), nullptr);
    for (size_t e = 0; e < operands.size(); e++)
      if (!shape.rowOperands[e])
        hoisted[e] = shape.columnOperands[e] ? b.load(operands[e], b.index(v * lanes), lanes, mask)
                                             : b.load(operands[e], b.index(0));
    return hoisted;
  }

  void shortEpilogue(const Values &sums) {
    for (int64_t v = 0; v < vectors; v++) {
      Value *mask = maskOf(v);
      Values hoisted = hoist(v, mask);
      for (int64_t r = 0; r < shape.rows; r++)
        finish(sums[r * vectors + v], b.index(r), v, mask, hoisted);
    }
  }

  void scratchEpilogue(const Values &sums) {
    int64_t width = vectors * lanes;
    Value *tile = b.scratch(accumulator, shape.rows * width);
    for (int64_t r = 0; r < shape.rows; r++)
      for (int64_t v = 0; v < vectors; v++)
        b.store(sums[r * vectors + v], tile, b.index(r * width + v * lanes));
    for (int64_t v = 0; v < vectors; v++) {
      Value *mask = maskOf(v);
      Values hoisted = hoist(v, mask);
      range =
          b.forLoop(b.index(0), b.index(shape.rows), 1, range, [&](Value *r, const Values &now) {
            range = now;
            Value *at = b.add(b.mul(r, b.index(width)), b.index(v * lanes));
            finish(b.load(tile, at, lanes), r, v, mask, hoisted);
            return range;
          });
    }
  }

  void plainStores(const Values &sums) {
    for (int64_t r = 0; r < shape.rows; r++)
      for (int64_t v = 0; v < vectors; v++)
        b.store(sums[r * vectors + v], y, b.add(b.mul(b.index(r), yRow), b.index(v * lanes)));
  }

  void write(Func &func) {
    signature(func);
    for (int64_t r = 0; r < shape.rows; r++)
      rows.push_back(b.offset(a, b.mul(b.index(r), aRow)));
    Type vector = lanes > 1 ? Type::vector(accumulator, lanes) : Type::scalar(accumulator);
    Value *zero = b.constant(vector, 0);
    Values sums(shape.rows * vectors, zero);
    sums.resize(sums.size() + (shape.fetchesAhead ? 2 : 1), b.index(0));
    sums = reduce(0, rows, sums);
    sums.resize(shape.rows * vectors);
    if (shape.notesRange) {
      RangeSoFar before = loadRange(b, high, low, lanes);
      range = {before.high, before.low};
    }
    if (!tensors.element)
      plainStores(sums);
    else if (shape.epilogue == EpiloguePlace::Scratch)
      scratchEpilogue(sums);
    else
      shortEpilogue(sums);
    if (shape.notesRange)
      storeRange(b, {range[0], range[1]}, high, low);
    b.ret();
  }
};

} // namespace

std::string microKernel(KernelFunc &k, const MicroShape &shape) {
  MicroTensors tensors{k.operands[0]->type,
                       k.operands[1]->type,
                       k.results[0]->type,
                       {},
                       k.op.region().arg(0)->type.dtype(),
                       [&](LoopBuilder &b, const std::vector<Value *> &args) {
                         return inlineRegion(b, k.sizes, k.op.region(), args)[0];
                       }};
  for (size_t e = 2; e < k.operands.size(); e++)
    tensors.operands.push_back(k.operands[e]->type);
  return microKernel(k, shape, tensors);
}

std::string microKernel(KernelFunc &k, const MicroShape &shape, const MicroTensors &tensors) {
  std::string name = fmt::format("tile_{}x{}", shape.rows, shape.panels * kPanel);
  return k.micro(name, [&](Func &func, LoopBuilder &b) { Writer{shape, tensors, b}.write(func); });
}

} // namespace cameo
