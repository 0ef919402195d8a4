// Writing by index: ScatterElements, ScatterND, TensorScatter, with reductions. Updates apply in
// row-major order, so of duplicates without a reduction the last one wins.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/Index.h"

#include <algorithm>

namespace cameo::eval {

Result<int64_t> checkedIndex(EvalContext &c, int64_t index, int64_t n) {
  if (index < -n || index >= n)
    return c.error("index " + std::to_string(index) + " is outside a dim of " + std::to_string(n));
  return index < 0 ? index + n : index;
}

Result<int64_t> tupleOffset(EvalContext &c, const Tensor &indices, int64_t tuple,
                            const std::vector<int64_t> &dims, int64_t firstDim) {
  int64_t width = indices.dims.back(), offset = 0;
  int64_t scale = product(dims, firstDim, static_cast<int64_t>(dims.size()));
  for (int64_t k = 0; k < width; k++) {
    int64_t n = dims[firstDim + k];
    int64_t index = TRY(checkedIndex(c, load<int64_t>(indices, tuple * width + k), n));
    scale /= n;
    offset += index * scale;
  }
  return offset;
}

namespace {

/// y[at..] = combine(y[at..], updates[from..]) over n elements.
using Combine = void (*)(Tensor &y, int64_t at, const Tensor &updates, int64_t from, int64_t n);

void assign(Tensor &y, int64_t at, const Tensor &updates, int64_t from, int64_t n) {
  copyElements(y, at, 1, updates, from, 1, n);
}

template <class F>
void combineEach(Tensor &y, int64_t at, const Tensor &updates, int64_t from, int64_t n, F f) {
  withWide(y.dtype, [&]<class W>() {
    for (int64_t i = 0; i < n; i++)
      store<W>(y, at + i, f(load<W>(y, at + i), load<W>(updates, from + i)));
  });
}

struct Add {
  template <class W> W operator()(W a, W b) const {
    if constexpr (std::is_same_v<W, int64_t>)
      return static_cast<W>(uint64_t(a) + uint64_t(b));
    else
      return a + b;
  }
};
struct Mul {
  template <class W> W operator()(W a, W b) const {
    if constexpr (std::is_same_v<W, int64_t>)
      return static_cast<W>(uint64_t(a) * uint64_t(b));
    else
      return a * b;
  }
};
/// NaN wins.
struct Max {
  template <class W> W operator()(W a, W b) const { return a > b || a != a ? a : b; }
};
struct Min {
  template <class W> W operator()(W a, W b) const { return a < b || a != a ? a : b; }
};

template <class F>
void combineWith(Tensor &y, int64_t at, const Tensor &updates, int64_t from, int64_t n) {
  combineEach(y, at, updates, from, n, F{});
}

Result<Combine> combineOf(EvalContext &c) {
  std::string reduction = c.stringAttr("reduction", "none");
  if (reduction == "none")
    return Combine{assign};
  TRY(c.require(c.in(0).dtype != DType::String, "strings cannot be reduced"));
  if (reduction == "add")
    return Combine{combineWith<Add>};
  if (reduction == "mul")
    return Combine{combineWith<Mul>};
  if (reduction == "max")
    return Combine{combineWith<Max>};
  if (reduction == "min")
    return Combine{combineWith<Min>};
  return c.error("reduction '" + reduction + "' is unknown");
}

Result<Tensor> copyOf(EvalContext &c, const Tensor &x) {
  Tensor y = TRY(c.allocate(x.dtype, x.dims));
  copyElements(y, 0, 1, x, 0, 1, x.size());
  return y;
}

} // namespace

EvalResult evalScatterElements(EvalContext &c) {
  const Tensor &x = c.in(0), &indices = c.in(1), &updates = c.in(2);
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank()));
  bool fits = indices.rank() == x.rank() && updates.dims == indices.dims;
  for (int64_t d = 0; fits && d < x.rank(); d++)
    fits = d == axis || indices.dims[d] <= x.dims[d];
  TRY(c.require(fits, "data " + dimsText(x.dims) + ", indices " + dimsText(indices.dims) +
                          " and updates " + dimsText(updates.dims) + " do not fit"));
  Combine combine = TRY(combineOf(c));
  Tensor y = TRY(copyOf(c, x));
  TRY(c.charge(indices.size()));
  std::vector<int64_t> strides = rowMajor(x.dims), others = strides;
  others[axis] = 0;
  RowWalk walk(indices.dims, {rowMajor(indices.dims), others});
  for (; !walk.done(); walk.next())
    for (int64_t i = 0; i < walk.rowLength(); i++) {
      int64_t from = walk.offset(0) + i;
      int64_t index = TRY(checkedIndex(c, load<int64_t>(indices, from), x.dims[axis]));
      combine(y, walk.offset(1) + i * walk.rowStride(1) + index * strides[axis], updates, from, 1);
    }
  return one(y);
}

