// Evaluators of elementwise ops, made from a function of elements: what rows of the op table give
// as an op's meaning (ELEMENTWISE_OP in ir/ops/Ops.def). The function has a parameter for each
// operand, one or two. Operands are broadcast.
#pragma once

#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <concepts>

namespace cameo::eval {

inline constexpr int64_t kChunk = 512;

/// f of every element of a tensor, in the wide type W.
template <class W, class F> Result<Tensor> map(EvalContext &c, const Tensor &x, DType dtype, F f) {
  Tensor y = TRY(c.allocate(dtype, x.dims));
  W row[kChunk];
  int64_t size = x.size();
  for (int64_t i = 0; i < size; i += kChunk) {
    int64_t n = std::min(kChunk, size - i);
    loadRow(x, i, 1, n, row);
    for (int64_t k = 0; k < n; k++)
      row[k] = static_cast<W>(f(row[k]));
    storeRow(y, i, 1, n, row);
  }
  return y;
}

/// f of every pair of elements of two tensors, in the wide type W.
template <class W, class F>
Result<Tensor> zip(EvalContext &c, const Tensor &a, const Tensor &b, DType dtype, F f) {
  std::optional<std::vector<int64_t>> dims = broadcastDims(a.dims, b.dims);
  if (!dims)
    return c.error("shapes " + dimsText(a.dims) + " and " + dimsText(b.dims) + " do not broadcast");
  Tensor y = TRY(c.allocate(dtype, *dims));
  W left[kChunk], right[kChunk];
  RowWalk walk(*dims,
               {broadcastStrides(a.dims, *dims), broadcastStrides(b.dims, *dims), rowMajor(*dims)});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i += kChunk) {
      int64_t n = std::min(kChunk, walk.rowLength() - i);
      loadRow(a, walk.offset(0) + i * walk.rowStride(0), walk.rowStride(0), n, left);
      loadRow(b, walk.offset(1) + i * walk.rowStride(1), walk.rowStride(1), n, right);
      for (int64_t k = 0; k < n; k++)
        left[k] = static_cast<W>(f(left[k], right[k]));
      storeRow(y, walk.offset(2) + i, 1, n, left);
    }
  return y;
}

/// f of the op's operands, in W, stored as elements of `dtype`.
template <class W, class F> EvalResult elementwise(EvalContext &c, DType dtype, F f) {
  if constexpr (std::invocable<F, W>)
    return one(TRY(map<W>(c, c.in(0), dtype, f)));
  else
    return one(TRY(zip<W>(c, c.in(0), c.in(1), dtype, f)));
}

/// In double whatever the operands' type, rounded once to it.
template <class F> EvalResult real(EvalContext &c, F f) {
  return elementwise<double>(c, c.in(0).dtype, f);
}
inline EvalResult real(EvalContext &c, double (*f)(double)) {
  return elementwise<double>(c, c.in(0).dtype, f);
}
/// In the wide type of the operands' type, rounded or wrapped to it.
template <class F> EvalResult number(EvalContext &c, F f) {
  return withWide(c.in(0).dtype, [&]<class W>() { return elementwise<W>(c, c.in(0).dtype, f); });
}
/// The same of integers.
template <class F> EvalResult integer(EvalContext &c, F f) {
  DType dtype = c.in(0).dtype;
  return isSignedInt(dtype) ? elementwise<int64_t>(c, dtype, f)
                            : elementwise<uint64_t>(c, dtype, f);
}
/// On the bits of integers and bools.
template <class F> EvalResult bits(EvalContext &c, F f) {
  return elementwise<uint64_t>(c, c.in(0).dtype, f);
}
/// As `number`; the results are bools.
template <class F> EvalResult test(EvalContext &c, F f) {
  return withWide(c.in(0).dtype, [&]<class W>() { return elementwise<W>(c, DType::Bool, f); });
}

} // namespace cameo::eval
