// Pools and kernels of rows.
#include "ir/eval/kernel/KernelRegion.h"
#include "ir/eval/kernel/Softmax.h"

#include "ir/eval/graph/Arithmetic.h"
#include "ir/kernel/Window.h"

#include <limits>

namespace cameo::eval {
namespace {

/// The least number that an element can be.
template <class W> W lowest(DType dtype) {
  if constexpr (std::is_same_v<W, double>)
    return -std::numeric_limits<double>::infinity();
  if constexpr (std::is_same_v<W, int64_t>)
    return std::numeric_limits<int64_t>::min() >> (64 - 8 * dtypeBytes(dtype));
  return 0;
}

template <class W> struct Pool {
  KernelContext &c;
  PoolAttrs attrs = attrsOf<PoolAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  std::vector<int64_t> padsBegin = {}, declaredPadsEnd = {};

  /// Position of a tap along spatial dim i, in x.
  int64_t position(const std::vector<int64_t> &index, size_t i, int64_t tap) const {
    return index[i + 2] * attrs.strides[i] - padsBegin[i] + tap * attrs.dilations[i];
  }

  /// How many of a window's taps a mean divides by.
  int64_t numCounted(const std::vector<int64_t> &index) const {
    int64_t count = 1;
    for (size_t i = 0; i < attrs.kernel.size(); i++) {
      int64_t along = 0, begin = attrs.countIncludePad ? -padsBegin[i] : 0;
      int64_t end = x.dims[i + 2] + (attrs.countIncludePad ? declaredPadsEnd[i] : 0);
      for (int64_t tap = 0; tap < attrs.kernel[i]; tap++)
        along += position(index, i, tap) >= begin && position(index, i, tap) < end;
      count *= along;
    }
    return count;
  }

  W window(const std::vector<int64_t> &index) {
    W total = attrs.kind == PoolKind::Max ? lowest<W>(x.dtype) : W{0};
    c.forEach(attrs.kernel, [&](const std::vector<int64_t> &tap) {
      std::vector<int64_t> at = index;
      for (size_t i = 0; i < tap.size(); i++) {
        at[i + 2] = position(index, i, tap[i]);
        if (at[i + 2] < 0 || at[i + 2] >= x.dims[i + 2])
          return;
      }
      W element = c.get<W>(x, x.at(at));
      total = attrs.kind == PoolKind::Max ? maximum(total, element) : add(total, element);
    });
    return attrs.kind == PoolKind::Average ? divide(total, static_cast<W>(numCounted(index)))
                                           : total;
  }

  void run() {
    for (size_t i = 0; i < attrs.kernel.size(); i++) {
      padsBegin.push_back(c.size(attrs.padsBegin[i]));
      declaredPadsEnd.push_back(c.size(attrs.declaredPadsEnd[i]));
    }
    KernelRegion region(c, 0);
    c.forEach(y.dims, [&](const std::vector<int64_t> &index) {
      region.set(0, window(index));
      region.loadEpilogue(1, 1, index);
      region.run();
      region.store(y, y.at(index));
    });
  }
};

} // namespace

void evalKernelPool(KernelContext &c) {
  withWide(c.in(0).dtype, [&]<class W>() { Pool<W>{c}.run(); });
}

namespace {

RowMap normalOf(const std::vector<double> &row, const RowAttrs &attrs) {
  auto count = static_cast<double>(row.size());
  double mean = 0, squares = 0;
  for (double x : row)
    mean += attrs.form == RowForm::LayerNorm ? x / count : 0;
  for (double x : row)
    squares += (x - mean) * (x - mean);
  return {false, mean, 1 / std::sqrt(squares / count + attrs.epsilon)};
}

} // namespace

void evalKernelRow(KernelContext &c) {
  RowAttrs attrs = attrsOf<RowAttrs>(c.op);
  const View &x = c.in(0), &y = c.out();
  KernelRegion region(c, 0);
  std::vector<int64_t> rows(x.dims.begin(), x.dims.end() - 1);
  c.forEach(rows, [&](const std::vector<int64_t> &outer) {
    std::vector<int64_t> index = outer;
    index.push_back(0);
    std::vector<double> row;
    for (int64_t &i = index.back(); i < x.dims.back(); i++)
      row.push_back(c.get<double>(x, x.at(index)));
    bool isNormal = attrs.form == RowForm::LayerNorm || attrs.form == RowForm::RmsNorm;
    RowMap map = isNormal ? normalOf(row, attrs) : softmaxOf(row, attrs.form);
    for (index.back() = 0; index.back() < x.dims.back(); index.back()++) {
      region.set(0, map(row[static_cast<size_t>(index.back())]));
      region.loadEpilogue(1, 1, index);
      region.run();
      region.store(y, y.at(index));
    }
  });
}

} // namespace cameo::eval
