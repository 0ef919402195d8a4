// Canonical arithmetic on sizes; see Dim.h. Parsing is in DimParse.cpp.
#include "ir/Dim.h"

#include <algorithm>
#include <map>

namespace cameo {
namespace {

// Sums past this many terms come from no real model; refusing them bounds time on hostile ones.
constexpr size_t kMaxTerms = 64;
// The same for the length of a size's text, which bounds products of symbols and nesting.
constexpr size_t kMaxText = 4096;

std::string atomText(const DimAtom &atom) {
  static constexpr const char *kNames[] = {"", "floordiv", "mod", "min", "max", "broadcast"};
  if (atom.kind == DimAtom::Symbol)
    return atom.name;
  return std::string(kNames[atom.kind]) + "(" + atom.a.str() + ", " + atom.b.str() + ")";
}

std::string atomsText(const DimTerm &term) {
  std::string text;
  for (const DimAtom &atom : term.atoms)
    text += (text.empty() ? "" : "*") + atomText(atom);
  return text;
}

/// Adds coefficient * atoms to the text of a sum.
void appendTerm(std::string &text, int64_t coefficient, const std::string &atoms) {
  if (!text.empty() && coefficient >= 0)
    text += '+';
  if (coefficient == -1 && !atoms.empty())
    text += '-';
  else if (coefficient != 1 || atoms.empty())
    text += std::to_string(coefficient) + (atoms.empty() ? "" : "*");
  text += atoms;
}

std::vector<DimTerm> termsOf(const Dim &dim) {
  if (dim.expr())
    return dim.expr()->terms;
  if (dim.value() == 0)
    return {};
  return {DimTerm{dim.value(), {}}};
}

/// The sizes, by text, that a size broadcasts: it alone, or those of the broadcasts that it is.
void collectBroadcast(const Dim &dim, std::map<std::string, Dim> &sizes) {
  const DimExpr *expr = dim.expr();
  bool isProduct = expr && expr->terms.size() == 1 && expr->terms[0].coefficient == 1;
  if (!isProduct || expr->terms[0].atoms.size() != 1 ||
      expr->terms[0].atoms[0].kind != DimAtom::Broadcast) {
    sizes.emplace(dim.str(), dim);
    return;
  }
  collectBroadcast(expr->terms[0].atoms[0].a, sizes);
  collectBroadcast(expr->terms[0].atoms[0].b, sizes);
}

/// Whether a size is min(c, x), c being at least 1 and x among the sizes that it broadcasts with:
/// where they fit, it is x or 1. Exporters add as many rows of a table as there are tokens.
bool isCapped(const Dim &dim, const std::map<std::string, Dim> &sizes) {
  const DimExpr *expr = dim.expr();
  if (!expr || expr->terms.size() != 1 || expr->terms[0].coefficient != 1 ||
      expr->terms[0].atoms.size() != 1 || expr->terms[0].atoms[0].kind != DimAtom::Min)
    return false;
  const DimAtom &atom = expr->terms[0].atoms[0];
  auto isCap = [&](const Dim &cap, const Dim &of) {
    return cap.isConst() && cap.value() >= 1 && sizes.contains(of.str());
  };
  return isCap(atom.a, atom.b) || isCap(atom.b, atom.a);
}

int64_t floorDivide(int64_t a, int64_t b) {
  int64_t quotient = a / b;
  return (a % b != 0 && (a < 0) != (b < 0)) ? quotient - 1 : quotient;
}

} // namespace

Dim Dim::symbol(const std::string &name) {
  DimAtom atom;
  atom.name = name;
  return sumOf({DimTerm{1, {atom}}});
}

Dim Dim::overflow() {
  Dim dim;
  dim.overflow_ = true;
  return dim;
}

std::optional<std::string> Dim::symbolName() const {
  if (!expr_ || expr_->terms.size() != 1)
    return std::nullopt;
  const DimTerm &term = expr_->terms.front();
  if (term.coefficient != 1 || term.atoms.size() != 1 || term.atoms[0].kind != DimAtom::Symbol)
    return std::nullopt;
  return term.atoms[0].name;
}

/// Sorts atoms and terms, merges equal terms, drops zeros.
Dim Dim::sumOf(std::vector<DimTerm> terms) {
  std::map<std::string, DimTerm> merged;
  for (DimTerm &term : terms) {
    std::sort(term.atoms.begin(), term.atoms.end(),
              [](const DimAtom &a, const DimAtom &b) { return atomText(a) < atomText(b); });
    // Moves nothing where there is an entry.
    auto [entry, isNew] = merged.try_emplace(atomsText(term), std::move(term));
    if (!isNew && __builtin_add_overflow(entry->second.coefficient, term.coefficient,
                                         &entry->second.coefficient))
      return overflow();
  }
  if (merged.size() > kMaxTerms)
    return overflow();
  DimExpr canonical;
  Dim constant(0);
  size_t length = 0;
  for (auto &[key, term] : merged) {
    length += key.size();
    if (term.coefficient == 0)
      continue;
    if (term.atoms.empty())
      constant = Dim(term.coefficient);
    appendTerm(canonical.text, term.coefficient, key);
    canonical.terms.push_back(std::move(term));
  }
  if (length > kMaxText)
    return overflow();
  bool isConstant =
      canonical.terms.empty() || (canonical.terms.size() == 1 && canonical.terms[0].atoms.empty());
  return isConstant ? constant : Dim(std::make_shared<const DimExpr>(std::move(canonical)));
}

Dim Dim::opaque(int kind, const Dim &a, const Dim &b) {
  DimAtom atom;
  atom.kind = static_cast<DimAtom::Kind>(kind);
  atom.a = a;
  atom.b = b;
  return sumOf({DimTerm{1, {atom}}});
}

Dim operator+(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return Dim::overflow();
  if (a.isConst() && b.isConst()) {
    int64_t sum;
    return __builtin_add_overflow(a.constant_, b.constant_, &sum) ? Dim::overflow() : Dim(sum);
  }
  std::vector<DimTerm> terms = termsOf(a), more = termsOf(b);
  terms.insert(terms.end(), more.begin(), more.end());
  return Dim::sumOf(std::move(terms));
}

Dim operator-(const Dim &a, const Dim &b) { return a + b * Dim(-1); }

Dim operator*(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return Dim::overflow();
  if (a.isConst() && b.isConst()) {
    int64_t result;
    return __builtin_mul_overflow(a.constant_, b.constant_, &result) ? Dim::overflow()
                                                                     : Dim(result);
  }
  std::vector<DimTerm> left = termsOf(a), right = termsOf(b), terms;
  if (left.size() * right.size() > kMaxTerms * kMaxTerms)
    return Dim::overflow();
  for (const DimTerm &x : left)
    for (const DimTerm &y : right) {
      DimTerm term = x;
      if (__builtin_mul_overflow(x.coefficient, y.coefficient, &term.coefficient))
        return Dim::overflow();
      term.atoms.insert(term.atoms.end(), y.atoms.begin(), y.atoms.end());
      terms.push_back(std::move(term));
    }
  return Dim::sumOf(std::move(terms));
}

std::optional<Dim> Dim::exactDiv(const Dim &a, const Dim &b) {
  std::vector<DimTerm> divisor = termsOf(b);
  if (a.overflow_ || b.overflow_ || divisor.size() != 1)
    return a == b && !divisor.empty() ? std::optional<Dim>(1) : std::nullopt;
  const DimTerm &by = divisor.front();
  std::vector<DimTerm> quotient = termsOf(a);
  for (DimTerm &term : quotient) {
    if (by.coefficient == 0 || (term.coefficient == INT64_MIN && by.coefficient == -1) ||
        term.coefficient % by.coefficient)
      return std::nullopt;
    term.coefficient /= by.coefficient;
    for (const DimAtom &atom : by.atoms) {
      auto same = std::find_if(term.atoms.begin(), term.atoms.end(), [&](const DimAtom &other) {
        return atomText(other) == atomText(atom);
      });
      if (same == term.atoms.end())
        return std::nullopt;
      term.atoms.erase(same);
    }
  }
  return sumOf(std::move(quotient));
}

Dim Dim::floorDiv(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_ || (b.isConst() && b.value() == 0))
    return overflow();
  if (a.isConst() && b.isConst())
    return a.value() == INT64_MIN && b.value() == -1 ? overflow()
                                                     : Dim(floorDivide(a.value(), b.value()));
  if (std::optional<Dim> exact = exactDiv(a, b))
    return *exact;
  return opaque(DimAtom::FloorDiv, a, b);
}

