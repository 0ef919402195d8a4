// Images sampled at positions that come from data: GridSample, RoiAlign, MaxRoiPool. Positions and
// weights are computed in f64, once a pixel where channels are innermost, by the interpreter's
// formulas (ir/eval/graph/Sample.cpp, ir/eval/graph/Boxes.cpp), so that both read the same
// neighbours.
#include "lowering/select/Select.h"
#include "runtime/abi.h"

#include <cmath>

namespace cameo {
namespace {

/// f64 arithmetic inside a region.
struct Real {
  // Pixels that a corner of a region may be away: beyond, or with NaN, a run fails.
  static constexpr double kFarthest = 1e9;

  LoopBuilder &b;

  Value *number(double value) { return b.constant(Type::scalar(DType::F64), value); }
  Value *of(Value *index) { return b.cast(b.cast(index, DType::I64), DType::F64); }
  Value *floor(Value *x) { return b.unary(OpKind::ScalarFloor, x); }
  Value *toIndex(Value *x) { return b.toIndex(b.cast(x, DType::I64)); }
  Value *clamped(Value *index, Value *size) {
    return b.max(b.min(index, b.sub(size, b.index(1))), b.index(0));
  }
};

/// What interpolation computes in: integers need more digits than f32 has.
DType sampleWork(DType dtype) {
  return isFloat(dtype) && dtype != DType::F64 ? DType::F32 : DType::F64;
}

struct Tap {
  Value *index;  // inside the axis
  Value *weight; // f64; 0 where only padding is seen
};

struct GridSample {
  Selection &s;
  LoopBuilder &b;
  Real real;
  std::string mode, padding;
  bool alignCorners;
  Type x, grid;

  explicit GridSample(Selection &s)
      : s(s), b(s.b), real{s.b}, mode(s.op.attrs.getString("mode", "linear")),
        padding(s.op.attrs.getString("padding_mode", "zeros")),
        alignCorners(s.op.attrs.getInt("align_corners")), x(s.in(0)), grid(s.in(1)) {}

  Value *low() { return real.number(alignCorners ? 0 : -0.5); }
  Value *high(Value *length) { return b.sub(length, real.number(alignCorners ? 1 : 0.5)); }

  /// at reflected at the borders until it is between them.
  Value *reflected(Value *at, Value *length) {
    Value *first = low(), *last = high(length), *range = b.sub(last, first);
    Value *distance = b.unary(OpKind::ScalarAbs, b.sub(at, first));
    Value *rest = b.rem(distance, range), *times = real.floor(b.div(distance, range));
    Value *odd = b.cmp("ne", b.rem(times, real.number(2)), real.number(0));
    Value *between = b.select(odd, b.sub(last, rest), b.add(first, rest));
    Value *finite = b.cmp("eq", b.sub(at, at), real.number(0));
    Value *usable = b.binary(OpKind::ScalarAnd, finite, b.cmp("gt", range, real.number(0)));
    return b.select(usable, between, first);
  }

  /// A coordinate in [-1, 1] in elements of an axis.
  Value *position(Value *normalized, Value *length) {
    Value *one = real.number(1), *half = real.number(0.5), *at;
    Value *shifted = b.add(normalized, one);
    if (alignCorners)
      at = b.mul(b.mul(shifted, half), b.sub(length, one));
    else
      at = b.mul(b.sub(b.mul(shifted, length), one), half);
    if (mode == "nearest")
      at = b.unary(OpKind::ScalarRound, at);
    Value *inside =
        b.binary(OpKind::ScalarAnd, b.cmp("ge", at, low()), b.cmp("le", at, high(length)));
    if (padding == "border") {
      Value *border = b.select(b.cmp("gt", at, real.number(0)), b.sub(length, one), real.number(0));
      at = b.select(inside, at, border);
    } else if (padding == "reflection") {
      at = b.select(inside, at, reflected(at, length));
    }
    // Far outside (or NaN) nothing but padding can be seen, and the integer would saturate.
    Value *near = b.cmp("lt", b.unary(OpKind::ScalarAbs, at), real.number(1e15));
    return b.select(near, at, real.number(-1e15));
  }

  Tap tap(Value *index, Value *weight, Value *size, Value *length) {
    Value *inside =
        b.binary(OpKind::ScalarAnd, b.cmp("ge", index, b.index(0)), b.cmp("lt", index, size));
    if (padding == "zeros")
      weight = b.select(inside, weight, real.number(0));
    else if (padding == "reflection")
      index = b.select(inside, index, real.toIndex(reflected(real.of(index), length)));
    return {real.clamped(index, size), weight};
  }

