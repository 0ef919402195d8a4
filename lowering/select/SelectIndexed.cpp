// Operators whose elements are a function of their index: each is a `generate` kernel that reads
// its operands where the formula says. Indices from data are checked: one that is out of range
// makes the run fail, and the read stays inside the operand.
#include "lowering/select/Select.h"

#include "ir/Fault.h"
#include "ir/infer/Infer.h"
#include "ir/kernel/ViewOps.h"
#include "lowering/build/Shapes.h"
#include "lowering/select/RunTimeShapes.h"
#include "runtime/abi.h"

namespace cameo {

Value *generated(Selection &s, std::vector<Value *> operands, const Type &type,
                 const ElementFn &write) {
  Op *kernel = s.b.create(OpKind::KernelGenerate, std::move(operands), {type}, {}, 1);
  std::vector<Value *> index;
  index.reserve(type.rank());
  for (int64_t i = 0; i < type.rank(); i++)
    index.push_back(kernel->region().addArg(Type::index()));
  s.b.atEnd(kernel->region());
  Value *element = write(s.b, index);
  s.b.create(OpKind::LoopYield, {s.b.cast(element, type.dtype())}, {});
  s.b.after(kernel);
  return kernel->result();
}

Value *pointwise(Selection &s, std::vector<Value *> operands, const Type &type,
                 const ElementFn &write) {
  Op *kernel = s.b.create(OpKind::KernelPointwise, operands, {type}, {}, 1);
  std::vector<Value *> elements;
  for (Value *operand : operands)
    elements.push_back(kernel->region().addArg(Type::scalar(operand->type.dtype())));
  s.b.atEnd(kernel->region());
  Value *element = write(s.b, elements);
  s.b.create(OpKind::LoopYield, {s.b.cast(element, type.dtype())}, {});
  s.b.after(kernel);
  return kernel->result();
}

void generate(Selection &s, std::vector<Value *> operands, const ElementFn &write) {
  s.replaceWithValue(generated(s, std::move(operands), s.out(), write));
}

Value *elementAt(LoopBuilder &b, const Type &type, int64_t operand, std::vector<Value *> index) {
  AttrDict attrs;
  attrs.set("operand", operand);
  return b
      .create(OpKind::RegionAt, std::move(index), {Type::scalar(type.dtype())}, std::move(attrs))
      ->result();
}

Value *checkIndex(LoopBuilder &b, Value *index, const Dim &extent) {
  return b.create(OpKind::RegionCheckIndex, {index, sizeValue(b, extent)}, {Type::index()})
      ->result();
}

Value *positionFrom(LoopBuilder &b, Value *index, const Dim &extent) {
  // INT64_MIN is out of range whatever the size.
  Value *given = b.cast(index, DType::I64);
  Value *negative = b.cmp("lt", given, b.constantInt(given->type, 0));
  return checkIndex(b, b.select(negative, b.constantInt(given->type, INT64_MIN), given), extent);
}

Value *indexWithin(LoopBuilder &b, Value *index, const Dim &own, const Dim &extent) {
  bool fits = own == extent || (own.isConst() && extent.isConst() && own.value() <= extent.value());
  return fits ? index : checkIndex(b, index, extent);
}

Value *clampedIndex(LoopBuilder &b, Value *index, const Dim &extent) {
  Value *last = b.sub(sizeValue(b, extent), b.index(1));
  return b.max(b.min(index, last), b.index(0));
}

Value *within(LoopBuilder &b, Value *index, const Dim &extent, Value *&inside) {
  inside = both(b, inside, b.cmp("ge", index, b.index(0)));
  inside = both(b, inside, b.cmp("lt", index, sizeValue(b, extent)));
  return clampedIndex(b, index, extent);
}

void require(LoopBuilder &b, Value *condition, int64_t code, Value *first, Value *second) {
  AttrDict attrs;
  attrs.set("code", faultWord(code));
  b.create(OpKind::RegionRequire, {condition, first, second}, {}, std::move(attrs));
}

Value *onlyElement(LoopBuilder &b, const Type &type, int64_t operand) {
  return elementAt(b, type, operand, std::vector<Value *>(type.rank(), b.index(0)));
}

Value *both(LoopBuilder &b, Value *first, Value *second) {
  return first ? b.binary(OpKind::ScalarAnd, first, second) : second;
}

namespace {

/// How much comes before and after a dim, as indices; nullptr for a dim that is not padded.
struct Padding {
  Value *before = nullptr, *after = nullptr;
};

/// The position in the operand from which position `i` of a padded dim is copied, for each mode but
/// constant. Negative amounts crop the operand first, and the mode applies to the rest.
Value *paddedPosition(LoopBuilder &b, const std::string &mode, Value *i, const Padding &padding,
                      const Dim &extent) {
  Value *zero = b.index(0), *one = b.index(1);
  Value *first = b.sub(b.max(padding.before, zero), padding.before);
  Value *size = b.add(b.sub(sizeValue(b, extent), first), b.min(padding.after, zero));
  Value *isSome = b.cmp("gt", size, zero), *last = b.sub(size, one), *at;
  require(b, isSome, CAMEO_FAULT_NO_ELEMENTS, b.cast(size, DType::I64));
  i = b.sub(i, b.max(padding.before, zero));
  auto modulo = [&](Value *divisor) {
    Value *rest = b.rem(i, divisor);
    return b.select(b.cmp("lt", rest, zero), b.add(rest, divisor), rest);
  };
  if (mode == "edge") {
    at = b.max(b.min(i, last), zero);
  } else if (mode == "wrap") {
    at = modulo(size);
  } else {
    // Reflection has period 2 (n - 1); a dim of one element shows that element everywhere.
    Value *period = b.max(b.mul(last, b.index(2)), one), *rest = modulo(period);
    at = b.min(rest, b.max(b.sub(period, rest), zero));
  }
  return b.select(isSome, b.add(first, at), zero);
}

/// One element of the padded data.
Value *paddedElement(Selection &s, const std::vector<Value *> &index,
                     const std::vector<Padding> &padding, int64_t fill) {
  LoopBuilder &b = s.b;
  Type type = s.in(0);
  std::string mode = s.op.attrs.getString("mode", "constant");
  std::vector<Value *> at;
  Value *inside = nullptr;
  for (int64_t i = 0; i < type.rank(); i++) {
    if (!padding[i].before) {
      at.push_back(index[i]);
      continue;
    }
    if (mode != "constant") {
      at.push_back(paddedPosition(b, mode, index[i], padding[i], type.dim(i)));
      continue;
    }
    at.push_back(within(b, b.sub(index[i], padding[i].before), type.dim(i), inside));
  }
  Value *element = elementAt(b, type, 0, at);
  if (!inside)
    return element;
  Value *value = fill < 0 ? b.constant(Type::scalar(type.dtype()), 0)
                          : onlyElement(b, s.op.operand(2)->type, fill);
  return b.select(inside, element, value);
}

Result<void> padAtRunTime(Selection &s) {
  generateReading(s, [&](OperandReader &reader, const std::vector<Value *> &index) {
    int64_t fill = s.op.operand(2) ? reader.position(2) : -1;
    auto amount = [&](int64_t d, bool after) { return s.b.toIndex(padAmount(reader, d, after)); };
    std::vector<Padding> padding;
    for (int64_t d = 0; d < s.in(0).rank(); d++)
      padding.push_back({amount(d, false), amount(d, true)});
    return paddedElement(s, index, padding, fill);
  });
  return {};
}

} // namespace

Result<void> selectKnown(Selection &s) {
  Dims elements = *s.op.result()->known;
  generate(s, {}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    Value *element = elements.empty() ? b.index(0) : sizeValue(b, elements[0]);
    for (size_t i = 1; i < elements.size(); i++)
      element = b.select(b.cmp("eq", index[0], b.index(static_cast<int64_t>(i))),
                         sizeValue(b, elements[i]), element);
    return b.cast(element, DType::I64);
  });
  return {};
}