Dim Dim::ceilDiv(const Dim &a, const Dim &b) { return floorDiv(a + b - Dim(1), b); }

Dim Dim::mod(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_ || (b.isConst() && b.value() == 0))
    return overflow();
  if (a.isConst() && b.isConst())
    return b.value() == -1 ? Dim(0)
                           : Dim(a.value() - floorDivide(a.value(), b.value()) * b.value());
  if (exactDiv(a, b))
    return Dim(0);
  return opaque(DimAtom::Mod, a, b);
}

Dim Dim::min(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return overflow();
  if (a == b)
    return a;
  if (a.isConst() && b.isConst())
    return Dim(std::min(a.value(), b.value()));
  return a.str() < b.str() ? opaque(DimAtom::Min, a, b) : opaque(DimAtom::Min, b, a);
}

Dim Dim::max(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return overflow();
  if (a == b)
    return a;
  if (a.isConst() && b.isConst())
    return Dim(std::max(a.value(), b.value()));
  return a.str() < b.str() ? opaque(DimAtom::Max, a, b) : opaque(DimAtom::Max, b, a);
}

Dim Dim::broadcast(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return overflow();
  std::map<std::string, Dim> sizes;
  collectBroadcast(a, sizes);
  collectBroadcast(b, sizes);
  std::erase_if(sizes, [&](const auto &entry) { return isCapped(entry.second, sizes); });
  // Sizes are chained in the order of their texts. Next to a constant above 1 each other size is
  // that constant or 1.
  Dim result(1), constant(1);
  for (const auto &[text, size] : sizes) {
    bool isOne = size == Dim(1), isFirst = result == Dim(1);
    if (size.isConst() && !isOne && !(constant == Dim(1)))
      return overflow();
    if (size.isConst() && !isOne)
      constant = size;
    else if (!isOne)
      result = isFirst ? size : opaque(DimAtom::Broadcast, result, size);
  }
  return constant == Dim(1) ? result : constant;
}

