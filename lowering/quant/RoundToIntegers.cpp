// Rounds what a kernel quantizes straight to 32-bit integers, where the range of the value shows
// that these hold it: then zero point and saturation are integer ops, which cost half as much, and
// narrowing saturates by itself on targets that have such instructions. Runs behind fusion, which
// brings what leads to a value into one region.
//
// Turn this: %s = add(round(%x), 3.0);  %q = cast(%s) : u8
// Into this: %s = add(nearest(%x), 3);  %q = cast(min(max(%s, 0), 255)) : u8
// Only if: %x is a finite number of less than 30 bits, whatever the elements.
#include "ir/OpSpec.h"
#include "ir/kernel/KernelSpec.h"
#include "lowering/Passes.h"
#include "lowering/build/ControlFlow.h"
#include "lowering/build/Regions.h"
#include "lowering/build/Shapes.h"
#include "lowering/quant/ByteCone.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

namespace cameo {
namespace {

// Rounding of the ops before and the zero point behind stay far from the end of i32.
constexpr double kMost = 0x1p30;

/// The numbers that a value may be. Not finite: it may also be infinite or NaN.
struct Range {
  double least, most;

  bool isFinite() const { return std::isfinite(least) && std::isfinite(most); }
  static Range of(std::initializer_list<double> ends) {
    auto [least, most] = std::minmax(ends);
    return {least, most};
  }
};
constexpr Range kAnything = {-INFINITY, INFINITY};

Range rangeOfType(DType dtype) {
  if (dtype == DType::Bool)
    return {0, 1};
  if (!isInt(dtype))
    return kAnything;
  int bits = static_cast<int>(8 * dtypeBytes(dtype));
  if (isUnsignedInt(dtype))
    return {0, std::ldexp(1.0, bits) - 1};
  return {-std::ldexp(1.0, bits - 1), std::ldexp(1.0, bits - 1) - 1};
}

/// Of the elements of a constant, or of a view of one.
Range rangeOfOperand(Value *operand) {
  Value *source = operand;
  while (source->definingOp() && isKernelView(source->definingOp()->kind()))
    source = source->definingOp()->operand(0);
  ConstRef data = constantData(source);
  if (!data || data->numElements() == 0)
    return rangeOfType(operand->type.dtype());
  Range range = {INFINITY, -INFINITY};
  for (int64_t i = 0; i < data->numElements(); i++) {
    double element = constFloat(*data, i);
    if (!std::isfinite(element))
      return kAnything;
    range = {std::min(range.least, element), std::max(range.most, element)};
  }
  return range;
}

/// The ranges of values in a kernel's region.
class Ranges {
public:
  explicit Ranges(Op &kernel) : kernel_(kernel) {}

  Range of(Value *value);

private:
  Range ofArgument(const Value &argument) const;
  Range ofResult(Op &op);

