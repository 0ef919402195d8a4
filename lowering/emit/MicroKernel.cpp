// See MicroKernel.h. What makes it fast, measured on Zen 4 (LLVM 19): row pointers and accumulators
// are carried by the loop, k is not unrolled, and accumulators, one vector of each panel and a
// broadcast fit the registers.
#include "lowering/emit/MicroKernel.h"

#include "lowering/build/Units.h"
#include "lowering/emit/Pieces.h"
#include "lowering/emit/RangeNotes.h"
#include "lowering/emit/TileRegisters.h"

#include <algorithm>
#include <fmt/format.h>

namespace cameo {
namespace {

// The most steps that a tile of few multiply-adds fetches its weights ahead: a page.
constexpr int64_t kMostSteps = 64;

struct Writer {
  const MicroShape &shape;
  const MicroTensors &tensors;
  LoopBuilder &b;
  DType accumulator = tensors.accumulator;
  int64_t lanes = shape.lanes, vectors = shape.panels * (kPanel / shape.lanes); // vectors a row
  // While products are added, vectors are of lanes columns of a row, or of 2x2 matrices.
  bool areMatrices = shape.interleave == kMatrixDepth;
  int64_t side = areMatrices ? 2 : 1, width = areMatrices ? 2 : lanes;
  int64_t lines = ceilDiv(shape.rows, side), lineVectors = shape.panels * (kPanel / width);
  Value *a = nullptr, *aRow = nullptr, *w = nullptr, *panelStride = nullptr, *y = nullptr;
  Value *yRow = nullptr, *depth = nullptr, *columns = nullptr, *next = nullptr, *ahead = nullptr;
  Value *aLine = nullptr, *yLine = nullptr, *high = nullptr, *low = nullptr;
  Value *pieces = nullptr, *pieceRow = nullptr, *pieceLine = nullptr, *piece = nullptr;
  std::vector<Value *> operands = {}, operandRows = {}, operandLines = {};
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
    int64_t firstOperand = std::ssize(func.body.args()), result = firstOperand - 2;
    for (const Type &type : tensors.operands) {
      operands.push_back(pointer(type));
      operandRows.push_back(index());
    }
    if (!shape.overwritten.empty()) {
      std::vector<int64_t> sameMemory = {result};
      for (int64_t e : shape.overwritten)
        sameMemory.push_back(firstOperand + 2 * e);
      func.attrs.set("may_alias", sameMemory);
    }
    if (shape.lines > 1) {
      aLine = index(), yLine = index();
      for (size_t e = 0; e < operands.size(); e++)
        operandLines.push_back(index());
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
    if (shape.pieces > 1) {
      pieces = pointer(Type::pointer(DType::BF16));
      pieceRow = index(), pieceLine = index(), piece = index();
    }
  }

  Value *panelVector(int64_t v, int64_t more) const {
    return b.index(v % (kPanel / width) * width * shape.interleave + more);
  }

  /// The input of a row at the steps from i on: for each, what it multiplies, in every lane.
  Values inputs(Value *row, Value *i, int64_t steps) {
    Value *elements = b.load(row, i, steps * shape.interleave);
    DType dtype = elements->type.dtype(), word = areBytePairs() ? DType::I16 : accumulator;
    Type words = steps > 1 ? Type::vector(word, steps) : Type::scalar(word);
    Value *all = shape.interleave > 1 ? b.bitcast(elements, words) : b.cast(elements, accumulator);
    Values each;
    for (int64_t s = 0; s < steps; s++) {
      Value *one =
          steps > 1 ? b.shuffle(all, all, std::vector<int64_t>(lanes, s)) : b.splat(all, lanes);
      bool isWord = shape.interleave > 1;
      each.push_back(isWord ? b.bitcast(one, Type::vector(dtype, lanes * shape.interleave)) : one);
    }
    return each;
  }

  /// The same of two rows, which are below each other in a matrix.
  Values matrices(Value *first, Value *second, Value *i, int64_t steps) {
    int64_t count = steps * kMatrixDepth;
    Value *upper = b.load(first, i, count), *lower = b.load(second, i, count);
    Values each;
    for (int64_t s = 0; s < steps; s++) {
      std::vector<int64_t> from(2 * kMatrixDepth);
      for (int64_t k = 0; k < kMatrixDepth; k++) {
        from[k] = s * kMatrixDepth + k;
        from[kMatrixDepth + k] = count + from[k];
      }
      each.push_back(b.shuffle(upper, lower, from));
    }
    return each;
  }

  /// Of a row, or two. The last of an odd number is there twice.
  Values lineInput(const std::vector<Value *> &at, int64_t line, Value *i, int64_t steps) {
    if (!areMatrices)
      return inputs(at[line], i, steps);
    return matrices(at[2 * line], at[std::min(2 * line + 1, shape.rows - 1)], i, steps);
  }

