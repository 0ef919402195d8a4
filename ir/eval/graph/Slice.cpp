// Parts and borders: Concat, Split, Slice, Pad, CenterCropPad, Trilu, ReverseSequence. All are
// copies of strided boxes.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {

EvalResult evalConcat(EvalContext &c) {
  TRY(c.require(c.numInputs() > 0, "expected one input or more"));
  int64_t rank = c.in(0).rank(), axis = TRY(c.axis(c.intAttr("axis"), rank));
  std::vector<int64_t> dims = c.in(0).dims;
  for (int64_t i = 1; i < c.numInputs(); i++) {
    std::vector<int64_t> other = c.in(i).dims;
    bool fits = c.in(i).rank() == rank;
    int64_t sum = 0;
    if (fits && !__builtin_add_overflow(dims[axis], other[axis], &sum))
      dims[axis] = other[axis] = sum;
    TRY(c.require(fits && other == dims, "cannot concatenate " + dimsText(c.in(0).dims) + " and " +
                                             dimsText(c.in(i).dims) + " on axis " +
                                             std::to_string(axis)));
  }
  Tensor y = TRY(c.allocate(c.in(0).dtype, dims));
  std::vector<int64_t> strides = rowMajor(dims);
  int64_t position = 0;
  for (int64_t i = 0; i < c.numInputs(); i++) {
    const Tensor &x = c.in(i);
    copyBox(y, position * strides[axis], strides, x, 0, rowMajor(x.dims), x.dims);
    position += x.dims[axis];
  }
  return one(y);
}

/// Parts of given sizes, or as many as there are results (or num_outputs) of equal size but for a
/// smaller last one.
EvalResult evalSplit(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank())), n = x.dims[axis];
  std::vector<int64_t> sizes = c.has(1) ? TRY(c.intList(1)) : std::vector<int64_t>{};
  if (!c.has(1)) {
    int64_t parts = c.intAttr("num_outputs", c.op.numResults());
    TRY(c.require(parts == c.op.numResults() && parts > 0, "num_outputs differs from the results"));
    int64_t size = (n + parts - 1) / parts;
    for (int64_t i = 0, left = n; i < parts; i++, left -= sizes.back())
      sizes.push_back(std::min(size, left));
  }
  int64_t sum = 0;
  for (int64_t size : sizes)
    TRY(c.require(size >= 0 && !__builtin_add_overflow(sum, size, &sum),
                  "split sizes " + dimsText(sizes) + " are out of range"));
  TRY(c.require(sum == n && static_cast<int64_t>(sizes.size()) == c.op.numResults(),
                "cannot split " + std::to_string(n) + " elements into " +
                    std::to_string(c.op.numResults()) + " parts of sizes " + dimsText(sizes)));
  std::vector<int64_t> strides = rowMajor(x.dims);
  Values parts;
  int64_t position = 0;
  for (int64_t size : sizes) {
    std::vector<int64_t> dims = x.dims;
    dims[axis] = size;
    Tensor part = TRY(c.allocate(x.dtype, dims));
    copyBox(part, 0, rowMajor(dims), x, position * strides[axis], strides, dims);
    position += size;
    parts.emplace_back(part);
  }
  return parts;
}

namespace {

struct SliceRange {
  int64_t start = 0, step = 1, count = 0;
};

/// Negative positions count from the end; then starts are clamped to [0, n] for positive and
/// [0, n - 1] for negative steps (unlike Python, which gives nothing for a start before the array),
/// ends to [0, n] and [-1, n - 1].
SliceRange sliceRange(int64_t n, int64_t start, int64_t end, int64_t step) {
  if (n == 0)
    return {};
  bool forward = step > 0;
  // Far below -n the sum stays negative: adding n cannot overflow.
  start = std::clamp<int64_t>(start < 0 ? start + n : start, 0, forward ? n : n - 1);
  end = std::clamp<int64_t>(end < 0 ? end + n : end, forward ? 0 : -1, forward ? n : n - 1);
  SliceRange range{start, step, 0};
  int64_t distance = end - start;
  if (distance != 0 && (distance > 0) == forward)
    range.count = (forward ? distance - 1 : distance + 1) / step + 1;
  // The step of a single element is never taken, and may be too large to multiply.
  if (range.count <= 1)
    range.step = 1;
  return range;
}

} // namespace

