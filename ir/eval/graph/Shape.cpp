// Constants, shapes, and the same elements in another shape or order.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>
#include <numeric>

namespace cameo::eval {

EvalResult evalIdentity(EvalContext &c) { return Values{c.value(0)}; }

EvalResult evalRank(EvalContext &c) {
  Tensor y = TRY(c.ints({}));
  i64Out(y)[0] = c.in(0).rank();
  return one(y);
}

EvalResult evalExpect(EvalContext &c) {
  std::vector<int64_t> shape = c.intsAttr("shape");
  const std::vector<int64_t> &dims = c.in(0).dims;
  bool fits = shape.size() == dims.size();
  for (size_t i = 0; fits && i < shape.size(); i++)
    fits = shape[i] < 0 || shape[i] == dims[i];
  TRY(c.require(fits, "expected " + c.stringAttr("expected") + ", got rank " +
                          std::to_string(dims.size()) + ", " + dimsText(dims)));
  return Values{c.value(0)};
}

EvalResult evalConstant(EvalContext &c) {
  ConstRef value = c.constAttr("value");
  TRY(c.require(value != nullptr, "value: expected a tensor"));
  Result<Tensor> tensor = Tensor::view(value);
  if (!tensor)
    return c.error(tensor.error().message);
  return one(*tensor);
}

EvalResult evalConstantOfShape(EvalContext &c) {
  std::vector<int64_t> dims = TRY(c.intList(0));
  ConstRef value = c.constAttr("value");
  if (!value)
    return one(TRY(c.allocate(DType::F32, dims)));
  Result<Tensor> element = Tensor::view(value);
  if (!element)
    return c.error(element.error().message);
  TRY(c.require(element->size() == 1, "value: expected one element"));
  Tensor y = TRY(c.allocate(element->dtype, dims));
  copyElements(y, 0, 1, *element, 0, 0, y.size());
  return one(y);
}

namespace {
Result<Tensor> intVector(EvalContext &c, const std::vector<int64_t> &values) {
  Tensor y = TRY(c.ints({static_cast<int64_t>(values.size())}));
  std::copy(values.begin(), values.end(), i64Out(y));
  return y;
}
} // namespace

/// Dims [start, end), both clamped, of the input.
EvalResult evalShape(EvalContext &c) {
  const std::vector<int64_t> &dims = c.in(0).dims;
  int64_t rank = static_cast<int64_t>(dims.size());
  auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + rank : i, 0, rank); };
  int64_t start = clamp(c.intAttr("start")), end = clamp(c.intAttr("end", rank));
  end = std::max(start, end);
  return one(TRY(intVector(c, {dims.begin() + start, dims.begin() + end})));
}

EvalResult evalSize(EvalContext &c) {
  Tensor y = TRY(c.ints({}));
  i64Out(y)[0] = c.in(0).size();
  return one(y);
}

/// -1 stands for what is left, 0 (without allowzero) for the input's dim.
EvalResult evalReshape(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> dims = TRY(c.intList(1));
  std::string wanted = dimsText(dims);
  bool allowZero = c.intAttr("allowzero") != 0;
  int64_t inferred = -1;
  for (size_t i = 0; i < dims.size(); i++) {
    if (dims[i] == 0 && !allowZero) {
      TRY(c.require(i < x.dims.size(), "shape " + wanted + " copies a dim that " +
                                           dimsText(x.dims) + " does not have"));
      dims[i] = x.dims[i];
    } else if (dims[i] == -1) {
      TRY(c.require(inferred < 0, "shape " + wanted + " has more than one -1"));
      inferred = static_cast<int64_t>(i);
      dims[i] = 1;
    }
  }
  std::optional<int64_t> count = checkedNumElements(dims);
  Error misfit = c.error("cannot reshape " + dimsText(x.dims) + " to " + wanted);
  if (!count || (inferred >= 0 && (*count == 0 || x.size() % *count)))
    return misfit;
  if (inferred >= 0)
    dims[inferred] = x.size() / *count;
  else if (*count != x.size())
    return misfit;
  return one(x.withDims(dims));
}

