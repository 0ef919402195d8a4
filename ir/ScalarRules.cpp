// Scalars, elements and vectors; see CoreRules.h.
#include "ir/CoreRules.h"

#include <algorithm>

namespace cameo::rules {

Result<void> CoreRules::constant() const {
  TRY(outIsOne(isElement, "a scalar, vector or index"));
  const Attr *value = op_.attrs.find("value");
  bool isInt = value && std::holds_alternative<int64_t>(*value);
  bool isFloat = value && std::holds_alternative<double>(*value);
  if (isInt || (isFloat && isFloating(out())))
    return {};
  return badInput("expected an integer" + std::string(isFloating(out()) ? " or a float" : "") +
                  " as attribute 'value'");
}

Result<void> CoreRules::cast() const {
  TRY(inIsOne(0, isElement, "a scalar, vector or index"));
  TRY(outIsOne(isElement, "a scalar, vector or index"));
  if (in(0).isVector() != out().isVector() || in(0).lanes() != out().lanes())
    return badInput("expected as many lanes as the operand has, got " + in(0).str() + " and " +
                    out().str());
  if (in(0).isIndex() || out().isIndex()) {
    TRY(inIsOne(0, isInteger, "an integer, as the result is an index"));
    TRY(outIsOne(isInteger, "an integer, as the operand is an index"));
  }
  bool rounds = in(0).dtype() == DType::F32 && out().dtype() == DType::BF16;
  if (op_.attrs.has("flush") && (op_.attrs.getInt("flush") != 1 || !rounds))
    return badInput("attribute 'flush': expected 1, of a cast from f32 to bf16");
  return {};
}

Result<void> CoreRules::bitcast() const {
  auto isPlain = [](const Type &type) {
    return isShaped(type) && (isInt(type.dtype()) || isFloat(type.dtype()));
  };
  TRY(inIsOne(0, isPlain, "a number or a vector of numbers"));
  TRY(outIsOne(isPlain, "a number or a vector of numbers"));
  if (in(0).lanes() * dtypeBytes(in(0).dtype()) != out().lanes() * dtypeBytes(out().dtype()))
    return badInput("expected a result as wide as " + in(0).str() + ", got " + out().str());
  return {};
}

Result<void> CoreRules::lookup() const {
  auto isByte = [](const Type &type) {
    return isShaped(type) && isInt(type.dtype()) && dtypeBytes(type.dtype()) == 1;
  };
  TRY(inIsOne(0, isByte, "an integer of 8 bits, or a vector of them"));
  TRY(outIsOne(isByte, "an integer of 8 bits, or a vector of them"));
  if (in(0).lanes() != out().lanes())
    return badInput("expected as many lanes as the operand has, got " + in(0).str() + " and " +
                    out().str());
  const Attr *table = op_.attrs.find("table");
  const auto *elements = table ? std::get_if<std::vector<int64_t>>(table) : nullptr;
  if (!elements || elements->size() != 256)
    return badInput("expected 256 integers as attribute 'table'");
  return {};
}

Result<void> CoreRules::nearest() const {
  TRY(inIsOne(
      0, [](const Type &type) { return isShaped(type) && type.dtype() == DType::F32; },
      "f32, or a vector of it"));
  Type integers = Type::scalar(DType::I32);
  return outIs(0, in(0).isVector() ? Type::vector(DType::I32, in(0).lanes()) : integers);
}

Result<void> CoreRules::compare() const {
  TRY(wordAttr("pred", {"eq", "ne", "lt", "le", "gt", "ge"}));
  TRY(inIsOne(0, isElement, "a scalar, vector or index"));
  TRY(inIs(1, in(0)));
  return outIs(0, boolLike(in(0)));
}

Result<void> CoreRules::select() const {
  TRY(inIsOne(1, isElement, "a scalar, vector or index"));
  TRY(inIs(2, in(1)));
  if (in(0) != Type::scalar(DType::Bool))
    TRY(inIs(0, boolLike(in(1))));
  return outIs(0, in(1));
}

Result<void> CoreRules::checked() const {
  TRY(inIs(0, Type::index()));
  TRY(inIs(1, Type::index()));
  TRY(outIs(0, Type::index()));
  return outIs(1, Type::scalar(DType::Bool));
}

Result<void> CoreRules::scalar() const {
  switch (op_.kind()) {
#define SCALAR_OP(kind, text, ins, outs, attrs, types)                                             \
  case OpKind::kind:                                                                               \
    return types;
#include "ir/ops/Ops.def"
  default:
    ICE("not a scalar op");
  }
}

Result<void> CoreRules::shuffle() const {
  TRY(inIsOne(0, [](const Type &type) { return type.isVector(); }, "a vector"));
  TRY(inIs(1, in(0)));
  const Attr *attr = op_.attrs.find("lanes");
  const auto *lanes = attr ? std::get_if<std::vector<int64_t>>(attr) : nullptr;
  int64_t most = 2 * in(0).lanes();
  auto isLane = [&](int64_t lane) { return lane >= 0 && lane < most; };
  if (!lanes || lanes->size() < 2 || !std::all_of(lanes->begin(), lanes->end(), isLane))
    return badInput("attribute 'lanes': expected at least 2 numbers in [0, " +
                    std::to_string(most) + ")");
  return outIs(0, Type::vector(in(0).dtype(), std::ssize(*lanes)));
}

/// The factors are vectors of so many bytes, of either signedness each.
Result<void> CoreRules::factorBytes(int64_t lanes) const {
  for (int64_t i : {1, 2})
    if (in(i) != Type::vector(DType::I8, lanes))
      TRY(inIs(i, Type::vector(DType::U8, lanes)));
  return {};
}

Result<void> CoreRules::vector() {
  auto isVector = [](const Type &type) { return type.isVector(); };
  switch (op_.kind()) {
  case OpKind::VectorSplat:
    TRY(outIsOne(isVector, "a vector"));
    return inIs(0, Type::scalar(out().dtype()));
  case OpKind::VectorMask:
    TRY(inIs(0, Type::index()));
    TRY(outIsOne(isVector, "a vector"));
    return outIs(0, boolLike(out()));
  case OpKind::VectorIota:
    return outIsOne([](const Type &type) { return type.isVector() && isInt(type.dtype()); },
                    "a vector of integers");
  case OpKind::VectorReduce:
    TRY(wordAttr("op", {"add", "mul", "min", "max", "and", "or"}));
    TRY(inIsOne(0, isVector, "a vector"));
    return outIs(0, Type::scalar(in(0).dtype()));
  case OpKind::VectorDot: {
    TRY(inIsOne(0, isVector, "a vector"));
    if (in(0).dtype() == DType::F32) {
      TRY(inIs(1, Type::vector(DType::BF16, 2 * in(0).lanes())));
      TRY(inIs(2, in(1)));
      return outIs(0, in(0));
    }
    TRY(inIs(0, Type::vector(DType::I32, in(0).lanes())));
    if (in(1) == Type::vector(DType::I16, 2 * in(0).lanes())) {
      TRY(inIs(2, in(1)));
      return outIs(0, in(0));
    }
    TRY(factorBytes(4 * in(0).lanes()));
    return outIs(0, in(0));
  }
  case OpKind::VectorMatrixDot:
    TRY(inIs(0, Type::vector(DType::I32, 4)));
    TRY(factorBytes(16));
    return outIs(0, in(0));
  case OpKind::VectorShuffle:
    return shuffle();
  default:
    ICE("not an op on vectors");
  }
}

} // namespace cameo::rules
