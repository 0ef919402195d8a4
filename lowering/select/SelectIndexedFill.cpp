// Operators whose elements follow from their index alone or nearly so: fills, ranges, triangles,
// repetition, cropping; and running sums.
#include "lowering/select/Select.h"

#include "ir/infer/Infer.h"
#include "ir/kernel/Reduce.h"
#include "lowering/build/Shapes.h"

namespace cameo {

Result<void> selectConstantOfShape(Selection &s) {
  ConstRef value = s.op.attrs.getConst("value");
  Type type = Type::scalar(s.out().dtype());
  generate(s, {}, [&](LoopBuilder &b, const std::vector<Value *> &) {
    if (isFloat(type.dtype()))
      return b.constant(type, value ? constFloat(*value, 0) : 0);
    return b.constantInt(type, value ? constInt(*value, 0) : 0);
  });
  return {};
}

Result<void> selectEyeLike(Selection &s) {
  int64_t k = s.op.attrs.getInt("k");
  generate(s, {}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *diagonal = b.cmp("eq", b.sub(index[1], index[0]), b.index(k));
    Type type = Type::scalar(s.out().dtype());
    return b.select(diagonal, b.constant(type, 1), b.constant(type, 0));
  });
  return {};
}

/// start + i * delta; halves are computed in f32.
Result<void> selectRange(Selection &s) {
  Type start = s.in(0), delta = s.in(2);
  generate(s, {s.op.operand(0), s.op.operand(2)},
           [&](LoopBuilder &b, const std::vector<Value *> &index) {
             Value *first = widened(b, onlyElement(b, start, 0));
             Value *step = widened(b, onlyElement(b, delta, 1));
             Value *i = b.cast(b.cast(index[0], DType::I64), step->type.dtype());
             return b.add(first, b.mul(i, step));
           });
  return {};
}

Result<void> selectTrilu(Selection &s) {
  Type data = s.in(0);
  bool upper = s.op.attrs.getInt("upper", 1);
  Value *k = s.op.operand(1);
  std::vector<Value *> operands = {s.op.operand(0)};
  if (k)
    operands.push_back(k);
  generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *across = b.sub(index[index.size() - 1], index[index.size() - 2]);
    Value *diagonal = b.constantInt(Type::scalar(DType::I64), 0);
    if (k)
      diagonal = onlyElement(b, k->type, 1);
    Value *kept = b.cmp(upper ? "ge" : "le", b.cast(across, DType::I64), diagonal);
    return b.select(kept, elementAt(b, data, 0, index), b.constant(Type::scalar(data.dtype()), 0));
  });
  return {};
}

Result<void> selectTile(Selection &s) {
  Type data = s.in(0);
  Dims out = s.out().shape();
  generate(s, {s.op.operand(0)}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> at;
    for (int64_t i = 0; i < data.rank(); i++)
      at.push_back(data.dim(i) == out[i] ? index[i] : b.rem(index[i], sizeValue(b, data.dim(i))));
    return elementAt(b, data, 0, at);
  });
  return {};
}

/// The middle of the data, or the data in the middle of zeros; an odd element goes to the end.
Result<void> selectCenterCropPad(Selection &s) {
  Type data = s.in(0);
  Dims out = s.out().shape();
  generate(s, {s.op.operand(0)}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> at;
    Value *inside = nullptr;
    for (int64_t i = 0; i < data.rank(); i++) {
      if (data.dim(i) == out[i]) {
        at.push_back(index[i]);
        continue;
      }
      Value *size = sizeValue(b, data.dim(i));
      // Rounds towards zero either way: what is left over is at the end.
      Value *before = b.div(b.sub(sizeValue(b, out[i]), size), b.index(2));
      at.push_back(within(b, b.sub(index[i], before), data.dim(i), inside));
    }
    Value *element = elementAt(b, data, 0, at);
    return inside ? b.select(inside, element, b.constant(element->type, 0)) : element;
  });
  return {};
}

Result<void> selectScan(Selection &s) {
  std::optional<std::vector<int64_t>> axis = constantInts(s.op.operand(1));
  std::optional<int64_t> normalized =
      axis && axis->size() == 1 ? normalizeAxis((*axis)[0], s.in(0).rank()) : std::nullopt;
  if (!normalized)
    return s.unsupportedBecause("an axis known only at run time is not supported yet");
  ScanAttrs attrs{*normalized, s.op.attrs.getInt("exclusive") != 0,
                  s.op.attrs.getInt("reverse") != 0,
                  s.op.kind() == OpKind::CumSum ? Combiner::Add : Combiner::Mul};
  s.replaceWith(OpKind::KernelScan, {s.op.operand(0)}, dictOf(attrs));
  return {};
}

} // namespace cameo
