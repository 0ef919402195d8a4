// Max, average and sum pools: vectors of channels, one output row a unit, windows clipped at the
// edges instead of a halo, because padding must not win a maximum or count in a mean.
#include "lowering/emit/Nest.h"

#include "ir/kernel/Window.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace cameo {
namespace {

struct Pool {
  KernelFunc &k;
  LoopBuilder &b;
  PoolAttrs attrs;
  bool largest;
  DType work;
  std::vector<std::vector<Dim>> epilogue = {}; // strides of its operands

  using Values = LoopBuilder::Values;
  const Value &x() const { return *k.op.operand(0); }
  const Value &y() const { return *k.op.result(); }

  explicit Pool(KernelFunc &k)
      : k(k), b(k.b), attrs(attrsOf<PoolAttrs>(k.op)), largest(attrs.kind == PoolKind::Max),
        work(k.op.region().arg(0)->type.dtype()) {
    epilogue = operandStrides(k.op, 1);
  }

  /// ceil(numerator / dilation), at least 0; the numerator may be negative.
  Value *tapsBefore(Value *numerator, int64_t dilation) {
    Value *up = b.add(numerator, b.index(dilation - 1));
    return b.max(b.div(up, b.index(dilation)), b.index(0));
  }

  struct Clip {
    Value *first, *last; // taps inside
    Value *count;        // taps a mean divides by
    Value *origin;       // input position of tap 0
  };

  Clip clip(size_t dim, Value *out) {
    Value *origin = b.sub(b.mul(out, b.index(attrs.strides[dim])), k.size(attrs.padsBegin[dim]));
    Value *extent = k.size(x().type.dim(dim + 2)), *taps = b.index(attrs.kernel[dim]);
    Value *first = tapsBefore(b.sub(b.index(0), origin), attrs.dilations[dim]);
    Value *last = b.min(taps, tapsBefore(b.sub(extent, origin), attrs.dilations[dim]));
    Value *count = b.sub(last, first);
    if (attrs.countIncludePad) {
      Value *padded = b.add(extent, k.size(attrs.declaredPadsEnd[dim]));
      count = b.min(taps, tapsBefore(b.sub(padded, origin), attrs.dilations[dim]));
    }
    return {first, last, count, origin};
  }

  Value *lowest(const Type &type) {
    if (isFloat(type.dtype()))
      return b.constant(type, -INFINITY);
    int64_t bits = dtypeBytes(type.dtype()) * 8;
    return b.constantInt(type, isUnsignedInt(type.dtype()) ? 0
                               : bits == 64                ? std::numeric_limits<int64_t>::min()
                                                           : -(int64_t(1) << (bits - 1)));
  }

  Value *window(size_t dim, const std::vector<Clip> &clips, Value *at, Value *sum, int64_t lanes,
                Value *mask) {
    if (dim == clips.size()) {
      Value *element = b.cast(b.load(k.operands[0], at, lanes, mask), work);
      return largest ? b.max(sum, element) : b.add(sum, element);
    }
    return b.forLoop(
        clips[dim].first, clips[dim].last, 1, {sum}, [&](Value *t, const Values &now) -> Values {
          Value *position = b.add(clips[dim].origin, b.mul(t, b.index(attrs.dilations[dim])));
          Value *next = k.advance(at, position, x().layout->strides[dim + 2]);
          return {window(dim + 1, clips, next, now[0], lanes, mask)};
        })[0];
  }

  /// Stores a window's value, after the epilogue; `to`: offsets of the result and of the epilogue's
  /// operands.
  void finish(Value *value, const Values &to, Value *c, int64_t lanes, Value *mask) {
    Values args = {value};
    for (size_t e = 0; e < epilogue.size(); e++) {
      bool varies = !(epilogue[e][1] == Dim(0));
      Value *at = varies ? b.add(to[1 + e], c) : to[1 + e];
      args.push_back(varies ? b.load(k.operands[1 + e], at, lanes, mask)
                            : b.load(k.operands[1 + e], at));
    }
    Value *result = inlineRegion(b, k.sizes, k.op.region(), args)[0];
    if (lanes > 1 && !result->type.isVector())
      result = b.splat(result, lanes);
    b.store(result, k.results[0], b.add(to[0], c), mask);
  }

  void pixel(const std::vector<Clip> &clips, Value *from, const Values &to) {
    Value *divisor = nullptr;
    if (attrs.kind == PoolKind::Average) {
      divisor = clips[0].count;
      for (size_t i = 1; i < clips.size(); i++)
        divisor = b.mul(divisor, clips[i].count);
      divisor = b.cast(b.cast(divisor, DType::I64), work);
    }
    emitVectorLoop(k, k.size(x().type.dim(1)), attrs.plan,
                   [&](Value *c, int64_t lanes, Value *mask) {
                     Type type = typeOfLanes(work, lanes);
                     Value *start = largest ? lowest(type) : b.constant(type, 0);
                     Value *result = window(0, clips, b.add(from, c), start, lanes, mask);
                     if (attrs.kind == PoolKind::Average)
                       result = b.div(result, b.splat(divisor, lanes));
                     finish(result, to, c, lanes, mask);
                   });
  }

  /// Offsets of the result and of the epilogue's operands, `steps` further along a dim.
  Values advanced(Values offsets, Value *steps, size_t dim) {
    offsets[0] = k.advance(offsets[0], steps, y().layout->strides[dim]);
    for (size_t e = 0; e < epilogue.size(); e++)
      offsets[1 + e] = k.advance(offsets[1 + e], steps, epilogue[e][dim]);
    return offsets;
  }

  Dim emit() {
    // Batch and all spatial dims but the last make the units.
    size_t last = attrs.kernel.size() - 1;
    return emitUnits(k, unitsOf(k.op).grid, [&](const std::vector<Value *> &cells) {
      Value *from = k.advance(b.index(0), cells[0], x().layout->strides[0]);
      Values to = advanced(zeroOffsets(k, 1 + epilogue.size()), cells[0], 0);
      std::vector<Clip> clips(attrs.kernel.size());
      for (size_t i = 0; i < last; i++) {
        clips[i] = clip(i, cells[i + 1]);
        to = advanced(to, cells[i + 1], i + 2);
      }
      b.forLoop(b.index(0), k.size(y().type.dim(last + 2)), 1, [&](Value *column) {
        clips[last] = clip(last, column);
        pixel(clips, from, advanced(to, column, last + 2));
      });
    });
  }
};

} // namespace

Result<Dim> emitPool(KernelFunc &k) { return Pool(k).emit(); }

} // namespace cameo
