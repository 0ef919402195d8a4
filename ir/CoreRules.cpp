// See CoreRules.h: what the rules are made of, and which rule is whose.
#include "ir/CoreRules.h"
#include "ir/Fault.h"

#include "ir/OpSpec.h"

#include <algorithm>

namespace cameo::rules {

std::vector<Type> typesOf(const std::vector<Value *> &values, size_t first) {
  std::vector<Type> types;
  types.reserve(values.size());
  for (size_t i = first; i < values.size(); i++)
    types.push_back(values[i]->type);
  return types;
}

std::vector<Type> typesOf(const std::vector<std::unique_ptr<Value>> &values) {
  std::vector<Type> types;
  types.reserve(values.size());
  for (const std::unique_ptr<Value> &value : values)
    types.push_back(value->type);
  return types;
}

std::string CoreRules::operandName(int64_t i) const {
  const std::vector<FormalSpec> &formals = spec(op_.kind()).inputs;
  const FormalSpec &formal = formals[std::min<size_t>(i, formals.size() - 1)];
  return "operand " + formal.name + (formal.variadic ? " (" + std::to_string(i) + ")" : "");
}

std::string CoreRules::resultName(int64_t i) const { return "result " + std::to_string(i); }

Result<void> CoreRules::is(const std::string &what, const Type &got, const Type &expected) const {
  if (got == expected)
    return {};
  return badInput(what + ": expected " + expected.str() + ", got " + got.str());
}

Result<void> CoreRules::inIsOne(int64_t i, Predicate allowed, const char *words) const {
  if (allowed(in(i)))
    return {};
  return badInput(operandName(i) + ": expected " + words + ", got " + in(i).str());
}

Result<void> CoreRules::outIsOne(Predicate allowed, const char *words) const {
  if (allowed(out()))
    return {};
  return badInput(resultName(0) + ": expected " + words + ", got " + out().str());
}

/// Operands and result have one type.
Result<void> CoreRules::same(Predicate allowed, const char *words) const {
  TRY(inIsOne(0, allowed, words));
  for (int64_t i = 1; i < op_.numOperands(); i++)
    TRY(inIs(i, in(0)));
  return outIs(0, in(0));
}

/// An optional mask for lanes of `type`.
Result<void> CoreRules::maskLike(int64_t i, const Type &type) const {
  return op_.operand(i) ? inIs(i, boolLike(type)) : Result<void>();
}

Result<void> CoreRules::types(const std::string &what, const std::vector<Type> &got,
                              const std::vector<Type> &expected) const {
  if (got.size() != expected.size())
    return badInput("expected " + std::to_string(expected.size()) + " " + what + "s, got " +
                    std::to_string(got.size()));
  for (size_t i = 0; i < got.size(); i++)
    TRY(is(what + " " + std::to_string(i), got[i], expected[i]));
  return {};
}

Result<void> CoreRules::intAttr(const char *name, int64_t least) const {
  const Attr *attr = op_.attrs.find(name);
  const int64_t *value = attr ? std::get_if<int64_t>(attr) : nullptr;
  if (value && *value >= least)
    return {};
  return badInput("expected an integer attribute '" + std::string(name) + "' of at least " +
                  std::to_string(least));
}

Result<void> CoreRules::faultAttr() const {
  const Attr *attr = op_.attrs.find("code");
  const std::string *word = attr ? std::get_if<std::string>(attr) : nullptr;
  if (word && faultFromWord(*word))
    return {};
  return badInput("expected the name of a fault as attribute 'code'");
}

Result<void> CoreRules::wordAttr(const char *name,
                                 std::initializer_list<std::string_view> words) const {
  const Attr *attr = op_.attrs.find(name);
  const std::string *value = attr ? std::get_if<std::string>(attr) : nullptr;
  if (value && std::find(words.begin(), words.end(), *value) != words.end())
    return {};
  std::string list;
  for (std::string_view word : words)
    list += (list.empty() ? "" : ", ") + std::string(word);
  return badInput("expected attribute '" + std::string(name) + "' to be one of " + list);
}

Result<void> CoreRules::regions(int64_t low, int64_t high) const {
  if (op_.numRegions() >= low && op_.numRegions() <= high)
    return {};
  return badInput("expected " + std::to_string(low) +
                  (low == high ? "" : " to " + std::to_string(high)) + " regions, got " +
                  std::to_string(op_.numRegions()));
}

Result<void> CoreRules::region(int64_t i, const std::vector<Type> &args,
                               const std::vector<Type> &yields) const {
  const Block &block = op_.region(i);
  TRY(types("region argument", typesOf(block.args()), args));
  return types("yielded value", typesOf(block.terminator()->operands()), yields);
}

Result<void> CoreRules::run() {
  switch (op_.kind()) {
  case OpKind::LoopFor:
  case OpKind::LoopWhile:
  case OpKind::LoopIf:
  case OpKind::TeamParallel:
  case OpKind::TeamSingle:
    break; // they check their number in their own cases
  default:
    TRY(regions(0, 0));
  }
  switch (spec(op_.kind()).family) {
  case Family::Scalar:
    return scalar();
  case Family::Region:
    return inKernel();
  case Family::Vector:
    return vector();
  case Family::Memory:
    return memory();
  case Family::Tile:
    return tiles();
  case Family::Control:
    return control();
  case Family::Frame:
    return frame();
  case Family::Team:
    return team();
  case Family::None:
    break;
  }
  ICE("an op of another level");
}

} // namespace cameo::rules

namespace cameo {

Result<void> verifyCoreOp(const Module &module, const Op &op) {
  return rules::CoreRules(module, op).run();
}

} // namespace cameo
