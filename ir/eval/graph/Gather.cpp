// Reading by index: Gather, GatherElements, GatherND, Compress, NonZero, OneHot. Every index is
// checked; negative ones count from the end.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Index.h"

#include <algorithm>

namespace cameo::eval {

EvalResult evalGather(EvalContext &c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank()));
  std::vector<int64_t> dims(x.dims.begin(), x.dims.begin() + axis);
  dims.insert(dims.end(), indices.dims.begin(), indices.dims.end());
  dims.insert(dims.end(), x.dims.begin() + axis + 1, x.dims.end());
  Tensor y = TRY(c.allocate(x.dtype, dims));
  int64_t outer = product(x.dims, 0, axis), n = x.dims[axis], count = indices.size();
  int64_t inner = product(x.dims, axis + 1, x.rank());
  TRY(c.charge(count));
  for (int64_t i = 0; i < count; i++) {
    int64_t index = TRY(checkedIndex(c, load<int64_t>(indices, i), n));
    for (int64_t o = 0; y.size() > 0 && o < outer; o++)
      copyElements(y, (o * count + i) * inner, 1, x, (o * n + index) * inner, 1, inner);
  }
  return one(y);
}

EvalResult evalGatherElements(EvalContext &c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank()));
  TRY(c.requireRank(1, x.rank()));
  for (int64_t d = 0; d < x.rank(); d++)
    TRY(c.require(d == axis || indices.dims[d] <= x.dims[d],
                  "indices " + dimsText(indices.dims) + " do not fit data " + dimsText(x.dims)));
  Tensor y = TRY(c.allocate(x.dtype, indices.dims));
  std::vector<int64_t> strides = rowMajor(x.dims), others = strides;
  others[axis] = 0;
  RowWalk walk(indices.dims, {rowMajor(indices.dims), others});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++) {
      int64_t at = walk.offset(0) + i;
      int64_t index = TRY(checkedIndex(c, load<int64_t>(indices, at), x.dims[axis]));
      copyElements(y, at, 1, x, walk.offset(1) + i * walk.rowStride(1) + index * strides[axis], 1,
                   1);
    }
  return one(y);
}

EvalResult evalGatherND(EvalContext &c) {
  const Tensor &x = c.in(0), &indices = c.in(1);
  int64_t batchDims = c.intAttr("batch_dims");
  TRY(c.require(indices.rank() >= 1 && batchDims >= 0 &&
                    batchDims < std::min(indices.rank(), x.rank() + 1),
                "batch_dims " + std::to_string(batchDims) + " does not fit data " +
                    dimsText(x.dims) + " and indices " + dimsText(indices.dims)));
  for (int64_t d = 0; d < batchDims; d++)
    TRY(c.require(x.dims[d] == indices.dims[d], "data " + dimsText(x.dims) + " and indices " +
                                                    dimsText(indices.dims) +
                                                    " differ in batch dims"));
  int64_t width = indices.dims.back();
  TRY(c.require(batchDims + width <= x.rank(), "indices of " + std::to_string(width) +
                                                   " entries are too long for data " +
                                                   dimsText(x.dims)));
  std::vector<int64_t> dims(indices.dims.begin(), indices.dims.end() - 1);
  dims.insert(dims.end(), x.dims.begin() + batchDims + width, x.dims.end());
  Tensor y = TRY(c.allocate(x.dtype, dims));
  int64_t tuples = product(indices.dims, 0, indices.rank() - 1);
  int64_t batches = product(x.dims, 0, batchDims), perBatch = batches ? tuples / batches : 0;
  int64_t batchSize = product(x.dims, batchDims, x.rank());
  int64_t inner = product(x.dims, batchDims + width, x.rank());
  for (int64_t i = 0; y.size() > 0 && i < tuples; i++) {
    int64_t offset = TRY(tupleOffset(c, indices, i, x.dims, batchDims));
    copyElements(y, i * inner, 1, x, i / perBatch * batchSize + offset, 1, inner);
  }
  return one(y);
}

EvalResult evalCompress(EvalContext &c) {
  TRY(c.requireRank(1, 1));
  const Tensor &condition = c.in(1);
  bool flat = !c.hasAttr("axis");
  Tensor x = flat ? c.in(0).withDims({c.in(0).size()}) : c.in(0);
  int64_t axis = flat ? 0 : TRY(c.axis(c.intAttr("axis"), x.rank()));
  int64_t n = x.dims[axis];
  TRY(c.require(condition.size() <= n, "condition of " + std::to_string(condition.size()) +
                                           " elements for an axis of " + std::to_string(n)));
  std::vector<int64_t> chosen;
  for (int64_t i = 0; i < condition.size(); i++)
    if (load<uint64_t>(condition, i))
      chosen.push_back(i);
  std::vector<int64_t> dims = x.dims;
  dims[axis] = static_cast<int64_t>(chosen.size());
  Tensor y = TRY(c.allocate(x.dtype, dims));
  int64_t outer = product(x.dims, 0, axis), inner = product(x.dims, axis + 1, x.rank());
  for (int64_t o = 0; y.size() > 0 && o < outer; o++)
    for (int64_t i = 0; i < dims[axis]; i++)
      copyElements(y, (o * dims[axis] + i) * inner, 1, x, (o * n + chosen[i]) * inner, 1, inner);
  return one(y);
}

/// Coordinates of elements that are not zero, rank x count, in row-major order. A scalar counts as
/// a vector of one element without coordinates of its own.
EvalResult evalNonZero(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t size = x.size(), count = 0;
  auto isZero = [&](int64_t i) {
    return x.dtype == DType::String ? (*x.strings)[i].empty() : load<double>(x, i) == 0;
  };
  TRY(c.charge(size));
  for (int64_t i = 0; i < size; i++)
    count += !isZero(i);
  Tensor y = TRY(c.ints({x.rank(), count}));
  int64_t found = 0;
  for (int64_t i = 0; i < size; i++) {
    if (isZero(i))
      continue;
    int64_t rest = i;
    for (int64_t d = x.rank(); d-- > 0; rest /= x.dims[d])
      i64Out(y)[d * count + found] = rest % x.dims[d];
    found++;
  }
  return one(y);
}

/// Inputs indices, depth, values (off, on). Indices outside [-depth, depth) give a row of off.
EvalResult evalOneHot(EvalContext &c) {
  const Tensor &indices = c.in(0), &values = c.in(2);
  int64_t depth = TRY(c.intScalar(1)),
          axis = TRY(c.axis(c.intAttr("axis", -1), indices.rank() + 1));
  TRY(c.require(depth >= 0, "depth " + std::to_string(depth) + " is negative"));
  TRY(c.require(values.size() == 2, "values: expected 2 elements"));
  std::vector<int64_t> dims = indices.dims;
  dims.insert(dims.begin() + axis, depth);
  Tensor y = TRY(c.allocate(values.dtype, dims));
  copyElements(y, 0, 1, values, 0, 0, y.size());
  int64_t inner = product(indices.dims, axis, indices.rank());
  for (int64_t i = 0; y.size() > 0 && i < indices.size(); i++) {
    int64_t index = load<int64_t>(indices, i);
    index += index < 0 ? depth : 0;
    if (index >= 0 && index < depth)
      copyElements(y, (i / inner * depth + index) * inner + i % inner, 1, values, 1, 1, 1);
  }
  return one(y);
}

} // namespace cameo::eval