EvalResult evalFlatten(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = c.intAttr("axis", 1);
  axis += axis < 0 ? x.rank() : 0;
  TRY(c.require(axis >= 0 && axis <= x.rank(), "axis is outside rank " + std::to_string(x.rank())));
  return one(x.withDims({product(x.dims, 0, axis), product(x.dims, axis, x.rank())}));
}

EvalResult evalSqueeze(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<bool> drop(x.rank());
  for (int64_t d = 0; d < x.rank() && !c.has(1); d++)
    drop[d] = x.dims[d] == 1;
  if (c.has(1))
    for (int64_t axis : TRY(c.axes(TRY(c.intList(1)), x.rank()))) {
      TRY(c.require(x.dims[axis] == 1,
                    "cannot squeeze axis " + std::to_string(axis) + " of " + dimsText(x.dims)));
      drop[axis] = true;
    }
  std::vector<int64_t> dims;
  for (int64_t d = 0; d < x.rank(); d++)
    if (!drop[d])
      dims.push_back(x.dims[d]);
  return one(x.withDims(dims));
}

EvalResult evalUnsqueeze(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> listed = TRY(c.intList(1));
  int64_t rank = x.rank() + static_cast<int64_t>(listed.size());
  std::vector<int64_t> axes = TRY(c.axes(listed, rank));
  std::vector<int64_t> dims(rank, 0);
  for (int64_t axis : axes)
    dims[axis] = 1;
  std::vector<bool> isNew(rank);
  for (int64_t axis : axes)
    isNew[axis] = true;
  for (int64_t d = 0, from = 0; d < rank; d++)
    if (!isNew[d])
      dims[d] = x.dims[from++];
  return one(x.withDims(dims));
}

namespace {
/// Copies x with its axes in another order; perm is valid.
Result<Tensor> permute(EvalContext &c, const Tensor &x, const std::vector<int64_t> &perm) {
  std::vector<int64_t> strides = rowMajor(x.dims), dims, permuted;
  for (int64_t axis : perm) {
    dims.push_back(x.dims[axis]);
    permuted.push_back(strides[axis]);
  }
  Tensor y = TRY(c.allocate(x.dtype, dims));
  copyBox(y, 0, rowMajor(dims), x, 0, permuted, dims);
  return y;
}
} // namespace

EvalResult evalTranspose(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> perm = c.intsAttr("perm");
  if (!c.hasAttr("perm")) {
    perm.resize(x.rank());
    std::iota(perm.rbegin(), perm.rend(), 0);
  }
  TRY(c.require(static_cast<int64_t>(perm.size()) == x.rank(),
                "perm: expected " + std::to_string(x.rank()) + " axes, got " + dimsText(perm)));
  perm = TRY(c.axes(perm, x.rank()));
  return one(TRY(permute(c, x, perm)));
}

EvalResult evalExpand(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> shape = TRY(c.intList(1));
  std::optional<std::vector<int64_t>> dims = broadcastDims(x.dims, shape);
  TRY(c.require(dims.has_value(), "cannot expand " + dimsText(x.dims) + " to " + dimsText(shape)));
  Tensor y = TRY(c.allocate(x.dtype, *dims));
  copyBox(y, 0, rowMajor(*dims), x, 0, broadcastStrides(x.dims, *dims), *dims);
  return one(y);
}

EvalResult evalTile(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> repeats = TRY(c.intList(1));
  TRY(c.require(static_cast<int64_t>(repeats.size()) == x.rank(),
                "repeats: expected " + std::to_string(x.rank()) + " values"));
  // Each dim becomes (repeat, dim), the former with stride 0.
  std::vector<int64_t> split, from, dims, strides = rowMajor(x.dims);
  for (int64_t d = 0; d < x.rank(); d++) {
    int64_t size = 0;
    TRY(c.require(repeats[d] >= 0 && !__builtin_mul_overflow(x.dims[d], repeats[d], &size),
                  "repeats " + dimsText(repeats) + " are out of range"));
    dims.push_back(size);
    split.insert(split.end(), {repeats[d], x.dims[d]});
    from.insert(from.end(), {0, strides[d]});
  }
  Tensor y = TRY(c.allocate(x.dtype, dims));
  copyBox(y, 0, rowMajor(split), x, 0, from, split);
  return one(y);
}

