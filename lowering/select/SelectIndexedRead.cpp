// Operators that read where another operand says: gathers by element and by tuple, one-hot,
// reversed sequences. Whatever the data, reads stay inside the operand, and what ONNX calls out of
// range makes the run fail.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "lowering/build/Shapes.h"

namespace cameo {

Result<void> selectGatherElements(Selection &s) {
  Type data = s.in(0), indices = s.in(1);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis"), data.rank());
  generate(s, s.op.operands(), [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> at;
    for (int64_t i = 0; i < data.rank(); i++)
      at.push_back(
          indexWithin(b, index[i], indices.dim(i), i == axis ? indices.dim(i) : data.dim(i)));
    at[axis] = checkIndex(b, elementAt(b, indices, 1, index), data.dim(axis));
    return elementAt(b, data, 0, at);
  });
  return {};
}

/// The last dim of the indices is a tuple that addresses dims of the data after the batch's.
Result<void> selectGatherND(Selection &s) {
  Type data = s.in(0), indices = s.in(1);
  int64_t batch = s.op.attrs.getInt("batch_dims"), outer = indices.rank() - 1;
  if (!indices.dim(outer).isConst())
    return s.unsupportedBecause("indices of a size known only at run time are not supported yet");
  int64_t width = indices.dim(outer).value();
  generate(s, s.op.operands(), [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> where(index.begin(), index.begin() + outer);
    std::vector<Value *> at;
    for (int64_t i = 0; i < batch; i++)
      at.push_back(indexWithin(b, index[i], indices.dim(i), data.dim(i)));
    where.push_back(nullptr);
    for (int64_t i = 0; i < width; i++) {
      where.back() = b.index(i);
      at.push_back(checkIndex(b, elementAt(b, indices, 1, where), data.dim(batch + i)));
    }
    at.insert(at.end(), index.begin() + outer, index.end());
    return elementAt(b, data, 0, at);
  });
  return {};
}

/// values[1] where the index along `axis` is the element of `indices`, which may be negative or a
/// whole number in a float type; values[0] elsewhere, also where it is out of range.
Result<void> selectOneHot(Selection &s) {
  Type indices = s.in(0), values = s.in(2);
  int64_t axis = *normalizeAxis(s.op.attrs.getInt("axis"), s.out().rank());
  Dim depth = s.out().dim(axis);
  generate(s, {s.op.operand(0), s.op.operand(2)},
           [&](LoopBuilder &b, const std::vector<Value *> &index) {
             std::vector<Value *> where = index;
             where.erase(where.begin() + axis);
             Value *hot = b.cast(elementAt(b, indices, 0, where), DType::I64);
             Value *wrapped = b.add(hot, b.cast(sizeValue(b, depth), DType::I64));
             hot = b.select(b.cmp("lt", hot, b.constantInt(hot->type, 0)), wrapped, hot);
             Value *isHot = b.cmp("eq", hot, b.cast(index[axis], DType::I64));
             Value *on = indexWithin(b, b.index(1), Dim(2), values.dim(0));
             return b.select(isHot, elementAt(b, values, 1, {on}),
                             elementAt(b, values, 1, {b.index(0)}));
           });
  return {};
}

/// The first sequence_lens[batch] steps in reverse, the others as they are. A length may be 0 to
/// all steps: as an index, it is one of a dim with a step more.
Result<void> selectReverseSequence(Selection &s) {
  Type data = s.in(0), lengths = s.in(1);
  int64_t batch = s.op.attrs.getInt("batch_axis", 1), time = s.op.attrs.getInt("time_axis");
  generate(s, s.op.operands(), [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *which = indexWithin(b, index[batch], data.dim(batch), lengths.dim(0));
    Value *length = elementAt(b, lengths, 1, {which});
    // Negative lengths do not count from the end: INT64_MIN is out of range whatever the size.
    Value *negative = b.cmp("lt", length, b.constantInt(length->type, 0));
    length = b.select(negative, b.constantInt(length->type, INT64_MIN), length);
    length = checkIndex(b, length, data.dim(time) + Dim(1));
    Value *reversed = b.sub(b.sub(length, b.index(1)), index[time]);
    std::vector<Value *> at = index;
    at[time] = b.select(b.cmp("lt", index[time], length), reversed, index[time]);
    return elementAt(b, data, 0, at);
  });
  return {};
}

} // namespace cameo