bool operator==(const Dim &a, const Dim &b) {
  if (a.overflow_ || b.overflow_)
    return false;
  if (a.isConst() || b.isConst())
    return a.isConst() && b.isConst() && a.constant_ == b.constant_;
  return a.expr_ == b.expr_ || a.expr_->text == b.expr_->text;
}

void Dim::collectSymbols(std::set<std::string> &names) const {
  for (const DimTerm &term : termsOf(*this))
    for (const DimAtom &atom : term.atoms) {
      if (atom.kind == DimAtom::Symbol)
        names.insert(atom.name);
      atom.a.collectSymbols(names);
      atom.b.collectSymbols(names);
    }
}

Dim Dim::substitute(const std::function<std::optional<Dim>(const std::string &)> &symbol) const {
  if (!expr_)
    return *this;
  Dim sum(0);
  for (const DimTerm &term : expr_->terms) {
    Dim factor(term.coefficient);
    for (const DimAtom &atom : term.atoms) {
      Dim a = atom.a.substitute(symbol), b = atom.b.substitute(symbol);
      switch (atom.kind) {
      case DimAtom::Symbol:
        factor = factor * symbol(atom.name).value_or(Dim::symbol(atom.name));
        break;
      case DimAtom::FloorDiv:
        factor = factor * floorDiv(a, b);
        break;
      case DimAtom::Mod:
        factor = factor * mod(a, b);
        break;
      case DimAtom::Min:
        factor = factor * min(a, b);
        break;
      case DimAtom::Max:
        factor = factor * max(a, b);
        break;
      case DimAtom::Broadcast:
        factor = factor * broadcast(a, b);
        break;
      }
    }
    sum = sum + factor;
  }
  return sum;
}

std::optional<int64_t>
Dim::evaluate(const std::function<std::optional<int64_t>(const std::string &)> &symbol) const {
  Dim result = substitute([&](const std::string &name) -> std::optional<Dim> {
    if (std::optional<int64_t> value = symbol(name))
      return Dim(*value);
    return std::nullopt;
  });
  return result.isConst() ? std::optional<int64_t>(result.value()) : std::nullopt;
}

std::string Dim::str() const {
  if (overflow_)
    return "overflow";
  return expr_ ? expr_->text : std::to_string(constant_);
}

Dim product(const Dims &dims) {
  Dim result(1);
  for (const Dim &dim : dims)
    result = result * dim;
  return result;
}

std::optional<std::vector<int64_t>> constantDims(const Dims &dims) {
  std::vector<int64_t> values;
  for (const Dim &dim : dims) {
    if (!dim.isConst())
      return std::nullopt;
    values.push_back(dim.value());
  }
  return values;
}

std::optional<int64_t> checkedNumElements(const std::vector<int64_t> &dims) {
  // A zero anywhere makes the product zero, yet the other dims must still be sane.
  int64_t count = 1;
  bool empty = false;
  for (int64_t dim : dims) {
    if (dim < 0)
      return std::nullopt;
    if (dim == 0)
      empty = true;
    else if (__builtin_mul_overflow(count, dim, &count))
      return std::nullopt;
  }
  return empty ? 0 : count;
}

} // namespace cameo