  /// The vectors of rows from those of matrices.
  Values rowSums(const Values &sums) {
    if (!areMatrices)
      return sums;
    Values each;
    for (int64_t r = 0; r < shape.rows; r++)
      for (int64_t v = 0; v < vectors; v++) {
        Value *const *pair = &sums[r / 2 * lineVectors + 2 * v];
        int64_t lane = r % 2 * 2;
        each.push_back(b.shuffle(pair[0], pair[1], {lane, lane + 1, lane + 4, lane + 5}));
      }
    return each;
  }

  /// The same of the one step that is no whole one: its only element, and zeros behind it.
  Value *lastInput(Value *row) {
    Value *element = b.load(row, depth);
    DType dtype = element->type.dtype();
    ICE_UNLESS(shape.rest == 1 && dtypeBytes(dtype) == 2, "expected a step of a single half");
    Value *word = b.cast(b.bitcast(element, Type::scalar(DType::U16)), DType::U32);
    word = b.bitcast(word, Type::scalar(accumulator));
    return b.bitcast(b.splat(word, lanes), Type::vector(dtype, lanes * shape.interleave));
  }

  /// Whether a step has two bytes of a column, whose products are added in 16 bits first.
  bool areBytePairs() const { return shape.interleave == 2 && dtypeBytes(tensors.w.dtype()) == 1; }

  /// Adds the products of a step, or of several whose products of bytes fit 16 bits together.
  Value *multiplyAdd(Value *sum, const Values &x, const Values &weights) {
    if (areBytePairs()) {
      Value *products = nullptr;
      for (size_t i = 0; i < x.size(); i++) {
        Value *a = b.cast(x[i], DType::I16), *c = b.cast(weights[i], DType::I16);
        products = products ? b.mad(a, c, products) : b.mul(a, c);
      }
      return b.dot(sum, products, b.constantInt(products->type, 1));
    }
    if (areMatrices)
      return b.matrixDot(sum, x[0], weights[0]);
    if (shape.interleave > 1)
      return b.dot(sum, x[0], weights[0]);
    return isFloat(accumulator) ? b.mad(x[0], weights[0], sum)
                                : b.add(sum, b.mul(x[0], weights[0]));
  }

  /// Vector v of the panels' weights for a step, which is `more` elements from there.
  Value *weights(Value *from, int64_t v, int64_t more) {
    Value *base = b.offset(w, b.mul(b.index(v / (kPanel / width)), panelStride));
    Value *elements = b.load(base, b.add(from, panelVector(v, more)), width * shape.interleave);
    return shape.interleave > 1 ? elements : b.cast(elements, accumulator);
  }

  /// Fetches the weights of a later step, which are a line of each panel.
  void fetchLater(Value *weight) {
    int64_t steps = std::clamp<int64_t>(shape.productsAhead / (lines * lineVectors), 1, kMostSteps);
    Value *later = b.add(weight, b.index(steps * kPanel * shape.interleave));
    for (int64_t p = 0; p < shape.panels; p++)
      b.prefetch(b.offset(w, b.mul(b.index(p), panelStride)), later, 1);
  }

  /// So many steps over k: multiply what each line has for them with each panel's vectors. A line's
  /// input comes when it is needed: all lines' would take registers.
  Values steps(const std::function<Values(int64_t)> &inputOf, int64_t count,
               const Values &carried) {
    Values sums = carried;
    std::vector<Values> lineInputs;
    Value *&weight = sums[lines * lineVectors];
    int64_t joined = shape.joinsSteps && count > 1 ? 2 : 1, step = kPanel * shape.interleave;
    for (int64_t s = 0; s < count; s += joined) {
      if (shape.productsAhead > 0)
        fetchLater(weight);
      std::vector<Values> panels(lineVectors);
      for (int64_t v = 0; v < lineVectors; v++)
        for (int64_t j = 0; j < joined; j++)
          panels[v].push_back(weights(weight, v, j * step));
      for (int64_t line = 0; line < lines; line++) {
        if (s == 0)
          lineInputs.push_back(inputOf(line));
        auto first = lineInputs[line].begin() + s;
        for (int64_t v = 0; v < lineVectors; v++) {
          Value *&sum = sums[line * lineVectors + v];
          sum = multiplyAdd(sum, {first, first + joined}, panels[v]);
        }
      }
      weight = b.add(weight, b.index(joined * step));
    }
    if (shape.fetchesAhead) {
      b.prefetch(next, sums.back(), 2);
      sums.back() = b.add(sums.back(), b.mul(ahead, b.index(count)));
    }
    return sums;
  }

