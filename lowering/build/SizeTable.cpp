// See SizeTable.h.
#include "lowering/build/SizeTable.h"

#include "ir/Fault.h"
#include "runtime/abi.h"

#include <algorithm>
#include <set>

namespace cameo {
namespace {

void fail(LoopBuilder &b, int64_t code, int64_t node, Value *x, Value *y) {
  AttrDict attrs;
  attrs.set("code", faultWord(code));
  attrs.set("node", node);
  b.create(OpKind::TeamFail, {x, y}, {}, std::move(attrs));
}

/// Writes the arithmetic of sizes, collecting whether any step overflowed.
Value *isOutside(LoopBuilder &b, Value *position, Value *size) {
  return b.binary(OpKind::ScalarOr, b.cmp("lt", position, b.index(0)), b.cmp("ge", position, size));
}

/// How a message calls position `at`, whose value is given: as it was counted.
Value *asCounted(LoopBuilder &b, const Dim &at, const Dim &extent, Value *position) {
  Dim fromEnd = at - extent;
  return fromEnd.isConst() ? b.index(fromEnd.value()) : position;
}

struct SizeWriter {
  const std::map<std::string, int64_t> &entries;
  LoopBuilder &b;
  Value *overflow;

  Value *checked(OpKind kind, Value *x, Value *y) {
    Op *op = b.create(kind, {x, y}, {Type::index(), Type::scalar(DType::Bool)});
    overflow = b.binary(OpKind::ScalarOr, overflow, op->result(1));
    return op->result(0);
  }

  Value *symbol(const std::string &name) { return SizeTable::valueOf(b, entries.at(name)); }

  Value *atom(const DimAtom &atom) {
    if (atom.kind == DimAtom::Symbol)
      return symbol(atom.name);
    Value *x = size(atom.a), *y = size(atom.b), *zero = b.index(0);
    if (atom.kind == DimAtom::Min)
      return b.min(x, y);
    if (atom.kind == DimAtom::Max)
      return b.max(x, y);
    if (atom.kind == DimAtom::Broadcast)
      return b.select(b.cmp("eq", x, b.index(1)), y, x);
    // Floor division from truncating division: one less where the remainder's sign is not y's.
    Value *quotient = b.div(x, y), *remainder = b.rem(x, y);
    Value *apart = b.binary(OpKind::ScalarXor, b.cmp("lt", remainder, zero), b.cmp("lt", y, zero));
    Value *adjust = b.binary(OpKind::ScalarAnd, apart, b.cmp("ne", remainder, zero));
    if (atom.kind == DimAtom::Mod)
      return b.select(adjust, b.add(remainder, y), remainder);
    return b.select(adjust, b.sub(quotient, b.index(1)), quotient);
  }

  /// Zero where a factor is, however large the others are: [n, m] has no elements then.
  Value *product(const DimTerm &term) {
    LoopBuilder::Values factors;
    for (const DimAtom &factor : term.atoms)
      factors.push_back(atom(factor));
    Value *before = overflow, *product = b.index(term.coefficient), *isZero = nullptr;
    overflow = b.constantInt(Type::scalar(DType::Bool), 0);
    for (Value *factor : factors) {
      product = checked(OpKind::IndexCheckedMul, product, factor);
      Value *zero = b.cmp("eq", factor, b.index(0));
      isZero = isZero ? b.binary(OpKind::ScalarOr, isZero, zero) : zero;
    }
    if (factors.size() > 1)
      overflow = b.binary(OpKind::ScalarAnd, overflow, b.unary(OpKind::ScalarNot, isZero));
    overflow = b.binary(OpKind::ScalarOr, before, overflow);
    return product;
  }

  Value *size(const Dim &dim) {
    ICE_UNLESS(!dim.isOverflow(), "a size that overflows is left");
    if (!dim.expr())
      return b.index(dim.value());
    Value *sum = nullptr;
    for (const DimTerm &term : dim.expr()->terms) {
      Value *product = this->product(term);
      sum = sum ? checked(OpKind::IndexCheckedAdd, sum, product) : product;
    }
    return sum;
  }