EvalResult evalScatterND(EvalContext &c) {
  TRY(c.requireMinRank(1, 1));
  const Tensor &x = c.in(0), &indices = c.in(1), &updates = c.in(2);
  int64_t width = indices.dims.back();
  TRY(c.require(width <= x.rank(), "indices of " + std::to_string(width) +
                                       " entries are too long for data " + dimsText(x.dims)));
  std::vector<int64_t> expected(indices.dims.begin(), indices.dims.end() - 1);
  expected.insert(expected.end(), x.dims.begin() + width, x.dims.end());
  TRY(c.require(updates.dims == expected, "updates: expected shape " + dimsText(expected) +
                                              ", got " + dimsText(updates.dims)));
  Combine combine = TRY(combineOf(c));
  Tensor y = TRY(copyOf(c, x));
  int64_t tuples = product(indices.dims, 0, indices.rank() - 1);
  int64_t inner = product(x.dims, width, x.rank());
  for (int64_t d = 0; d < width; d++)
    TRY(c.require(tuples == 0 || x.dims[d] > 0, "indices into data " + dimsText(x.dims)));
  TRY(c.charge({tuples, std::max<int64_t>(inner, 1)}));
  for (int64_t i = 0; updates.size() > 0 && i < tuples; i++)
    combine(y, TRY(tupleOffset(c, indices, i, x.dims, 0)), updates, i * inner, inner);
  return one(y);
}

/// Inputs past_cache, update, write_indices: update's sequence goes to its batch's write index on,
/// wrapping around in circular mode.
EvalResult evalTensorScatter(EvalContext &c) {
  const Tensor &past = c.in(0), &update = c.in(1);
  int64_t axis = TRY(c.axis(c.intAttr("axis", -2), past.rank()));
  bool circular = c.stringAttr("mode", "linear") == "circular";
  bool fits = update.rank() == past.rank() && axis > 0;
  for (int64_t d = 0; fits && d < past.rank(); d++)
    fits = d == axis ? update.dims[d] <= past.dims[d] : update.dims[d] == past.dims[d];
  fits = fits && (!c.has(2) || c.in(2).dims == std::vector<int64_t>{past.dims[0]});
  TRY(c.require(fits, "cache " + dimsText(past.dims) + " and update " + dimsText(update.dims) +
                          " do not fit"));
  Tensor y = TRY(copyOf(c, past));
  int64_t length = past.dims[axis], steps = update.dims[axis];
  int64_t outer = product(past.dims, 0, axis), inner = product(past.dims, axis + 1, past.rank());
  for (int64_t o = 0; update.size() > 0 && o < outer; o++) {
    int64_t batch = o / (outer / past.dims[0]);
    int64_t first = c.has(2) ? load<int64_t>(c.in(2), batch) : 0;
    TRY(c.require(first >= 0 && (circular || first <= length - steps),
                  "write index " + std::to_string(first) + " is out of range"));
    for (int64_t s = 0; s < steps; s++)
      copyElements(y, (o * length + (first % length + s) % length) * inner, 1, update,
                   (o * steps + s) * inner, 1, inner);
  }
  return one(y);
}

} // namespace cameo::eval