  /// Steps from `from` to `end` in the input, `count` at once.
  Values along(const std::vector<Value *> &at, Value *from, Value *end, int64_t count,
               const Values &carried) {
    auto body = [&](Value *i, const Values &now) {
      return steps([&](int64_t line) { return lineInput(at, line, i, count); }, count, now);
    };
    return b.forLoop(from, end, count * shape.advance, carried, body);
  }

  /// All steps of whole interleaves.
  Values wholeSteps(const std::vector<Value *> &at, const Values &carried) {
    if (shape.inputLanes == 1)
      return along(at, b.index(0), depth, 1, carried);
    Value *rest = b.rem(depth, b.index(shape.inputLanes * shape.advance));
    Value *whole = b.sub(depth, rest);
    Values sums = along(at, b.index(0), whole, shape.inputLanes, carried);
    return along(at, whole, depth, 1, sums);
  }

  /// The loops over taps, then over depth; carries the sums, the position in the panels and
  /// that in the panels to fetch.
  Values reduce(size_t tap, const std::vector<Value *> &at, const Values &carried) {
    if (tap == taps.size()) {
      Values sums = wholeSteps(at, carried);
      if (shape.rest == 0)
        return sums;
      return steps([&](int64_t line) { return Values{lastInput(at[line])}; }, 1, sums);
    }
    return b.forLoop(b.index(0), taps[tap].first, 1, carried, [&](Value *t, const Values &now) {
      Value *shift = b.mul(t, taps[tap].second);
      std::vector<Value *> moved;
      moved.reserve(at.size());
      for (Value *row : at)
        moved.push_back(b.offset(row, shift));
      return reduce(tap + 1, moved, now);
    });
  }

  /// Columns that an epilogue works on at once, from number `first` on.
  struct Columns {
    int64_t first, count;
    Value *mask;
  };

  Columns columnsFrom(int64_t first, int64_t count) {
    Value *left = shape.masked ? b.sub(columns, b.index(first)) : nullptr;
    return {first, count, left ? b.laneMask(left, count) : nullptr};
  }

  /// Where the rows of a line begin.
  struct Line {
    Value *y;
    Values operands;
  };

  Line lineAt(int64_t line) {
    auto moved = [&](Value *pointer, Value *stride) {
      return b.offset(pointer, b.mul(b.index(line), stride));
    };
    Line at{line > 0 ? moved(y, yLine) : y, operands};
    for (size_t e = 0; line > 0 && e < operands.size(); e++)
      at.operands[e] = moved(operands[e], operandLines[e]);
    return at;
  }

  /// The epilogue of some columns of a row of a line; `row` is its number as an index value.
  void finishRow(Value *sum, const Line &line, Value *row, const Columns &at,
                 const Values &hoisted) {
    Values args = {sum};
    for (size_t e = 0; e < operands.size(); e++) {
      if (hoisted[e]) {
        args.push_back(hoisted[e]);
        continue;
      }
      Value *begin = b.mul(row, operandRows[e]);
      args.push_back(
          shape.columnOperands[e]
              ? b.load(line.operands[e], b.add(begin, b.index(at.first)), at.count, at.mask)
              : b.load(line.operands[e], begin));
    }
    Value *result = tensors.element(b, args);
    if (!result->type.isVector() && at.count > 1)
      result = b.splat(result, at.count);
    b.store(result, line.y, b.add(b.mul(row, yRow), b.index(at.first)), at.mask);
    if (!range.empty()) {
      RangeSoFar now = RangeSoFar{range[0], range[1]}.with(b, result, at.mask);
      range = {now.high, now.low};
    }
  }

  /// Epilogue operands that are the same for every row, loaded once.
  Values hoist(const Columns &at) {
    Values hoisted(operands.size(), nullptr);
    for (size_t e = 0; e < operands.size(); e++)
      if (!shape.rowOperands[e])
        hoisted[e] = shape.columnOperands[e]
                         ? b.load(operands[e], b.index(at.first), at.count, at.mask)
                         : b.load(operands[e], b.index(0));
    return hoisted;
  }

  void shortEpilogue(const Values &sums) {
    for (int64_t v = 0; v < vectors; v++) {
      Columns at = columnsFrom(v * lanes, lanes);
      Values hoisted = hoist(at);
      for (int64_t r = 0; r < shape.rows; r++)
        finishRow(sums[r * vectors + v], lineAt(0), b.index(r), at, hoisted);
    }
  }

  /// Memory for the sums of the tile, row by row.
  Value *scratchTile() {
    return b.scratch(accumulator, shape.lines * shape.rows * vectors * lanes);
  }

