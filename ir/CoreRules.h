// The type rules of scalar- and loop-level ops, as ir/ops/Scalar.def and Loop.def describe them: of
// scalars and vectors in ScalarRules.cpp, of memory, control flow, frames and teams in
// LoopRules.cpp. See Verifier.h.
#pragma once

#include "ir/Verifier.h"

#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace cameo::rules {

using Predicate = bool (*)(const Type &);

inline bool isShaped(const Type &type) {
  return type.kind() == Type::Kind::Scalar || type.kind() == Type::Kind::Vector;
}
inline bool isNumeric(const Type &type) {
  return type.isIndex() || (isShaped(type) && (isInt(type.dtype()) || isFloat(type.dtype())));
}
inline bool isInteger(const Type &type) {
  return type.isIndex() || (isShaped(type) && isInt(type.dtype()));
}
inline bool isBits(const Type &type) {
  return isInteger(type) || (isShaped(type) && type.dtype() == DType::Bool);
}
inline bool isFloating(const Type &type) { return isShaped(type) && isFloat(type.dtype()); }
inline bool isElement(const Type &type) {
  return type.isIndex() || (isShaped(type) && type.dtype() != DType::String);
}

/// bool, as many lanes as `type` has.
inline Type boolLike(const Type &type) {
  return type.isVector() ? Type::vector(DType::Bool, type.lanes()) : Type::scalar(DType::Bool);
}

/// The rules of one op, whose arity and operands are in order.
class CoreRules {
public:
  CoreRules(const Module &module, const Op &op) : module_(module), op_(op) {}
  Result<void> run();

private:
  const Type &in(int64_t i) const { return op_.operand(i)->type; }
  const Type &out(int64_t i = 0) const { return op_.result(i)->type; }
  std::string operandName(int64_t i) const;
  std::string resultName(int64_t i) const;

  Result<void> is(const std::string &what, const Type &got, const Type &expected) const;
  Result<void> inIs(int64_t i, const Type &expected) const {
    return is(operandName(i), in(i), expected);
  }
  Result<void> outIs(int64_t i, const Type &expected) const {
    return is(resultName(i), out(i), expected);
  }
  Result<void> inIsOne(int64_t i, Predicate allowed, const char *words) const;
  Result<void> outIsOne(Predicate allowed, const char *words) const;
  Result<void> same(Predicate allowed, const char *words) const;
  Result<void> maskLike(int64_t i, const Type &type) const;
  Result<void> types(const std::string &what, const std::vector<Type> &got,
                     const std::vector<Type> &expected) const;

  Result<void> intAttr(const char *name, int64_t least) const;
  Result<void> cacheLevel() const;
  /// The attribute `code` names a fault.
  Result<void> faultAttr() const;
  Result<void> wordAttr(const char *name, std::initializer_list<std::string_view> words) const;
  Result<void> region(int64_t i, const std::vector<Type> &args,
                      const std::vector<Type> &yields) const;
  Result<void> regions(int64_t low, int64_t high) const;

  Result<void> scalar() const;
  // What rows of the op table name.
  Result<void> numbers() const { return same(isNumeric, "numbers"); }
  Result<void> floats() const { return same(isFloating, "floats"); }
  Result<void> integers() const { return same(isInteger, "integers"); }
  Result<void> bits() const { return same(isBits, "integers or bool"); }
  Result<void> constant() const;
  Result<void> compare() const;
  Result<void> select() const;
  Result<void> checked() const;
  Result<void> cast() const;
  Result<void> bitcast() const;
  Result<void> lookup() const;
  Result<void> nearest() const;
  Result<void> vector();
  Result<void> shuffle() const;
  Result<void> factorBytes(int64_t lanes) const;
  Result<void> memory();
  Result<void> tiles();
  Result<void> tileAttr(const char *name) const;
  Result<void> tileSizes(const char *name, int64_t most) const;
  Result<void> control();
  Result<void> forLoop() const;
  Result<void> whileLoop() const;
  Result<void> ifElse() const;
  /// `given`: the types of what the callee gets.
  Result<void> call(const std::vector<Type> &given) const;
  Result<void> frame();
  Result<void> team() const;
  Result<void> inKernel() const;

  const Module &module_;
  const Op &op_;
};

std::vector<Type> typesOf(const std::vector<Value *> &values, size_t first = 0);
std::vector<Type> typesOf(const std::vector<std::unique_ptr<Value>> &values);

} // namespace cameo::rules