  /// Cubic convolution with a = -0.75 (Keys, 1981) at distance x <= 2.
  Value *cubic(Value *x) {
    constexpr double a = -0.75;
    x = b.unary(OpKind::ScalarAbs, x);
    auto step = [&](Value *sum, double c) { return b.add(b.mul(sum, x), real.number(c)); };
    Value *near = step(b.mul(step(real.number(a + 2), -(a + 3)), x), 1);
    Value *far = step(step(step(real.number(a), -5 * a), 8 * a), -4 * a);
    return b.select(b.cmp("le", x, real.number(1)), near, far);
  }

  std::vector<Tap> tapsAlong(int64_t dim, const std::vector<Value *> &index) {
    Value *size = sizeValue(b, x.dim(dim)), *length = real.of(size);
    // Coordinates are innermost first.
    std::vector<Value *> where = {indexWithin(b, index[0], s.out().dim(0), grid.dim(0))};
    where.insert(where.end(), index.begin() + 2, index.end());
    where.push_back(b.index(x.rank() - 1 - dim));
    Value *at = position(b.cast(elementAt(b, grid, 1, where), DType::F64), length);
    Value *base = real.floor(at), *ratio = b.sub(at, base), *first = real.toIndex(base);
    Value *one = real.number(1);
    std::vector<Tap> taps;
    if (mode == "nearest")
      return {tap(first, one, size, length)};
    if (mode == "linear")
      return {tap(first, b.sub(one, ratio), size, length),
              tap(b.add(first, b.index(1)), ratio, size, length)};
    for (int64_t t = -1; t <= 2; t++)
      taps.push_back(tap(b.add(first, b.index(t)),
                         cubic(b.sub(ratio, real.number(static_cast<double>(t)))), size, length));
    return taps;
  }

  /// The weighted sum over the taps of the dims from `dim` on.
  Value *sum(const std::vector<std::vector<Tap>> &taps, size_t dim, std::vector<Value *> at) {
    DType work = sampleWork(x.dtype());
    if (dim == taps.size())
      return b.cast(elementAt(b, x, 0, at), work);
    Value *total = nullptr, *zero = b.constant(Type::scalar(work), 0);
    for (const Tap &tap : taps[dim]) {
      at[dim + 2] = tap.index;
      // What is not seen must not bring in an infinity.
      Value *seen = b.cmp("ne", tap.weight, real.number(0));
      Value *term = b.mul(sum(taps, dim + 1, at), b.cast(tap.weight, work));
      term = b.select(seen, term, zero);
      total = total ? b.add(total, term) : term;
    }
    return total;
  }

  Value *element(const std::vector<Value *> &index) {
    std::vector<std::vector<Tap>> taps;
    for (int64_t dim = 2; dim < x.rank(); dim++)
      taps.push_back(tapsAlong(dim, index));
    std::vector<Value *> at(x.rank(), nullptr);
    at[0] = indexWithin(b, index[0], s.out().dim(0), x.dim(0)), at[1] = index[1];
    return sum(taps, 0, at);
  }
};

struct RoiAlign {
  // More samples than this are a loop.
  static constexpr int64_t kUnrolled = 16;
  // Samples along an axis of a bin; a region of more is as good as infinite.
  static constexpr int64_t kMostSamples = 1 << 16;

  Selection &s;
  LoopBuilder &b;
  Real real;
  bool halfPixel, max;
  int64_t sampling;
  double scale;
  Type x, rois, batches;
  std::vector<Value *> at; // of the element that is read

  explicit RoiAlign(Selection &s)
      : s(s), b(s.b), real{s.b}, halfPixel(s.op.attrs.getString("coordinate_transformation_mode",
                                                                "half_pixel") == "half_pixel"),
        max(s.op.attrs.getString("mode", "avg") == "max"),
        sampling(s.op.attrs.getInt("sampling_ratio")),
        scale(s.op.attrs.getFloat("spatial_scale", 1)), x(s.in(0)), rois(s.in(1)),
        batches(s.in(2)) {}

  /// The samples of a bin along one axis: position of sample i is first + i * step.
  struct Along {
    Value *first, *step, *samples; // samples: index
    Value *size;
  };