  Value *storedSums(const Values &sums) {
    Value *tile = scratchTile();
    for (int64_t i = 0; i < shape.rows * vectors; i++)
      b.store(sums[i], tile, b.index(i * lanes));
    return tile;
  }

  Value *sumsOfTileRegisters() {
    Value *tile = scratchTile();
    if (shape.pieces > 1)
      return sumsOfPieces(tile);
    TileFactors factors{a, aRow, aLine, w, panelStride, depth, taps, next, ahead};
    multiplyInTileRegisters(b, shape, factors, tile);
    return tile;
  }

  /// Fetches an operand that the epilogue reads row by row. The products take so long that it is
  /// there then; behind them, all rows would wait for it.
  void fetchRows(size_t operand) {
    int64_t perLine = kCacheLineBytes / dtypeBytes(operands[operand]->type.dtype());
    for (int64_t l = 0; l < shape.lines; l++) {
      Value *first = lineAt(l).operands[operand];
      b.forLoop(b.index(0), b.index(shape.rows), 1, [&](Value *r) {
        for (int64_t c = 0; c < shape.panels * kPanel; c += perLine)
          b.prefetch(first, b.add(b.mul(r, operandRows[operand]), b.index(c)), 1);
      });
    }
  }

  Value *sumsOfPieces(Value *tile) {
    for (size_t e = 0; e < operands.size(); e++)
      if (shape.rowOperands[e] && shape.columnOperands[e])
        fetchRows(e);
    Value *wPiece = b.mul(piece, b.index(kPanel)), *line = aLine ? pieceLine : nullptr;
    TileFactors factors{pieces, pieceRow, line, w, panelStride, piece, {}, next, ahead};
    factors.aPiece = piece, factors.wPiece = wPiece;
    multiplyInTileRegisters(b, shape, factors, tile);
    sumAgainUnlessFinite(b, shape, {a, aRow, aLine, w, panelStride, wPiece, depth, taps}, tile);
    return tile;
  }

  /// The epilogue of some columns of the rows of a line, whose sums are in `tile`.
  void scratchLine(Value *tile, int64_t line, const Columns &at, const Values &hoisted) {
    Line place = lineAt(line);
    range = b.forLoop(b.index(0), b.index(shape.rows), 1, range, [&](Value *r, const Values &now) {
      range = now;
      Value *from = b.add(b.mul(r, b.index(vectors * lanes)), b.index(at.first));
      finishRow(b.load(tile, from, at.count), place, r, at, hoisted);
      return range;
    });
  }

  /// Where results are narrower than sums, the epilogue takes as many as fill a vector.
  void scratchEpilogue(Value *tile) {
    int64_t width = vectors * lanes, ratio = dtypeBytes(accumulator) / dtypeBytes(y->type.dtype());
    int64_t count = std::min(kPanel, lanes * std::max<int64_t>(1, ratio));
    for (int64_t first = 0; first < width; first += count) {
      Columns at = columnsFrom(first, count);
      Values hoisted = hoist(at);
      for (int64_t line = 0; line < shape.lines; line++)
        scratchLine(b.offset(tile, b.index(line * shape.rows * width)), line, at, hoisted);
    }
  }

  void plainStores(const Values &sums) {
    for (int64_t r = 0; r < shape.rows; r++)
      for (int64_t v = 0; v < vectors; v++)
        b.store(sums[r * vectors + v], y, b.add(b.mul(b.index(r), yRow), b.index(v * lanes)));
  }

  /// All products, in vector registers.
  Values vectorSums() {
    for (int64_t r = 0; r < shape.rows; r++)
      rows.push_back(b.offset(a, b.mul(b.index(r), aRow)));
    Value *zero = b.constant(typeOfLanes(accumulator, lanes), 0);
    Values sums(lines * lineVectors, zero);
    sums.resize(sums.size() + (shape.fetchesAhead ? 2 : 1), b.index(0));
    sums = rowSums(reduce(0, rows, sums));
    sums.resize(shape.rows * vectors);
    return sums;
  }

  void finish(const Values &sums) {
    if (!tensors.element)
      plainStores(sums);
    else if (shape.epilogue == EpiloguePlace::Scratch)
      scratchEpilogue(storedSums(sums));
    else
      shortEpilogue(sums);
  }

  void write(Func &func) {
    signature(func);
    Value *tile = shape.tileSteps > 0 ? sumsOfTileRegisters() : nullptr;
    Values sums = tile ? Values() : vectorSums();
    if (shape.notesRange) {
      RangeSoFar before = loadRange(b, high, low, lanes);
      range = {before.high, before.low};
    }
    if (tile)
      scratchEpilogue(tile);
    else
      finish(sums);
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
