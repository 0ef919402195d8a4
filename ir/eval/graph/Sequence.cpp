// Sequences and optionals. Sequences are immutable like tensors: an op that changes one makes
// another with the same tensors. An optional holds its content itself; see Tensor.h.
#include "ir/eval/graph/Elements.h"
#include "ir/eval/graph/EvalContext.h"

#include <algorithm>

namespace cameo::eval {
namespace {

EvalResult oneSequence(EvalContext &c, DType dtype, Values items) {
  TRY(c.charge(static_cast<int64_t>(items.size())));
  auto sequence = std::make_shared<Sequence>();
  sequence->dtype = dtype;
  sequence->items = std::move(items);
  return Values{RuntimeValue(std::shared_ptr<const Sequence>(std::move(sequence)))};
}

/// The position an input gives, of `count` ones; `otherwise` where it is absent.
Result<int64_t> positionAt(EvalContext &c, int64_t input, int64_t count, int64_t otherwise) {
  int64_t position = c.has(input) ? TRY(c.intScalar(input)) : otherwise;
  TRY(c.require(position >= -count && position < count,
                "position " + std::to_string(position) + " is outside a sequence of length " +
                    std::to_string(c.value(0).sequence().items.size())));
  return position < 0 ? position + count : position;
}

/// A slice of x from `begin` on along an axis.
Result<Tensor> sliceOf(EvalContext &c, const Tensor &x, int64_t axis, int64_t begin, int64_t size) {
  std::vector<int64_t> dims = x.dims, strides = rowMajor(x.dims);
  dims[axis] = size;
  Tensor y = TRY(c.allocate(x.dtype, dims));
  if (y.size() > 0)
    copyBox(y, 0, rowMajor(dims), x, begin * strides[axis], strides, dims);
  return y;
}

} // namespace

EvalResult evalSequenceEmpty(EvalContext &c) {
  return oneSequence(c, c.op.result(0)->type.element().dtype(), {});
}

EvalResult evalSequenceConstruct(EvalContext &c) {
  Values items;
  for (int64_t i = 0; i < c.numInputs(); i++)
    items.push_back(c.value(i));
  return oneSequence(c, c.in(0).dtype, std::move(items));
}

/// Inputs sequence, tensor, position (the end if absent).
EvalResult evalSequenceInsert(EvalContext &c) {
  const Sequence &from = c.value(0).sequence();
  int64_t count = static_cast<int64_t>(from.items.size());
  // One more position than there are elements, but -1 is before the last element.
  int64_t position = c.has(2) ? TRY(c.intScalar(2)) : count;
  TRY(c.require(position >= -count && position <= count, "position " + std::to_string(position) +
                                                             " is outside a sequence of length " +
                                                             std::to_string(count)));
  Values items = from.items;
  items.insert(items.begin() + (position < 0 ? position + count : position), c.value(1));
  return oneSequence(c, from.dtype, std::move(items));
}

/// Inputs sequence, position (the last if absent).
EvalResult evalSequenceErase(EvalContext &c) {
  const Sequence &from = c.value(0).sequence();
  int64_t count = static_cast<int64_t>(from.items.size());
  int64_t position = TRY(positionAt(c, 1, count, count - 1));
  Values items = from.items;
  items.erase(items.begin() + position);
  return oneSequence(c, from.dtype, std::move(items));
}

EvalResult evalSequenceAt(EvalContext &c) {
  const Sequence &from = c.value(0).sequence();
  int64_t position = TRY(positionAt(c, 1, static_cast<int64_t>(from.items.size()), 0));
  return Values{from.items[position]};
}

EvalResult evalSequenceLength(EvalContext &c) {
  Tensor length = TRY(c.ints({}));
  i64Out(length)[0] = static_cast<int64_t>(c.value(0).sequence().items.size());
  return one(length);
}

/// Inputs tensor, split: the size of the parts, or a list of sizes. Without it, parts of size 1,
/// whose axis keepdims = 0 drops.
EvalResult evalSplitToSequence(EvalContext &c) {
  const Tensor &x = c.in(0);
  int64_t axis = TRY(c.axis(c.intAttr("axis"), x.rank())), whole = x.dims[axis], sum = 0;
  bool drop = !c.has(1) && c.intAttr("keepdims", 1) == 0;
  std::vector<int64_t> sizes;
  if (c.has(1) && c.in(1).rank() == 1) {
    sizes = TRY(c.intList(1));
  } else {
    int64_t size = c.has(1) ? TRY(c.intScalar(1)) : 1;
    TRY(c.require(size > 0, "split: expected a positive size, got " + std::to_string(size)));
    TRY(c.charge(whole / size));
    for (int64_t begin = 0; begin < whole; begin += size)
      sizes.push_back(std::min(size, whole - begin));
  }
  for (int64_t size : sizes) {
    TRY(c.require(size >= 0 && size <= whole - sum,
                  "split: sizes do not add up to " + std::to_string(whole)));
    sum += size;
  }
  TRY(c.require(sum == whole, "split: sizes do not add up to " + std::to_string(whole)));
  Values items;
  int64_t begin = 0;
  for (int64_t size : sizes) {
    Tensor part = TRY(sliceOf(c, x, axis, begin, size));
    if (drop)
      part.dims.erase(part.dims.begin() + axis);
    items.emplace_back(std::move(part));
    begin += size;
  }
  return oneSequence(c, x.dtype, std::move(items));
}

/// Joins the tensors along an axis, which new_axis = 1 makes.
EvalResult evalConcatFromSequence(EvalContext &c) {
  const Sequence &from = c.value(0).sequence();
  TRY(c.require(!from.items.empty(), "the sequence is empty"));
  bool stack = c.intAttr("new_axis") != 0;
  std::vector<int64_t> dims = from.items[0].tensor().dims;
  int64_t axis = TRY(c.axis(c.intAttr("axis"), static_cast<int64_t>(dims.size()) + stack));
  if (stack)
    dims.insert(dims.begin() + axis, 1);
  std::vector<Tensor> parts;
  int64_t length = 0;
  for (const RuntimeValue &item : from.items) {
    Tensor part = item.tensor();
    if (stack && part.rank() >= axis)
      part.dims.insert(part.dims.begin() + axis, 1);
    std::vector<int64_t> expected = dims;
    if (part.rank() == static_cast<int64_t>(dims.size()))
      expected[axis] = part.dims[axis];
    TRY(c.require(part.dims == expected, "cannot join shapes " +
                                             dimsText(from.items[0].tensor().dims) + " and " +
                                             dimsText(item.tensor().dims)));
    TRY(c.require(!__builtin_add_overflow(length, part.dims[axis], &length), "too many elements"));
    parts.push_back(std::move(part));
  }
  dims[axis] = length;
  Tensor y = TRY(c.allocate(from.dtype, dims));
  std::vector<int64_t> strides = rowMajor(dims);
  int64_t begin = 0;
  for (const Tensor &part : parts) {
    if (part.size() > 0)
      copyBox(y, begin * strides[axis], strides, part, 0, rowMajor(part.dims), part.dims);
    begin += part.dims[axis];
  }
  return one(y);
}

EvalResult evalOptional(EvalContext &c) {
  return Values{c.numInputs() > 0 ? c.value(0) : RuntimeValue()};
}

EvalResult evalOptionalHasElement(EvalContext &c) {
  Tensor y = TRY(c.allocate(DType::Bool, {}));
  store<uint64_t>(y, 0, c.has(0));
  return one(y);
}

EvalResult evalOptionalGetElement(EvalContext &c) {
  TRY(c.require(c.has(0), "the optional is empty"));
  return Values{c.value(0)};
}

} // namespace cameo::eval