/// Inputs data, starts, ends, axes, steps.
EvalResult evalSlice(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> starts = TRY(c.intList(1)), ends = TRY(c.intList(2)), axes, steps;
  if (c.has(3))
    axes = TRY(c.intList(3));
  else
    for (size_t i = 0; i < starts.size(); i++)
      axes.push_back(static_cast<int64_t>(i));
  steps = c.has(4) ? TRY(c.intList(4)) : std::vector<int64_t>(starts.size(), 1);
  TRY(c.require(starts.size() == ends.size() && starts.size() == axes.size() &&
                    starts.size() == steps.size(),
                "starts, ends, axes and steps differ in length"));
  axes = TRY(c.axes(axes, x.rank()));
  std::vector<int64_t> dims = x.dims, strides = rowMajor(x.dims);
  int64_t offset = 0;
  for (size_t i = 0; i < axes.size(); i++) {
    TRY(c.require(steps[i] != 0, "steps: a step is 0"));
    int64_t axis = axes[i];
    SliceRange range = sliceRange(x.dims[axis], starts[i], ends[i], steps[i]);
    dims[axis] = range.count;
    offset += range.start * strides[axis];
    strides[axis] *= range.step;
  }
  Tensor y = TRY(c.allocate(x.dtype, dims));
  copyBox(y, 0, rowMajor(dims), x, offset, strides, dims);
  return one(y);
}

namespace {

/// Where position `i` (may be outside) of an axis of n elements comes from, or -1 for the constant.
/// `first` and `size` are the part of the axis that negative pads leave.
int64_t padSource(const std::string &mode, int64_t i, int64_t first, int64_t size) {
  if (i >= 0 && i < size)
    return first + i;
  if (mode == "constant")
    return -1;
  if (mode == "edge")
    return first + std::clamp<int64_t>(i, 0, size - 1);
  auto floorMod = [](int64_t a, int64_t b) { return (a % b + b) % b; };
  if (mode == "wrap")
    return first + floorMod(i, size);
  // reflect: without repeating the border.
  if (size == 1)
    return first;
  int64_t period = 2 * (size - 1), position = floorMod(i, period);
  return first + std::min(position, period - position);
}

/// Sources of each output position along each axis.
struct PadMap {
  std::vector<std::vector<int64_t>> sources;
  std::vector<int64_t> dims;
};

Result<PadMap> padMap(EvalContext &c, const std::vector<int64_t> &begin,
                      const std::vector<int64_t> &end, const std::string &mode) {
  const Tensor &x = c.in(0);
  PadMap map;
  for (int64_t d = 0; d < x.rank(); d++) {
    constexpr int64_t kLimit = int64_t{1} << 40;
    int64_t n = x.dims[d];
    TRY(c.require(n < kLimit && std::abs(begin[d]) < kLimit && std::abs(end[d]) < kLimit,
                  "pads are out of range"));
    int64_t first = std::max<int64_t>(-begin[d], 0);
    int64_t size = n - first - std::max<int64_t>(-end[d], 0), out = n + begin[d] + end[d];
    TRY(c.require(out >= 0 && (size > 0 || out == 0 || mode == "constant"),
                  "cannot pad axis " + std::to_string(d) + " of " + dimsText(x.dims)));
    map.dims.push_back(out);
  }
  TRY(c.require(checkedNumElements(map.dims).has_value(), "pads are out of range"));
  for (int64_t d = 0; d < x.rank(); d++) {
    int64_t first = std::max<int64_t>(-begin[d], 0);
    int64_t size = x.dims[d] - first - std::max<int64_t>(-end[d], 0);
    TRY(c.charge(map.dims[d]));
    std::vector<int64_t> &sources = map.sources.emplace_back();
    // Crops larger than the tensor leave nothing of it, only the constant.
    for (int64_t o = 0; o < map.dims[d]; o++) {
      int64_t i = o - std::max<int64_t>(begin[d], 0);
      sources.push_back(padSource(mode, i, first, std::max<int64_t>(size, 0)));
    }
  }
  return map;
}

/// Copies through the map; elements without source keep what y was filled with.
void copyPadded(Tensor &y, const Tensor &x, const PadMap &map) {
  int64_t rank = x.rank(), rows = product(map.dims, 0, rank - 1), width = map.dims.back();
  std::vector<int64_t> strides = rowMajor(x.dims);
  for (int64_t r = 0; r < rows; r++) {
    int64_t offset = 0, rest = r;
    bool inside = true;
    for (int64_t d = rank - 1; d-- > 0; rest /= map.dims[d]) {
      int64_t source = map.sources[d][rest % map.dims[d]];
      inside &= source >= 0;
      offset += source * strides[d];
    }
    for (int64_t o = 0; inside && o < width;) {
      int64_t source = map.sources.back()[o], run = 1;
      while (o + run < width && map.sources.back()[o + run] == source + run)
        run++;
      if (source >= 0)
        copyElements(y, r * width + o, 1, x, offset + source, 1, run);
      o += source >= 0 ? run : 1;
    }
  }
}

EvalResult padded(EvalContext &c, const std::vector<int64_t> &begin,
                  const std::vector<int64_t> &end, const std::string &mode, const Tensor *fill) {
  const Tensor &x = c.in(0);
  PadMap map = TRY(padMap(c, begin, end, mode));
  Tensor y = TRY(c.allocate(x.dtype, map.dims));
  if (fill)
    copyElements(y, 0, 1, *fill, 0, 0, y.size());
  if (x.rank() == 0)
    return one(x);
  if (y.size() > 0)
    copyPadded(y, x, map);
  return one(y);
}

} // namespace

