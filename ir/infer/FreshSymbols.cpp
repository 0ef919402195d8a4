// Matching of symbols from one inference of an op to the next; see FreshSymbols.h.
#include "ir/infer/FreshSymbols.h"

#include "ir/Op.h"

namespace cameo {
namespace {

// No symbol of a model or of Module::freshSymbol begins so.
constexpr char kMark = '?';

/// The tensor type inside sequences and optionals.
const Type &innermost(const Type &type) {
  bool wraps = type.kind() == Type::Kind::Sequence || type.kind() == Type::Kind::Optional;
  return wraps ? innermost(type.element()) : type;
}

Dims shapeOf(const Type &type) {
  const Type &tensor = innermost(type);
  return tensor.isRanked() ? tensor.shape() : Dims{};
}

Type withInnerShape(const Type &type, Dims shape) {
  if (type.kind() == Type::Kind::Sequence)
    return Type::sequence(withInnerShape(type.element(), std::move(shape)));
  if (type.kind() == Type::Kind::Optional)
    return Type::optional(withInnerShape(type.element(), std::move(shape)));
  return type.withShape(std::move(shape));
}

void collect(const Dims &dims, std::set<std::string> &symbols) {
  for (const Dim &dim : dims)
    dim.collectSymbols(symbols);
}

void collectRead(const Op &op, std::set<std::string> &symbols) {
  for (const Value *operand : op.operands())
    if (operand) {
      collect(shapeOf(operand->type), symbols);
      collect(operand->known.value_or(Dims{}), symbols);
    }
  for (int64_t i = 0; i < op.numRegions(); i++)
    for (const std::unique_ptr<Op> &inner : op.region(i).ops())
      collectRead(*inner, symbols);
}

} // namespace

FreshSymbols::FreshSymbols(const Op &op) {
  for (int64_t i = 0; i < op.numResults(); i++) {
    before_.push_back(shapeOf(op.result(i)->type));
    before_.push_back(op.result(i)->known.value_or(Dims{}));
  }
  collectRead(op, read_);
}

Dim FreshSymbols::make() {
  std::string number = std::to_string(count_++);
  // The length in front makes the order of names that of numbers.
  return Dim::symbol(kMark + std::to_string(number.size()) + "." + number);
}

std::set<std::string> FreshSymbols::made(const Dim &dim) const {
  std::set<std::string> symbols;
  dim.collectSymbols(symbols);
  std::erase_if(symbols, [](const std::string &name) { return name.front() != kMark; });
  return symbols;
}

/// Symbols that only this op's inference can have made.
std::set<std::string> FreshSymbols::own(const Dim &dim) const {
  std::set<std::string> symbols;
  dim.collectSymbols(symbols);
  std::erase_if(symbols, [&](const std::string &name) {
    return !isFreshSymbol(name) || read_.contains(name);
  });
  return symbols;
}

void FreshSymbols::match(const Dims &before, const Dims &now) {
  for (size_t i = 0; i < now.size() && now.size() == before.size(); i++) {
    std::set<std::string> fresh = made(now[i]), old = own(before[i]);
    if (fresh.size() != 1 || old.size() != 1 || names_.contains(*fresh.begin()))
      continue;
    if (taken_.insert(*old.begin()).second)
      names_.emplace(*fresh.begin(), Dim::symbol(*old.begin()));
  }
}

void FreshSymbols::settle(Module &module, Op &op) {
  if (count_ == 0)
    return;
  for (int64_t i = 0; i < op.numResults(); i++) {
    match(before_[2 * i], shapeOf(op.result(i)->type));
    match(before_[2 * i + 1], op.result(i)->known.value_or(Dims{}));
  }
  auto rename = [&](Dims dims) {
    for (Dim &dim : dims) {
      for (const std::string &name : made(dim))
        if (!names_.contains(name))
          names_.emplace(name, Dim::symbol(module.freshSymbol()));
      dim = dim.substitute([&](const std::string &name) -> std::optional<Dim> {
        auto found = names_.find(name);
        return found == names_.end() ? std::nullopt : std::optional<Dim>(found->second);
      });
    }
    return dims;
  };
  for (int64_t i = 0; i < op.numResults(); i++) {
    Value &result = *op.result(i);
    if (innermost(result.type).isRanked())
      result.type = withInnerShape(result.type, rename(shapeOf(result.type)));
    if (result.known)
      result.known = rename(*result.known);
  }
}

} // namespace cameo
