// See Pieces.h.
#include "lowering/emit/Pieces.h"

#include <algorithm>

namespace cameo {

namespace {

using Values = LoopBuilder::Values;

struct RowSplitter {
  KernelFunc &k;
  const Contraction &c;
  Value *to;
  LoopBuilder &b = k.b;
  Value *piece = k.size(c.pieceOfRow());

  /// So many elements of each piece, or as many as the mask has.
  void elements(Value *from, Value *at, Value *i, Value *mask) {
    Value *rest = b.load(from, i, kPanel, mask), *place = b.add(at, i);
    for (int64_t p = 0; p < kPieces; p++) {
      Value *rounded = b.castForDot(rest);
      b.store(rounded, to, place, mask);
      if (p + 1 < kPieces) {
        rest = b.sub(rest, b.cast(rounded, DType::F32));
        place = b.add(place, piece);
      }
    }
  }

  /// Those of a tap; `at` is where they go in the first piece.
  void tap(Value *from, Value *at) {
    Value *count = k.size(c.wholeSteps()), *rest = b.rem(count, b.index(kPanel));
    Value *whole = b.sub(count, rest);
    b.forLoop(b.index(0), whole, kPanel, [&](Value *i) { elements(from, at, i, nullptr); });
    if (b.constantIndex(rest) != 0)
      b.forLoop(whole, count, kPanel,
                [&](Value *i) { elements(from, at, i, b.laneMask(b.sub(count, i), kPanel)); });
  }

  void taps(size_t loop, Value *from, Value *number) {
    if (loop == c.taps.size())
      return tap(from, b.mul(number, k.size(c.wholeSteps())));
    Value *extent = b.index(c.taps[loop].extent);
    b.forLoop(b.index(0), extent, 1, [&](Value *t) {
      taps(loop + 1, b.offset(from, k.advance(b.index(0), t, c.taps[loop].stride)),
           b.add(b.mul(number, extent), t));
    });
  }
};

/// The sums of a row by a panel, in vectors.
struct RowSums {
  LoopBuilder &b;
  const PieceFactors &factors;
  Value *panel; // of weights

  /// Element `j` of a step of the weights of all columns, from `at` on.
  Value *weights(Value *at, int64_t j) {
    std::vector<int64_t> lanes(kPanel);
    for (int64_t column = 0; column < kPanel; column++)
      lanes[static_cast<size_t>(column)] = 2 * column + j;
    Value *sum = nullptr;
    for (int64_t p = 0; p < kPieces; p++) {
      Value *step = b.load(panel, at, 2 * kPanel);
      Value *piece = b.cast(b.shuffle(step, step, lanes), DType::F32);
      sum = sum ? b.add(sum, piece) : piece;
      at = b.add(at, factors.wPiece);
    }
    return sum;
  }

  /// Carried: the sums, and the position in the panel.
  Values reduce(size_t loop, Value *row, const Values &carried) {
    if (loop == factors.taps.size())
      return b.forLoop(b.index(0), factors.depth, 2, carried, [&](Value *i, const Values &now) {
        Value *sum = now[0];
        for (int64_t j = 0; j < 2; j++)
          sum = b.mad(b.splat(b.load(row, b.add(i, b.index(j))), kPanel), weights(now[1], j), sum);
        return Values{sum, b.add(now[1], b.index(2 * kPanel))};
      });
    auto [extent, stride] = factors.taps[loop];
    return b.forLoop(b.index(0), extent, 1, carried, [&](Value *t, const Values &now) {
      return reduce(loop + 1, b.offset(row, b.mul(t, stride)), now);
    });
  }
};

/// A sum of zeros, and a NaN where one of so many elements is not finite. Several sums hide the
/// latency of an addition.
Value *zeroIfFinite(LoopBuilder &b, Value *tile, int64_t elements) {
  constexpr int64_t most = 4;
  Value *zero = b.constant(Type::vector(DType::F32, kPanel), 0);
  int64_t together = std::min(most, elements / kPanel), step = together * kPanel;
  auto add = [&](Value *from, const Values &sums, int64_t count) {
    Values next = sums;
    for (int64_t v = 0; v < count; v++)
      next[v] = b.mad(b.load(tile, b.add(from, b.index(v * kPanel)), kPanel), zero, next[v]);
    return next;
  };
  int64_t whole = elements / step * step;
  Values sums = b.forLoop(b.index(0), b.index(whole), step, Values(together, zero),
                          [&](Value *i, const Values &now) { return add(i, now, together); });
  sums = add(b.index(whole), sums, (elements - whole) / kPanel);
  for (int64_t v = 1; v < together; v++)
    sums[0] = b.add(sums[0], sums[v]);
  return b.reduceLanes(sums[0], "add");
}

} // namespace

void splitRow(KernelFunc &k, const Contraction &c, Value *from, Value *to) {
  RowSplitter{k, c, to}.taps(0, from, k.b.index(0));
}

void sumAgainUnlessFinite(LoopBuilder &b, const MicroShape &shape, const PieceFactors &factors,
                          Value *tile) {
  int64_t width = shape.panels * kPanel, rows = shape.rows * shape.lines;
  Value *check = zeroIfFinite(b, tile, rows * width);
  auto sumAgain = [&](Value *row, Value *input) {
    b.forLoop(b.index(0), b.index(shape.panels), 1, [&](Value *p) {
      RowSums sums{b, factors, b.offset(factors.w, b.mul(p, factors.panelStride))};
      Value *zero = b.constant(Type::vector(DType::F32, kPanel), 0);
      Value *sum = sums.reduce(0, input, {zero, b.index(0)})[0];
      b.store(sum, tile, b.add(b.mul(row, b.index(width)), b.mul(p, b.index(kPanel))));
    });
  };
  b.ifThen(b.cmp("ne", check, b.constant(Type::scalar(DType::F32), 0)), [&] {
    b.forLoop(b.index(0), b.index(shape.lines), 1, [&](Value *line) {
      Value *first = factors.aLine ? b.offset(factors.a, b.mul(line, factors.aLine)) : factors.a;
      b.forLoop(b.index(0), b.index(shape.rows), 1, [&](Value *r) {
        sumAgain(b.add(b.mul(line, b.index(shape.rows)), r),
                 b.offset(first, b.mul(r, factors.aRow)));
      });
    });
  });
}

} // namespace cameo