  Along along(Value *region, int64_t dim, Value *bin) {
    int64_t coordinate = 3 - dim; // x1, y1, x2, y2
    auto corner = [&](int64_t i) {
      Value *given = b.cast(elementAt(b, rois, 1, {region, b.index(i)}), DType::F64);
      return b.sub(b.mul(given, real.number(scale)), real.number(halfPixel ? 0.5 : 0));
    };
    Value *start = corner(coordinate), *extent = b.sub(corner(coordinate + 2), start);
    if (!halfPixel)
      extent = b.max(extent, real.number(1));
    // NaN is not below either.
    Value *isNear = b.cmp("lt", b.unary(OpKind::ScalarAbs, extent), real.number(Real::kFarthest));
    require(b, isNear, CAMEO_FAULT_REGION, b.cast(region, DType::I64));
    Value *width = b.div(extent, real.of(sizeValue(b, s.out().dim(dim))));
    Value *samples = b.index(sampling);
    if (sampling <= 0) {
      Value *wanted = b.cast(b.unary(OpKind::ScalarCeil, width), DType::I64);
      wanted = b.max(wanted, b.constantInt(wanted->type, 0));
      samples = checkIndex(b, wanted, Dim(kMostSamples));
    }
    Value *step = b.div(width, real.of(samples));
    Value *first = b.add(start, b.add(b.mul(real.of(bin), width), b.mul(step, real.number(0.5))));
    return {first, step, samples, sizeValue(b, x.dim(dim))};
  }

  /// Neighbours of a position along one axis, and the weight of the second.
  struct Pair {
    Value *low, *high, *ratio, *inside;
  };

  Pair pair(const Along &a, Value *i) {
    Value *position = b.add(a.first, b.mul(real.of(i), a.step));
    Value *size = real.of(a.size), *zero = real.number(0);
    Value *inside = b.binary(OpKind::ScalarAnd, b.cmp("ge", position, real.number(-1)),
                             b.cmp("le", position, size));
    Value *clamped = b.select(inside, b.max(position, zero), zero);
    Value *last = b.sub(a.size, b.index(1));
    Value *low = real.clamped(real.toIndex(clamped), a.size);
    Value *high = real.clamped(b.add(low, b.index(1)), a.size);
    Value *ratio = b.select(b.cmp("eq", low, last), zero, b.sub(clamped, real.of(low)));
    return {low, high, ratio, inside};
  }

  /// Adds one sample to the sum, or its weighted corners to the maximum, as the specification's
  /// reference has it.
  Value *sample(const Pair &y, const Pair &x, Value *now, Value *isFirst) {
    DType work = sampleWork(this->x.dtype());
    Value *one = real.number(1);
    Value *inside = b.binary(OpKind::ScalarAnd, y.inside, x.inside);
    for (int64_t corner = 0; corner < 4; corner++) {
      bool down = corner & 2, right = corner & 1;
      Value *weight =
          b.mul(down ? y.ratio : b.sub(one, y.ratio), right ? x.ratio : b.sub(one, x.ratio));
      weight = b.select(inside, weight, real.number(0));
      at[2] = down ? y.high : y.low, at[3] = right ? x.high : x.low;
      Value *value = b.mul(b.cast(elementAt(b, this->x, 0, at), work), b.cast(weight, work));
      if (!max)
        now = b.add(now, value);
      else if (corner == 0 && isFirst)
        now = b.select(isFirst, value, b.max(now, value));
      else
        now = corner == 0 && !now ? value : b.max(now, value);
    }
    return now;
  }

  Value *bin(const Along &y, const Along &x) {
    Type work = Type::scalar(sampleWork(this->x.dtype()));
    Value *zero = b.constant(work, 0);
    if (sampling > 0 && sampling <= kUnrolled / sampling) {
      Value *now = max ? nullptr : zero;
      for (int64_t i = 0; i < sampling * sampling; i++)
        now = sample(pair(y, b.index(i / sampling)), pair(x, b.index(i % sampling)), now, nullptr);
      return now;
    }
    return b.forLoop(b.index(0), y.samples, 1, {zero},
                     [&](Value *i, const LoopBuilder::Values &outer) -> LoopBuilder::Values {
                       Pair row = pair(y, i);
                       return b.forLoop(b.index(0), x.samples, 1, outer,
                                        [&](Value *j, const LoopBuilder::Values &now) {
                                          Value *isFirst = b.cmp("eq", b.add(i, j), b.index(0));
                                          return LoopBuilder::Values{sample(
                                              row, pair(x, j), now[0], max ? isFirst : nullptr)};
                                        });
                     })[0];
  }

  Value *element(const std::vector<Value *> &index) {
    Value *region = indexWithin(b, index[0], s.out().dim(0), rois.dim(0));
    Value *which = indexWithin(b, index[0], s.out().dim(0), batches.dim(0));
    Value *batch = checkIndex(b, elementAt(b, batches, 2, {which}), x.dim(0));
    at = {batch, index[1], nullptr, nullptr};
    Along y = along(region, 2, index[2]), x = along(region, 3, index[3]);
    Value *sum = bin(y, x);
    if (max)
      return sum;
    Value *count = b.max(b.mul(y.samples, x.samples), b.index(1));
    return b.div(sum, b.cast(b.cast(count, DType::I64), sum->type.dtype()));
  }
};

/// The largest element in each bin of a region, by the formulas of evalMaxRoiPool.
struct MaxRoiPool {
  Selection &s;
  LoopBuilder &b;
  Real real;
  double scale;
  Type x, rois;

