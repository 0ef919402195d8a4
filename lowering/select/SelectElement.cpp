// Elementwise operators that the table of formulas cannot have: other bits of the same element, an
// extra result, a few neighbours.
#include "lowering/select/Select.h"

#include "lowering/Shapes.h"

namespace cameo {

/// A bool is a byte, 0 or 1.
Result<void> selectBitCast(Selection &s) {
  DType from = s.in(0).dtype(), to = s.out().dtype();
  s.replaceWithValue(pointwise(
      s, {s.op.operand(0)}, s.out(), [&](LoopBuilder &b, const std::vector<Value *> &x) -> Value * {
        Value *bits = from == DType::Bool ? b.cast(x[0], DType::U8) : x[0];
        DType as = to == DType::Bool ? DType::U8 : to;
        if (bits->type.dtype() == as)
          return bits;
        return b.create(OpKind::ScalarBitcast, {bits}, {Type::scalar(as)})->result();
      }));
  return {};
}

/// Nothing is dropped outside of training: the mask is true everywhere.
Result<void> selectDropout(Selection &s) {
  ConstRef training = s.op.operand(2) ? constantData(s.op.operand(2)) : nullptr;
  ConstRef ratio = s.op.operand(1) ? constantData(s.op.operand(1)) : nullptr;
  bool off = !s.op.operand(2) || (training && !constInt(*training, 0)) ||
             (ratio && constFloat(*ratio, 0) == 0);
  if (!off)
    return s.unsupportedBecause("training is not supported yet");
  if (s.op.numResults() > 1 && !s.op.result(1)->users().empty())
    s.op.result(1)->replaceAllUsesWith(
        generated(s, {}, s.out(1), [](LoopBuilder &b, const std::vector<Value *> &) {
          return b.constantInt(Type::scalar(DType::Bool), 1);
        }));
  s.op.result()->replaceAllUsesWith(s.op.operand(0));
  return {};
}

/// Small matrices by cofactors along the first row, in f64.
Result<void> selectDet(Selection &s) {
  Type x = s.in(0);
  std::optional<std::vector<int64_t>> size =
      constantDims(Dims(x.shape().end() - 2, x.shape().end()));
  if (!size || (*size)[0] > 4 || (*size)[0] != (*size)[1])
    return s.unsupportedBecause("matrices of more than 4 rows are not supported yet");
  int64_t n = (*size)[0];
  generate(s, {s.op.operand(0)}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    auto element = [&](int64_t row, int64_t column) {
      std::vector<Value *> at = index;
      at.push_back(b.index(row));
      at.push_back(b.index(column));
      return b.cast(elementAt(b, x, 0, at), DType::F64);
    };
    std::function<Value *(std::vector<int64_t>)> minor = [&](std::vector<int64_t> columns) {
      int64_t row = n - static_cast<int64_t>(columns.size());
      Value *sum = b.constant(Type::scalar(DType::F64), columns.empty());
      for (size_t i = 0; i < columns.size(); i++) {
        std::vector<int64_t> rest = columns;
        rest.erase(rest.begin() + static_cast<int64_t>(i));
        Value *term = b.mul(element(row, columns[i]), minor(rest));
        sum = i % 2 ? b.sub(sum, term) : b.add(sum, term);
      }
      return sum;
    };
    std::vector<int64_t> all(n);
    for (int64_t i = 0; i < n; i++)
      all[i] = i;
    return minor(all);
  });
  return {};
}

} // namespace cameo
