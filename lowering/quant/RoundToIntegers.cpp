// Rounds what a kernel quantizes straight to 32-bit integers, where the range of the value shows
// that these hold it: then zero point and saturation are integer ops, which cost half as much, and
// narrowing saturates by itself on targets that have such instructions. Runs behind fusion, which
// brings what leads to a value into one region.
//
// Turn this: %s = add(round(%x), 3.0);  %q = cast(%s) : u8
// Into this: %s = add(nearest(%x), 3);  %q = cast(min(max(%s, 0), 255)) : u8
// Only if: %x is a finite number of less than 30 bits, whatever the elements.
//
// Where the byte is dequantized again in the same region, that is exact in integers, too.
// Turn this: %q = cast(add(round(%x), 3.0)) : u8;  %d = sub(cast(%q), 3.0) : f32
// Into this: %d = cast(min(max(nearest(%x), -3), 252)) : f32
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

// Rounding of the ops before and the zero points behind stay far from the end of i32.
constexpr double kMost = 0x1p30, kMostZero = 0x1p24;

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

/// Whether a number is known, and can be a zero point of integers.
bool isZeroPoint(const Range &number) {
  return number.least == number.most && number.least == std::nearbyint(number.least) &&
         std::fabs(number.least) <= kMostZero;
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
  if (!op || op->kind() != OpKind::ScalarRound || op->result()->type.dtype() != DType::F32 ||
      !isZeroPoint(zero))
    return std::nullopt;
  return Rounded{op->operand(0), static_cast<int64_t>(zero.least)};
}

/// The ops that make floats of a byte and subtract a zero point, if that is all that is done with
/// it and they subtract the same one.
std::vector<Op *> dequantizations(Value &byte, Ranges &ranges) {
  std::vector<Op *> subtractions;
  for (Op *cast : byte.users()) {
    if (cast->kind() != OpKind::ScalarCast || cast->result()->type.dtype() != DType::F32)
      return {};
    for (Op *user : cast->result()->users()) {
      bool isSub = user->kind() == OpKind::ScalarSub && user->operand(0) == cast->result();
      if (!isSub || !isZeroPoint(ranges.of(user->operand(1))))
        return {};
      subtractions.push_back(user);
    }
  }
  auto zeroOf = [&](const Op *subtraction) { return ranges.of(subtraction->operand(1)).least; };
  bool areSame = std::all_of(subtractions.begin(), subtractions.end(), [&](const Op *subtraction) {
    return zeroOf(subtraction) == zeroOf(subtractions[0]);
  });
  return areSame ? subtractions : std::vector<Op *>();
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
  std::vector<Op *> floats = dequantizations(*cast.result(), ranges);
  double zero = floats.empty() ? 0 : ranges.of(floats[0]->operand(1)).least;
  double shift = static_cast<double>(rounded->zero) - zero;
  if (shift != 0)
    integer = b.add(integer, number(shift));
  Range bytes = rangeOfType(to);
  integer = b.min(b.max(integer, number(bytes.least - zero)), number(bytes.most - zero));
  cast.result()->replaceAllUsesWith(b.cast(integer, to));
  if (floats.empty())
    return true;
  Value *difference = b.cast(integer, DType::F32);
  for (Op *subtraction : floats)
    subtraction->result()->replaceAllUsesWith(difference);
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