  /// A constant position relative to the end of the dim is shown as the user wrote it, negative.
  void requireElement(const Dim &at, const Dim &extent, int64_t node) {
    Value *position = size(at), *size = this->size(extent);
    failIf(isOutside(b, position, size), CAMEO_FAULT_INDEX_RANGE,
           asCounted(b, at, extent, position), size, node);
  }

  void failIf(Value *wrong, int64_t code, Value *a, Value *second, int64_t node) {
    b.ifThen(wrong, [&] { fail(b, code, node, a, second); });
    overflow = b.binary(OpKind::ScalarOr, overflow, wrong);
  }
};

/// Whether two sizes are not in the relation.
Value *violates(LoopBuilder &b, Relation relation, Value *x, Value *y) {
  Value *one = b.index(1), *zero = b.index(0);
  auto isNot = [&](Value *size, Value *other) { return b.cmp("ne", size, other); };
  auto also = [&](Value *p, Value *q) { return b.binary(OpKind::ScalarAnd, p, q); };
  switch (relation) {
  case Relation::Equal:
    return isNot(x, y);
  case Relation::Broadcast:
    return also(isNot(x, y), also(isNot(x, one), isNot(y, one)));
  case Relation::BroadcastTo:
    return also(isNot(x, y), isNot(x, one));
  case Relation::Multiple:
    // x rem 0 is 0.
    return b.binary(OpKind::ScalarOr, b.cmp("eq", y, zero), isNot(b.rem(x, y), zero));
  case Relation::AtMost:
    return b.cmp("gt", x, y);
  }
  ICE("a relation without a meaning");
}

// The group of entries that something else sets.
constexpr int64_t kGiven = -1;

std::string functionOf(int64_t group) { return "sizes_" + std::to_string(group); }

} // namespace

SizeTable::SizeTable(std::vector<std::string> symbols) : symbols_(std::move(symbols)) {
  for (size_t i = 0; i < symbols_.size(); i++)
    entries_[symbols_[i]] = static_cast<int64_t>(i);
}

int64_t SizeTable::numEntries() const {
  return static_cast<int64_t>(symbols_.size() + derived_.size());
}

int64_t SizeTable::entry(const Dim &dim) {
  auto [found, isNew] = entries_.try_emplace(dim.str(), numEntries());
  if (!isNew)
    return found->second;
  derived_.push_back({dim, groupOf(dim)});
  return found->second;
}

int64_t SizeTable::groupOf(const Dim &dim) const {
  std::set<std::string> used;
  dim.collectSymbols(used);
  int64_t group = 0;
  for (const std::string &symbol : used)
    if (auto known = groups_.find(symbol); known != groups_.end())
      group = std::max(group, known->second);
  return group;
}

void SizeTable::define(const std::string &symbol, const Dim &dim) {
  entries_[symbol] = numEntries();
  derived_.push_back({dim, 0});
}

std::string SizeTable::defineAtRunTime(const std::vector<std::string> &symbols) {
  int64_t group = numGroups_++;
  for (const std::string &symbol : symbols) {
    groups_[symbol] = group;
    entries_[symbol] = numEntries();
    derived_.push_back({Dim::symbol(symbol), kGiven});
    requireNonNegative(Dim::symbol(symbol));
  }
  return functionOf(group);
}

Value *SizeTable::valueOf(LoopBuilder &b, int64_t entry) {
  AttrDict attrs;
  attrs.set("index", entry);
  return b.create(OpKind::FrameDim, {}, {Type::index()}, std::move(attrs))->result();
}

Value *SizeTable::value(LoopBuilder &b, const Dim &dim) {
  return dim.isConst() ? b.index(dim.value()) : valueOf(b, entry(dim));
}

PortDim SizeTable::unknownDim() {
  auto [entry, isNew] = entries_.try_emplace("?", numEntries());
  if (isNew)
    derived_.push_back({Dim::symbol("?"), kGiven});
  return {-1, entry->second};
}

PortDim SizeTable::portDim(const Dim &dim) {
  PortDim port;
  if (dim.isConst())
    port.constant = dim.value();
  else
    port.entry = entry(dim);
  return port;
}

void SizeTable::requireNonNegative(const Dim &dim) {
  if (!dim.isConst())
    nonNegative_.push_back(dim);
}

void SizeTable::requireElements(const Dim &first, const Dim &last, const Dim &extent,
                                int64_t node) {
  elements_.push_back({first, last, extent, node});
}

void SizeTable::requireElementsHere(LoopBuilder &b, const Dim &first, const Dim &last,
                                    const Dim &extent, int64_t node) {
  Value *size = value(b, extent);
  for (const Dim &at : {first, last}) {
    Value *position = value(b, at);
    b.ifThen(isOutside(b, position, size), [&] {
      fail(b, CAMEO_FAULT_INDEX_RANGE, node, asCounted(b, at, extent, position), size);
    });
  }
}

bool SizeTable::knows(const Dim &dim) const {
  std::set<std::string> used;
  dim.collectSymbols(used);
  return std::all_of(used.begin(), used.end(),
                     [&](const std::string &symbol) { return entries_.count(symbol) > 0; });
}

bool SizeTable::knowsAtHead(const Dim &dim) const { return knows(dim) && groupOf(dim) == 0; }

void SizeTable::require(Relation relation, const Dim &a, const Dim &b, int64_t code, int64_t node) {
  auto isSame = [&](const Related &other) {
    return other.relation == relation && other.a == a && other.b == b && other.code == code;
  };
  if (std::none_of(related_.begin(), related_.end(), isSame))
    related_.push_back({relation, a, b, code, node});
}

void SizeTable::requireHere(LoopBuilder &b, Relation relation, const Dim &x, const Dim &y,
                            int64_t code, int64_t node) {
  Value *first = value(b, x), *second = value(b, y);
  b.ifThen(violates(b, relation, first, second), [&] { fail(b, code, node, first, second); });
}

/// Writes the entries of a group and its checks; whether a size is not right.
Value *SizeTable::emitGroup(LoopBuilder &b, int64_t group) const {
  SizeWriter writer{entries_, b, b.constantInt(Type::scalar(DType::Bool), 0)};
  for (size_t i = 0; i < derived_.size(); i++) {
    if (derived_[i].group != group)
      continue;
    AttrDict attrs;
    attrs.set("index", static_cast<int64_t>(symbols_.size() + i));
    b.create(OpKind::FrameSetDim, {writer.size(derived_[i].dim)}, {}, std::move(attrs));
  }
  for (const Related &sizes : related_) {
    if (group != 0)
      break;
    Value *x = writer.size(sizes.a), *y = writer.size(sizes.b);
    writer.failIf(violates(b, sizes.relation, x, y), sizes.code, x, y, sizes.node);
  }
  // Symbols of later groups take values on the way, as a loop's results grow, that no op sees: what
  // reads the final ones checks what follows from them.
  for (const Dim &dim : nonNegative_)
    if (groupOf(dim) == group && (group == 0 || dim.symbolName()))
      writer.overflow =
          b.binary(OpKind::ScalarOr, writer.overflow, b.cmp("lt", writer.size(dim), b.index(0)));
  for (const Elements &needed : elements_) {
    if (group != 0)
      break;
    writer.requireElement(needed.first, needed.extent, needed.node);
    if (!(needed.last == needed.first))
      writer.requireElement(needed.last, needed.extent, needed.node);
  }
  return writer.overflow;
}

void SizeTable::emit(Module &module) const {
  Func *func = module.addFunc("sizes");
  func->attrs.set("kind", std::string("sizes"));
  LoopBuilder b(module, func->body);
  Value *wrong = emitGroup(b, 0);
  Type status = Type::scalar(DType::I32);
  b.ret({b.select(wrong, b.constantInt(status, 1), b.constantInt(status, 0))});
  for (int64_t group = 1; group < numGroups_; group++) {
    Func *later = module.addFunc(functionOf(group));
    later->attrs.set("kind", std::string("kernel"));
    LoopBuilder in(module, later->body);
    Value *failed = emitGroup(in, group);
    in.ifThen(failed, [&] {
      AttrDict attrs;
      attrs.set("code", faultWord(CAMEO_FAULT_SIZES));
      attrs.set("node", int64_t{-1});
      in.create(OpKind::TeamFail, {}, {}, std::move(attrs));
    });
    in.ret();
  }
}

} // namespace cameo