namespace {
/// DepthToSpace and SpaceToDepth are a transposition of six dims: reshape to `split`, permute.
Result<Tensor> regroup(EvalContext &c, const std::vector<int64_t> &split,
                       const std::vector<int64_t> &perm, const std::vector<int64_t> &dims) {
  Tensor y = TRY(permute(c, c.in(0).withDims(split), perm));
  return y.withDims(dims);
}
} // namespace

EvalResult evalDepthToSpace(EvalContext &c) {
  TRY(c.requireRank(0, 4));
  const std::vector<int64_t> &d = c.in(0).dims;
  int64_t b = c.intAttr("blocksize");
  bool crd = c.stringAttr("mode", "DCR") == "CRD";
  TRY(c.require(b >= 1 && b < 65536 && d[1] % (b * b) == 0, "cannot cut " + std::to_string(d[1]) +
                                                                " channels by blocksize " +
                                                                std::to_string(b)));
  int64_t depth = d[1] / (b * b);
  std::vector<int64_t> out = {d[0], depth, d[2] * b, d[3] * b};
  if (crd)
    return one(TRY(regroup(c, {d[0], depth, b, b, d[2], d[3]}, {0, 1, 4, 2, 5, 3}, out)));
  return one(TRY(regroup(c, {d[0], b, b, depth, d[2], d[3]}, {0, 3, 4, 1, 5, 2}, out)));
}

EvalResult evalSpaceToDepth(EvalContext &c) {
  TRY(c.requireRank(0, 4));
  const std::vector<int64_t> &d = c.in(0).dims;
  int64_t b = c.intAttr("blocksize");
  bool crd = c.stringAttr("mode", "DCR") == "CRD";
  TRY(c.require(b >= 1 && b < 65536 && d[2] % b == 0 && d[3] % b == 0,
                "cannot cut " + dimsText(d) + " by blocksize " + std::to_string(b)));
  std::vector<int64_t> split = {d[0], d[1], d[2] / b, b, d[3] / b, b};
  std::vector<int64_t> out = {d[0], d[1] * b * b, d[2] / b, d[3] / b};
  std::vector<int64_t> perm =
      crd ? std::vector<int64_t>{0, 1, 3, 5, 2, 4} : std::vector<int64_t>{0, 3, 5, 1, 2, 4};
  return one(TRY(regroup(c, split, perm, out)));
}

EvalResult evalEyeLike(EvalContext &c) {
  TRY(c.requireRank(0, 2));
  const std::vector<int64_t> &dims = c.in(0).dims;
  Tensor y = TRY(c.allocate(c.resultDType(0), dims));
  int64_t k = c.intAttr("k");
  for (int64_t i = 0; i < dims[0]; i++) {
    int64_t column = 0;
    if (!__builtin_add_overflow(i, k, &column) && column >= 0 && column < dims[1])
      store<double>(y, i * dims[1] + column, 1);
  }
  return one(y);
}

EvalResult evalRange(EvalContext &c) {
  DType dtype = c.in(0).dtype;
  double start = TRY(c.floatScalar(0)), limit = TRY(c.floatScalar(1)),
         delta = TRY(c.floatScalar(2));
  TRY(c.require(delta != 0, "delta is 0"));
  double count = std::max(std::ceil((limit - start) / delta), 0.0);
  TRY(c.require(count < 9e15, "the range has too many elements"));
  Tensor y = TRY(c.allocate(dtype, {static_cast<int64_t>(count)}));
  if (isFloat(dtype)) {
    for (int64_t i = 0; i < y.size(); i++)
      store(y, i, start + static_cast<double>(i) * delta);
    return one(y);
  }
  // Doubles may have rounded 64-bit ends: elements are exact, the count is good to 2^53.
  uint64_t first = load<int64_t>(c.in(0), 0), step = load<int64_t>(c.in(2), 0);
  for (int64_t i = 0; i < y.size(); i++)
    store(y, i, first + uint64_t(i) * step);
  return one(y);
}

} // namespace cameo::eval