/// A constant index takes a slice, which the layout pass makes a view; others are read where they
/// say.
Result<void> selectGather(Selection &s) {
  Value *data = s.op.operand(0), *indices = s.op.operand(1);
  int64_t rank = s.in(0).rank(), axis = *normalizeAxis(s.op.attrs.getInt("axis"), rank);
  int64_t indexRank = s.in(1).rank();
  Type dataType = s.in(0), indexType = s.in(1);
  std::optional<std::vector<int64_t>> known = constantInts(indices);
  if (known && known->size() == 1) {
    Dims starts(rank, Dim(0)), shape = dataType.shape();
    starts[axis] = (*known)[0] < 0 ? Dim((*known)[0]) + shape[axis] : Dim((*known)[0]);
    shape[axis] = Dim(1);
    SliceAttrs attrs{starts, std::vector<int64_t>(rank, 1)};
    Op *slice = s.b.create(OpKind::KernelSlice, {data}, {dataType.withShape(shape)}, dictOf(attrs));
    s.replaceWithValue(reshapeView(s.b, slice->result(), s.out().shape()));
    return {};
  }
  generate(s, {data, indices}, [&](LoopBuilder &b, const std::vector<Value *> &index) {
    std::vector<Value *> where(index.begin() + axis, index.begin() + axis + indexRank);
    Value *picked = checkIndex(b, elementAt(b, indexType, 1, where), dataType.dim(axis));
    std::vector<Value *> at(index.begin(), index.begin() + axis);
    at.push_back(picked);
    at.insert(at.end(), index.begin() + axis + indexRank, index.end());
    return elementAt(b, dataType, 0, at);
  });
  return {};
}

Result<void> selectPad(Selection &s) {
  Value *data = s.op.operand(0), *fill = s.op.operand(2);
  int64_t rank = s.in(0).rank();
  std::optional<Dims> pads = InferContext(s.module, s.op).known(1);
  std::optional<std::vector<int64_t>> axes = constantInts(s.op.operand(3));
  if (!pads || (s.op.operand(3) && !axes))
    return padAtRunTime(s);
  Dims before(rank, Dim(0)), after(rank, Dim(0));
  size_t count = pads->size() / 2;
  for (size_t i = 0; i < count; i++) {
    int64_t axis = axes ? *normalizeAxis((*axes)[i], rank) : static_cast<int64_t>(i);
    before[axis] = (*pads)[i];
    after[axis] = (*pads)[count + i];
  }
  bool nothing = true;
  for (int64_t i = 0; i < rank; i++)
    nothing = nothing && before[i] == Dim(0) && after[i] == Dim(0);
  if (nothing) {
    s.op.result()->replaceAllUsesWith(data);
    return {};
  }
  std::vector<Value *> operands = {data};
  if (fill)
    operands.push_back(fill);
  generate(s, operands, [&](LoopBuilder &b, const std::vector<Value *> &index) -> Value * {
    std::vector<Padding> padding(rank);
    for (int64_t i = 0; i < rank; i++)
      if (!(before[i] == Dim(0) && after[i] == Dim(0)))
        padding[i] = {sizeValue(b, before[i]), sizeValue(b, after[i])};
    return paddedElement(s, index, padding, fill ? 1 : -1);
  });
  return {};
}

} // namespace cameo
