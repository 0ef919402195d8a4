// Elementwise operators that the table of formulas cannot have: other bits of the same element, an
// extra result, a few neighbours, a loop.
#include "lowering/select/Select.h"

#include "lowering/build/Shapes.h"

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

/// Whole powers by squaring, modulo 2^bits. A negative power is 0 but for the bases 1 and -1, which
/// are their own inverses.
Result<void> selectPow(Selection &s) {
  std::optional<std::vector<int64_t>> known = constantInts(s.op.operand(1));
  bool isShort = known && known->size() == 1 && ((*known)[0] == 2 || (*known)[0] == 3);
  if (isFloat(s.in(0).dtype()) || isFloat(s.in(1).dtype()) || isShort)
    return selectPointwise(s);
  std::vector<Value *> operands;
  for (Value *operand : s.op.operands())
    operands.push_back(broadcastView(s.b, operand, s.out().shape()));
  generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *base = elementAt(b, operands[0]->type, 0, index);
    Value *exponent = b.cast(elementAt(b, operands[1]->type, 1, index), DType::I64);
    Value *zero = b.constantInt(exponent->type, 0), *bit = b.constantInt(exponent->type, 1);
    Value *one = b.constantInt(base->type, 1);
    Value *isNegative = b.cmp("lt", exponent, zero);
    Value *isUnit = b.cmp("eq", b.unary(OpKind::ScalarAbs, base), one);
    Value *size = b.unary(OpKind::ScalarAbs, exponent);
    LoopBuilder::Values powers = b.whileLoop(
        {one, base, b.select(isNegative, b.binary(OpKind::ScalarAnd, size, bit), size)},
        [&](const LoopBuilder::Values &now) { return b.cmp("gt", now[2], zero); },
        [&](const LoopBuilder::Values &now) -> LoopBuilder::Values {
          Value *isOdd = b.cmp("ne", b.binary(OpKind::ScalarAnd, now[2], bit), zero);
          return {b.select(isOdd, b.mul(now[0], now[1]), now[0]), b.mul(now[1], now[1]),
                  b.binary(OpKind::ScalarShr, now[2], bit)};
        });
    Value *vanishes = both(b, isNegative, b.unary(OpKind::ScalarNot, isUnit));
    return b.select(vanishes, b.constantInt(base->type, 0), powers[0]);
  });
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

/// By cofactors along the first row, in f64; matrices that are not small are SelectCall.cpp's.
Result<void> selectDet(Selection &s) {
  Type x = s.in(0);
  int64_t n = x.shape().back().value();
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