  explicit MaxRoiPool(Selection &s)
      : s(s), b(s.b), real{s.b}, scale(s.op.attrs.getFloat("spatial_scale", 1)), x(s.in(0)),
        rois(s.in(1)) {}

  /// A corner's coordinate, rounded; halves away from zero.
  Value *corner(Value *region, int64_t i) {
    Value *given = b.cast(elementAt(b, rois, 1, {region, b.index(i)}), DType::F64);
    Value *scaled = b.mul(given, real.number(scale)), *whole = b.unary(OpKind::ScalarTrunc, scaled);
    Value *rest = b.sub(scaled, whole);
    Value *up = b.select(b.cmp("ge", rest, real.number(0.5)), real.number(1), real.number(0));
    Value *down = b.select(b.cmp("le", rest, real.number(-0.5)), real.number(1), real.number(0));
    Value *rounded = b.sub(b.add(whole, up), down);
    Value *isNear = b.cmp("lt", b.unary(OpKind::ScalarAbs, rounded), real.number(Real::kFarthest));
    require(b, isNear, CAMEO_FAULT_REGION, b.cast(region, DType::I64));
    return b.select(isNear, rounded, real.number(0));
  }

  struct Range {
    Value *begin, *end;
  };

  /// The elements of a bin along one axis.
  Range range(Value *region, int64_t dim, Value *bin) {
    Value *start = corner(region, 4 - dim), *last = corner(region, 6 - dim); // _ x1 y1 x2 y2
    Value *one = real.number(1), *size = sizeValue(b, x.dim(dim));
    Value *extent = b.max(b.add(b.sub(last, start), one), one);
    Value *width = b.div(extent, real.of(sizeValue(b, s.out().dim(dim))));
    auto clamped = [&](Value *at) {
      return b.min(b.max(real.toIndex(b.add(at, start)), b.index(0)), size);
    };
    Value *begin = real.floor(b.mul(real.of(bin), width));
    Value *end = b.unary(OpKind::ScalarCeil, b.mul(b.add(real.of(bin), one), width));
    return {clamped(begin), clamped(end)};
  }

  Value *element(const std::vector<Value *> &index) {
    Value *region = indexWithin(b, index[0], s.out().dim(0), rois.dim(0));
    Value *image = b.cast(elementAt(b, rois, 1, {region, b.index(0)}), DType::I64);
    Value *batch = checkIndex(b, image, x.dim(0));
    Range rows = range(region, 2, index[2]), columns = range(region, 3, index[3]);
    Type type = Type::scalar(sampleWork(x.dtype()));
    using Values = LoopBuilder::Values;
    auto larger = [&](Value *best, Value *i, Value *j) {
      Value *here = b.cast(elementAt(b, x, 0, {batch, index[1], i, j}), type.dtype());
      return b.select(b.cmp("gt", here, best), here, best);
    };
    Value *best = b.forLoop(rows.begin, rows.end, 1, {b.constant(type, -INFINITY)},
                            [&](Value *i, const Values &outer) -> Values {
                              return b.forLoop(columns.begin, columns.end, 1, outer,
                                               [&](Value *j, const Values &now) -> Values {
                                                 return {larger(now[0], i, j)};
                                               });
                            })[0];
    Value *isSome = b.binary(OpKind::ScalarAnd, b.cmp("lt", rows.begin, rows.end),
                             b.cmp("lt", columns.begin, columns.end));
    return b.select(isSome, best, b.constant(type, 0));
  }
};

} // namespace

Result<void> selectGridSample(Selection &s) {
  if (s.in(0).dtype() == DType::String)
    return s.unsupportedBecause("strings are not supported yet");
  if (s.in(0).rank() > 5)
    return s.unsupportedBecause("more than three spatial dims are not supported yet");
  GridSample sampler(s);
  generate(s, s.op.operands(), [&](LoopBuilder &, const std::vector<Value *> &index) {
    return sampler.element(index);
  });
  return {};
}

Result<void> selectRoiAlign(Selection &s) {
  RoiAlign align(s);
  if (align.sampling >= RoiAlign::kMostSamples)
    return s.unsupportedBecause("a sampling_ratio this large is not supported");
  generate(s, s.op.operands(),
           [&](LoopBuilder &, const std::vector<Value *> &index) { return align.element(index); });
  return {};
}

Result<void> selectMaxRoiPool(Selection &s) {
  MaxRoiPool pool(s);
  generate(s, s.op.operands(),
           [&](LoopBuilder &, const std::vector<Value *> &index) { return pool.element(index); });
  return {};
}

} // namespace cameo
