// Access to tensor elements for evaluators: rows converted to and from the wide types of Storage.h,
// and a walk over strided operands. Everything an evaluator computes goes through these types;
// storing rounds once or wraps.
#pragma once

#include "ir/Storage.h"
#include "ir/eval/graph/Tensor.h"

#include <cmath>
#include <cstring>

namespace cameo::eval {

/// n elements from `offset` on, `stride` elements apart, widened.
template <class W>
void loadRow(const Tensor &tensor, int64_t offset, int64_t stride, int64_t n, W *to) {
  if (n <= 0)
    return;
  withStorage(tensor.dtype, [&]<class T>() {
    const std::byte *from = tensor.data() + offset * static_cast<int64_t>(sizeof(T));
    if (stride == 1) {
      for (int64_t i = 0; i < n; i++)
        to[i] = widen<W>(readAs<T>(from + i * static_cast<int64_t>(sizeof(T))));
      return;
    }
    for (int64_t i = 0; i < n; i++)
      to[i] = widen<W>(readAs<T>(from + i * stride * static_cast<int64_t>(sizeof(T))));
  });
}

/// Stores n values at elements `offset`, `offset + stride` ... of a tensor under construction.
template <class W>
void storeRow(Tensor &tensor, int64_t offset, int64_t stride, int64_t n, const W *values) {
  if (n <= 0)
    return;
  withStorage(tensor.dtype, [&]<class T>() {
    std::byte *to = tensor.writable() + offset * static_cast<int64_t>(sizeof(T));
    for (int64_t i = 0; i < n; i++)
      writeAs(to + i * stride * static_cast<int64_t>(sizeof(T)), narrow<T>(values[i]));
  });
}

template <class W> W load(const Tensor &tensor, int64_t i) {
  W value;
  loadRow(tensor, i, 1, 1, &value);
  return value;
}
template <class W> void store(Tensor &tensor, int64_t i, W value) {
  storeRow(tensor, i, 1, 1, &value);
}

/// The elements of an aligned F64 or I64 tensor, as toF64 and friends make them.
inline const double *f64(const Tensor &tensor) {
  return reinterpret_cast<const double *>(tensor.data());
}
inline double *f64Out(Tensor &tensor) { return reinterpret_cast<double *>(tensor.writable()); }
inline const int64_t *i64(const Tensor &tensor) {
  return reinterpret_cast<const int64_t *>(tensor.data());
}
inline int64_t *i64Out(Tensor &tensor) { return reinterpret_cast<int64_t *>(tensor.writable()); }

/// Element strides of a row-major shape.
std::vector<int64_t> rowMajor(const std::vector<int64_t> &dims);
/// Strides with which a tensor of `dims` is read as one of the broadcast shape `to`: 0 along
/// repeated dims. The shapes must broadcast.
std::vector<int64_t> broadcastStrides(const std::vector<int64_t> &dims,
                                      const std::vector<int64_t> &to);
/// numpy broadcasting of two shapes; nothing if they do not fit.
std::optional<std::vector<int64_t>> broadcastDims(const std::vector<int64_t> &a,
                                                  const std::vector<int64_t> &b);
/// Product of dims[begin, end).
int64_t product(const std::vector<int64_t> &dims, int64_t begin, int64_t end);

/// Walks a shape in row-major order, a row of the innermost dim at a time, and keeps one element
/// offset an operand. Dims that all operands step through evenly are merged, so rows are as long as
/// possible.
class RowWalk {
public:
  RowWalk(const std::vector<int64_t> &dims, std::vector<std::vector<int64_t>> strides);

  bool done() const { return done_; }
  void next();
  int64_t rowLength() const { return rowLength_; }
  int64_t offset(int64_t operand) const { return offsets_[operand]; }
  int64_t rowStride(int64_t operand) const { return rowStrides_[operand]; }

private:
  std::vector<int64_t> dims_, index_;
  std::vector<std::vector<int64_t>> strides_;
  std::vector<int64_t> offsets_, rowStrides_;
  int64_t rowLength_ = 1;
  bool done_ = false;
};

/// Copies n elements between tensors of the same element type.
void copyElements(Tensor &to, int64_t toOffset, int64_t toStride, const Tensor &from,
                  int64_t fromOffset, int64_t fromStride, int64_t n);
/// Copies a strided box: dims elements from `fromOffset` with `fromStrides` to `toOffset` with
/// `toStrides`. Strides may be negative or 0.
void copyBox(Tensor &to, int64_t toOffset, const std::vector<int64_t> &toStrides,
             const Tensor &from, int64_t fromOffset, const std::vector<int64_t> &fromStrides,
             const std::vector<int64_t> &dims);

} // namespace cameo::eval