/// Inputs data, pads, constant_value, axes. Negative pads crop.
EvalResult evalPad(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> pads = TRY(c.intList(1)), axes;
  if (c.has(3))
    axes = TRY(c.axes(TRY(c.intList(3)), x.rank()));
  else
    for (int64_t d = 0; d < x.rank(); d++)
      axes.push_back(d);
  TRY(c.require(pads.size() == 2 * axes.size(), "pads: expected " +
                                                    std::to_string(2 * axes.size()) +
                                                    " values, got " + std::to_string(pads.size())));
  std::string mode = c.stringAttr("mode", "constant");
  TRY(c.require(mode == "constant" || mode == "reflect" || mode == "edge" || mode == "wrap",
                "mode '" + mode + "' is unknown"));
  TRY(c.require(!c.has(2) || c.in(2).size() == 1, "constant_value: expected one element"));
  std::vector<int64_t> begin(x.rank(), 0), end(x.rank(), 0);
  for (size_t i = 0; i < axes.size(); i++)
    begin[axes[i]] = pads[i], end[axes[i]] = pads[i + axes.size()];
  return padded(c, begin, end, mode, c.has(2) ? &c.in(2) : nullptr);
}

/// Crops centrally, or pads evenly, to the given sizes; the odd element goes to the end.
EvalResult evalCenterCropPad(EvalContext &c) {
  const Tensor &x = c.in(0);
  std::vector<int64_t> sizes = TRY(c.intList(1)), axes = c.intsAttr("axes");
  if (!c.hasAttr("axes"))
    for (int64_t d = 0; d < x.rank(); d++)
      axes.push_back(d);
  axes = TRY(c.axes(axes, x.rank()));
  TRY(c.require(axes.size() == sizes.size(), "shape and axes differ in length"));
  std::vector<int64_t> begin(x.rank(), 0), end(x.rank(), 0);
  for (size_t i = 0; i < axes.size(); i++) {
    int64_t difference = 0, n = x.dims[axes[i]];
    TRY(c.require(sizes[i] >= 0 && !__builtin_sub_overflow(sizes[i], n, &difference),
                  "shape " + dimsText(sizes) + " is out of range"));
    begin[axes[i]] = difference / 2;
    end[axes[i]] = difference - difference / 2;
  }
  return padded(c, begin, end, "constant", nullptr);
}

/// Keeps the upper or lower triangle of each matrix, relative to diagonal k.
EvalResult evalTrilu(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0);
  bool upper = c.intAttr("upper", 1) != 0;
  int64_t k = c.has(1) ? TRY(c.intScalar(1)) : 0;
  int64_t rows = x.dims[x.rank() - 2], columns = x.dims.back();
  // Beyond the matrix all k are alike.
  k = std::clamp(k, -rows - 1, columns + 1);
  Tensor y = TRY(c.allocate(x.dtype, x.dims));
  for (int64_t r = 0; columns > 0 && r < x.size() / columns; r++) {
    int64_t edge = std::clamp<int64_t>(r % rows + k + (upper ? 0 : 1), 0, columns);
    int64_t first = upper ? edge : 0, last = upper ? columns : edge;
    copyElements(y, r * columns + first, 1, x, r * columns + first, 1, last - first);
  }
  return one(y);
}

EvalResult evalReverseSequence(EvalContext &c) {
  TRY(c.requireMinRank(0, 2));
  const Tensor &x = c.in(0), &lengths = c.in(1);
  int64_t batchAxis = c.intAttr("batch_axis", 1), timeAxis = c.intAttr("time_axis", 0);
  TRY(c.require(batchAxis + timeAxis == 1 && batchAxis * timeAxis == 0,
                "batch_axis and time_axis: expected 0 and 1 or 1 and 0"));
  int64_t batches = x.dims[batchAxis], steps = x.dims[timeAxis];
  TRY(c.require(lengths.dims == std::vector<int64_t>{batches},
                "sequence_lens: expected " + std::to_string(batches) + " lengths"));
  int64_t inner = product(x.dims, 2, x.rank());
  Tensor y = TRY(c.allocate(x.dtype, x.dims));
  if (y.size() == 0)
    return one(y); // whatever the lengths are
  int64_t timeStride = timeAxis == 0 ? batches * inner : inner;
  int64_t batchStride = timeAxis == 0 ? inner : steps * inner;
  for (int64_t b = 0; b < batches; b++) {
    int64_t length = load<int64_t>(lengths, b);
    TRY(c.require(length >= 0 && length <= steps, "sequence length " + std::to_string(length) +
                                                      " is outside 0.." + std::to_string(steps)));
    for (int64_t t = 0; t < steps; t++) {
      int64_t from = t < length ? length - 1 - t : t;
      copyElements(y, b * batchStride + t * timeStride, 1, x, b * batchStride + from * timeStride,
                   1, inner);
    }
  }
  return one(y);
}

} // namespace cameo::eval