  Op &kernel_;
  std::unordered_map<Value *, Range> known_ = {};
};

/// An epilogue's first argument is the kernel's own element.
Range Ranges::ofArgument(const Value &argument) const {
  bool isPointwise = kernel_.kind() == OpKind::KernelPointwise;
  int64_t first = isPointwise ? 0 : firstEpilogueOperand(kernel_) - 1;
  if (!isPointwise && argument.index() == 0)
    return rangeOfType(argument.type.dtype());
  return rangeOfOperand(kernel_.operand(first + argument.index()));
}

Range Ranges::ofResult(Op &op) {
  auto in = [&](int64_t i) { return of(op.operand(i)); };
  switch (op.kind()) {
  case OpKind::ScalarConst: {
    const Attr &value = *op.attrs.find("value");
    const int64_t *integer = std::get_if<int64_t>(&value);
    double number = integer ? static_cast<double>(*integer) : std::get<double>(value);
    return std::isfinite(number) ? Range{number, number} : kAnything;
  }
  case OpKind::ScalarCast:
    if (isInt(op.result()->type.dtype()))
      return {std::trunc(in(0).least), std::trunc(in(0).most)};
    return in(0);
  case OpKind::ScalarRound:
    return {std::nearbyint(in(0).least), std::nearbyint(in(0).most)};
  case OpKind::ScalarAdd:
    return {in(0).least + in(1).least, in(0).most + in(1).most};
  case OpKind::ScalarSub:
    return {in(0).least - in(1).most, in(0).most - in(1).least};
  case OpKind::ScalarMul: {
    Range a = in(0), b = in(1);
    return Range::of({a.least * b.least, a.least * b.most, a.most * b.least, a.most * b.most});
  }
  case OpKind::ScalarDiv: {
    Range a = in(0), b = in(1);
    if (!isFloat(op.result()->type.dtype()) || (b.least <= 0 && b.most >= 0))
      return kAnything;
    return Range::of({a.least / b.least, a.least / b.most, a.most / b.least, a.most / b.most});
  }
  case OpKind::ScalarMin:
    return {std::min(in(0).least, in(1).least), std::min(in(0).most, in(1).most)};
  case OpKind::ScalarMax:
    return {std::max(in(0).least, in(1).least), std::max(in(0).most, in(1).most)};
  default:
    return kAnything;
  }
}

/// What leaves the type, or is computed of what is not finite, may be anything of the type.
Range Ranges::of(Value *value) {
  auto [entry, isNew] = known_.try_emplace(value, kAnything);
  if (!isNew)
    return entry->second;
  Op *op = value->definingOp();
  Range type = rangeOfType(value->type.dtype());
  Range range = op ? ofResult(*op) : ofArgument(*value);
  bool operandsAreFinite =
      !op || std::all_of(op->operands().begin(), op->operands().end(),
                         [&](Value *operand) { return of(operand).isFinite(); });
  bool isNumber = !value->type.isIndex() && value->type.dtype() != DType::Bool;
  if (!isNumber || !operandsAreFinite || !range.isFinite() || range.least < type.least ||
      range.most > type.most)
    range = type;
  return known_[value] = range;
}

/// A float that is rounded and has a known integer added to it, if any.
struct Rounded {
  Value *exact;
  int64_t zero;
};

std::optional<Rounded> roundedBehind(Value *value, Ranges &ranges) {
  Op *op = value->definingOp();
  Range zero = {0, 0};
  if (op && op->kind() == OpKind::ScalarAdd) {
    zero = ranges.of(op->operand(1));
    op = op->operand(0)->definingOp();
  }
  bool isInteger = zero.least == zero.most && zero.least == std::nearbyint(zero.least) &&
                   std::fabs(zero.least) <= kMost;
  if (!op || op->kind() != OpKind::ScalarRound || op->result()->type.dtype() != DType::F32 ||
      !isInteger)
    return std::nullopt;
  return Rounded{op->operand(0), static_cast<int64_t>(zero.least)};
}

/// Rewrites the cast of a rounded value to a byte; whether it did.
bool roundToInteger(Module &module, Op &cast, Ranges &ranges) {
  if (cast.kind() != OpKind::ScalarCast || !isByte(*cast.result()))
    return false;
  DType to = cast.result()->type.dtype();
  std::optional<Rounded> rounded = roundedBehind(cast.operand(0), ranges);
  if (!rounded)
    return false;
  Range range = ranges.of(rounded->exact);
  if (!range.isFinite() || range.least < -kMost || range.most > kMost)
    return false;
  LoopBuilder b(module);
  b.before(&cast);
  Type type = Type::scalar(DType::I32);
  Value *integer = b.create(OpKind::ScalarNearest, {rounded->exact}, {type})->result();
  auto number = [&](double value) { return b.constantInt(type, static_cast<int64_t>(value)); };
  if (rounded->zero != 0)
    integer = b.add(integer, b.constantInt(type, rounded->zero));
  Range bytes = rangeOfType(to);
  integer = b.min(b.max(integer, number(bytes.least)), number(bytes.most));
  cast.result()->replaceAllUsesWith(b.cast(integer, to));
  return true;
}

} // namespace

Result<bool> roundToIntegers(Module &module, PassContext &) {
  bool changed = false;
  for (Op *kernel : opsOf(module.main())) {
    Block *region = spec(kernel->kind()).level == Level::Kernel ? epilogueOf(*kernel) : nullptr;
    if (!region || kernel->kind() == OpKind::KernelGenerate)
      continue;
    Ranges ranges(*kernel);
    bool rounds = false;
    for (auto at = region->ops().begin(); at != region->ops().end(); ++at)
      rounds |= roundToInteger(module, **at, ranges);
    if (rounds)
      dropUnusedScalars(*region);
    changed |= rounds;
  }
  return changed;
}

} // namespace cameo
