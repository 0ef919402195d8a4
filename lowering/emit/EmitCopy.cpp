// Copies. Where elements are next to each other along one loop in x and along another in the
// result, blocks of so many vectors of as many lanes are transposed in registers: whole vectors are
// read and written, and each line of the cache is touched once.
#include "ir/kernel/Elements.h"
#include "lowering/emit/Interleave.h"
#include "lowering/emit/Nest.h"

#include <algorithm>
#include <bit>

namespace cameo {
namespace {

using Values = LoopBuilder::Values;

/// Iterations of a loop: from `first` on a vector's, or `count`, which is fewer.
struct Piece {
  Value *first, *count;
};

struct BlockCopy {
  KernelFunc &k;
  LoopBuilder &b = k.b;
  CopyAttrs attrs = attrsOf<CopyAttrs>(k.op);
  int64_t lanes = attrs.plan.lanes;
  Nest nest = elementNest(k.op);
  NestAxis last = nest.axes.end()[-1], beforeLast = nest.axes.end()[-2];
  bool isResultsLast = last.strides[0] == Dim(1);
  // Along which elements are next to each other in the result, and in x.
  NestAxis ofResult = isResultsLast ? last : beforeLast, ofX = isResultsLast ? beforeLast : last;
  Value *to = b.retype(k.results[0], bitsOf(k.op.result()->type.dtype()));
  Value *from = b.retype(k.operands[0], bitsOf(k.op.result()->type.dtype()));

  void pieces(Value *count, const std::function<void(const Piece &)> &body) {
    Value *rest = b.rem(count, b.index(lanes)), *whole = b.sub(count, rest);
    if (b.constantIndex(whole) != 0)
      b.forLoop(b.index(0), whole, lanes, [&](Value *first) { body({first, nullptr}); });
    if (b.constantIndex(rest) == 0)
      return;
    auto tail = [&] { body({whole, rest}); };
    if (b.constantIndex(rest))
      return tail();
    b.ifThen(b.cmp("gt", rest, b.index(0)), tail);
  }

  /// Runs write for each of a piece's iterations, which may be known at run time only.
  void each(const Piece &piece, const std::function<void(int64_t)> &write) {
    std::optional<int64_t> known = piece.count ? b.constantIndex(piece.count) : lanes;
    write(0);
    for (int64_t i = 1; i < known.value_or(lanes); i++)
      if (known)
        write(i);
      else
        b.ifThen(b.cmp("lt", b.index(i), piece.count), [&] { write(i); });
  }

  Value *maskOf(const Piece &piece) {
    return piece.count ? b.laneMask(piece.count, lanes) : nullptr;
  }

  /// `x`, `y`: offsets of the block's first element; rows are along `ofResult`.
  void block(Value *x, Value *y, const Piece &rows, const Piece &columns) {
    std::optional<int64_t> known = rows.count ? b.constantIndex(rows.count) : lanes;
    Value *mask = maskOf(columns);
    Values read;
    for (int64_t i = 0; i < known.value_or(lanes); i++) {
      auto load = [&] {
        return Values{b.load(from, k.advance(x, b.index(i), ofResult.strides[1]), lanes, mask)};
      };
      if (known || i == 0)
        read.push_back(load()[0]);
      else
        read.push_back(b.ifElse(b.cmp("lt", b.index(i), rows.count), {read[0]->type}, load,
                                [&] { return Values{read[0]}; })[0]);
    }
    bool isDense = known && ofX.strides[0] == Dim(*known);
    auto height = isDense ? std::bit_ceil(read.size()) : static_cast<size_t>(lanes);
    read.resize(height, read.back()); // what is not written may be anything
    Values columnsOf = interleaved(b, std::move(read));
    if (isDense)
      return dense(columnsOf, y, *known, columns);
    Value *some = maskOf(rows);
    each(columns, [&](int64_t i) {
      b.store(columnsOf[i], to, k.advance(y, b.index(i), ofX.strides[0]), some);
    });
  }

  /// Writes columns of `height` elements that are next to each other in the result. In a vector,
  /// the elements of a column are followed by what fills them up to a power of two.
  void dense(const Values &vectors, Value *y, int64_t height, const Piece &columns) {
    int64_t step = std::ssize(vectors), numColumns = lanes / step, size = numColumns * height;
    std::vector<int64_t> packed(lanes, 0);
    for (int64_t i = 0; i < size; i++)
      packed[i] = i / height * step + i % height;
    for (int64_t v = 0; v < step; v++) {
      Value *vector = height == step ? vectors[v] : b.shuffle(vectors[v], vectors[v], packed);
      Value *count = b.index(size);
      if (columns.count) {
        Value *left = b.sub(columns.count, b.index(v * numColumns));
        count = b.min(count, b.mul(left, b.index(height)));
      }
      Value *mask = b.constantIndex(count) == lanes ? nullptr : b.laneMask(count, lanes);
      b.store(vector, to, b.add(y, b.index(v * size)), mask);
    }
  }

  /// The same, an element at a time.
  void elements(Value *x, Value *y, const Piece &rows, const Piece &columns) {
    auto count = [&](const Piece &piece) { return piece.count ? piece.count : b.index(lanes); };
    b.forLoop(b.index(0), count(columns), 1, [&](Value *c) {
      b.forLoop(b.index(0), count(rows), 1, [&](Value *r) {
        Value *element = b.load(from, k.advance(b.add(x, c), r, ofResult.strides[1]));
        b.store(element, to, k.advance(b.add(y, r), c, ofX.strides[0]));
      });
    });
  }

  void copy(const NestRun &run, const Piece &rows, const Piece &columns) {
    Value *y = k.advance(b.add(run.offsets[0], rows.first), columns.first, ofX.strides[0]);
    Value *x = k.advance(b.add(run.offsets[1], columns.first), rows.first, ofResult.strides[1]);
    bool isTail = rows.count || columns.count;
    if (isTail && attrs.plan.tail == Tail::Scalar)
      elements(x, y, rows, columns);
    else
      block(x, y, rows, columns);
  }

  Dim emit() {
    return emitNest(
        k, nest, attrs.plan,
        [&](const NestRun &run) {
          pieces(run.count, [&](const Piece &outer) {
            pieces(k.size(beforeLast.extent), [&](const Piece &inner) {
              copy(run, isResultsLast ? outer : inner, isResultsLast ? inner : outer);
            });
          });
        },
        2);
  }
};

} // namespace

Result<Dim> emitCopy(KernelFunc &k) {
  CopyAttrs attrs = attrsOf<CopyAttrs>(k.op);
  return attrs.blocks ? BlockCopy{k}.emit() : emitElements(k, attrs.plan);
}

} // namespace cameo
