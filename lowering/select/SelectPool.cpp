// Pools other than plain maxima and means: positions of maxima, p-norms over windows.
#include "lowering/select/Select.h"

#include "lowering/build/Shapes.h"

#include <numeric>

namespace cameo {
namespace {

using Values = LoopBuilder::Values;

// All taps of a window are visited, in the input or not, which bounds the time that takes.
constexpr int64_t kMostTaps = 1 << 20;

/// One window of a pool inside a region: position along each dim of a tap, and whether it is in the
/// input.
struct WindowReader {
  LoopBuilder &b;
  const Window &window;
  const Type &x;
  std::vector<Value *> position;

  Value *moveTo(const std::vector<Value *> &index, Value *tap) {
    size_t rank = window.kernel.size();
    Value *inside = nullptr, *left = tap;
    position.assign(rank, nullptr);
    for (size_t i = rank; i-- > 0;) {
      Value *extent = b.index(window.kernel[i]);
      Value *along = i == 0 ? left : b.rem(left, extent);
      left = i == 0 ? left : b.div(left, extent);
      Value *first =
          b.sub(b.mul(index[i + 2], b.index(window.strides[i])), sizeValue(b, window.padsBegin[i]));
      Value *at = b.add(first, b.mul(along, b.index(window.dilations[i])));
      position[i] = within(b, at, x.dim(static_cast<int64_t>(i) + 2), inside);
    }
    return inside;
  }
};

/// |x|^p or its inverse, as a kernel of its own.
Value *power(Selection &s, Value *x, int64_t p, bool root, DType dtype) {
  return pointwise(s, {x}, x->type.withDType(dtype),
                   [&](LoopBuilder &b, const std::vector<Value *> &elements) {
                     Value *e = widened(b, elements[0]);
                     e = root ? e : b.unary(OpKind::ScalarAbs, e);
                     if (p == 1)
                       return e;
                     if (p == 2)
                       return root ? b.unary(OpKind::ScalarSqrt, e) : b.mul(e, e);
                     double exponent = static_cast<double>(p);
                     Value *by = b.constant(e->type, root ? 1 / exponent : exponent);
                     return b.binary(OpKind::ScalarPow, e, by);
                   });
}

DType poolWork(DType dtype) { return dtype == DType::F64 ? DType::F64 : DType::F32; }

} // namespace

/// Of equal maxima the first counts, a NaN wins, and an empty window reports 0.
Result<Value *> poolIndices(Selection &s, const Window &window) {
  Type x = s.in(0);
  bool columnMajor = s.op.attrs.getInt("storage_order") && x.rank() >= 4;
  int64_t taps = 1;
  for (int64_t extent : window.kernel)
    if (__builtin_mul_overflow(taps, extent, &taps) || taps > kMostTaps)
      return s.unsupportedBecause("indices of a window this large are not supported");
  auto write = [&](LoopBuilder &b, const std::vector<Value *> &index) {
    // Positions count rows of the whole input, or columns of its last two dims.
    auto number = [&](const std::vector<Value *> &at) {
      Value *sum = b.add(b.mul(index[0], sizeValue(b, x.dim(1))), index[1]);
      std::vector<size_t> order(at.size());
      std::iota(order.begin(), order.end(), size_t(0));
      if (columnMajor)
        std::swap(order[at.size() - 1], order[at.size() - 2]);
      for (size_t i : order)
        sum = b.add(b.mul(sum, sizeValue(b, x.dim(static_cast<int64_t>(i) + 2))), at[i]);
      return sum;
    };
    DType dtype = x.dtype();
    DType work = workType(dtype);
    Value *no = b.constantInt(Type::scalar(DType::Bool), 0);
    Values start = {b.constant(Type::scalar(work), 0), b.index(0), no};
    return b.forLoop(
        b.index(0), b.index(taps), 1, start, [&](Value *tap, const Values &best) -> Values {
          WindowReader reader{b, window, x, {}};
          Value *inside = reader.moveTo(index, tap);
          std::vector<Value *> at = {index[0], index[1]};
          at.insert(at.end(), reader.position.begin(), reader.position.end());
          Value *element = b.cast(elementAt(b, x, 0, at), work);
          Value *better = b.cmp("gt", element, best[0]);
          if (isFloat(work)) {
            Value *firstNan = b.binary(OpKind::ScalarAnd, b.cmp("ne", element, element),
                                       b.cmp("eq", best[0], best[0]));
            better = b.binary(OpKind::ScalarOr, better, firstNan);
          }
          better = b.binary(OpKind::ScalarOr, better, b.unary(OpKind::ScalarNot, best[2]));
          better = b.binary(OpKind::ScalarAnd, better, inside);
          return {b.select(better, element, best[0]),
                  b.select(better, number(reader.position), best[1]),
                  b.binary(OpKind::ScalarOr, best[2], better)};
        })[1];
  };
  return generated(s, {s.op.operand(0)}, s.out(1),
                   [&](LoopBuilder &b, const std::vector<Value *> &index) {
                     return b.cast(write(b, index), DType::I64);
                   });
}

/// The p-th root of the sum of |x|^p over a window.
Result<void> selectLpPool(Selection &s) {
  Window window = windowOf(s.op, s.op.attrs.getInts("kernel_shape"));
  int64_t p = s.op.attrs.getInt("p", 2);
  DType work = poolWork(s.in(0).dtype());
  Value *terms = power(s, s.op.operand(0), p, false, work);
  Value *sums = poolKernel(s, terms, poolAttrs(s.op, window, PoolKind::Sum), work);
  s.replaceWithValue(power(s, sums, p, true, s.out().dtype()));
  return {};
}

Result<void> selectGlobalLpPool(Selection &s) {
  int64_t p = s.op.attrs.getInt("p", 2);
  if (p < 1)
    return s.unsupportedBecause("a norm with p below 1 is not supported");
  std::vector<int64_t> axes(s.in(0).rank() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  Value *terms = power(s, s.op.operand(0), p, false, poolWork(s.in(0).dtype()));
  Value *list = s.b.Builder::constant(makeConst(axes));
  // No axes would mean all of them.
  Value *sum = axes.empty() ? terms : TRY(lowered(s, OpKind::ReduceSum, {terms, list}));
  s.replaceWithValue(power(s, sum, p, true, s.out().dtype()));
  return {};
}

} // namespace cameo
