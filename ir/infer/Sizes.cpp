// Interval arithmetic on size expressions; see Sizes.h.
#include "ir/infer/Sizes.h"

#include <algorithm>

namespace cameo {
namespace {

using Bound = std::optional<int64_t>;

Bound add(Bound a, Bound b) {
  int64_t sum;
  if (!a || !b || __builtin_add_overflow(*a, *b, &sum))
    return std::nullopt;
  return sum;
}

Bound multiply(Bound a, Bound b) {
  int64_t result;
  if (!a || !b || __builtin_mul_overflow(*a, *b, &result))
    return std::nullopt;
  return result;
}

int64_t floorOf(int64_t a, int64_t positive) {
  return Dim::floorDiv(Dim(a), Dim(positive)).value();
}

DimRange quotientRange(const DimRange &a, const DimRange &b) {
  DimRange range;
  if (!a.low || *a.low < 0 || !b.low || *b.low < 0) {
    // Of a dividend of unknown sign, bounds follow only for a constant divisor.
    if (b.low && b.low == b.high && *b.low > 0) {
      range.low = a.low ? Bound(floorOf(*a.low, *b.low)) : std::nullopt;
      range.high = a.high ? Bound(floorOf(*a.high, *b.low)) : std::nullopt;
    }
    return range;
  }
  range.low = b.high && *b.high > 0 ? floorOf(*a.low, *b.high) : 0;
  if (a.high)
    range.high = floorOf(*a.high, std::max<int64_t>(*b.low, 1));
  return range;
}

DimRange atomRange(const DimAtom &atom) {
  if (atom.kind == DimAtom::Symbol)
    return {0, std::nullopt};
  DimRange a = rangeOf(atom.a), b = rangeOf(atom.b);
  switch (atom.kind) {
  case DimAtom::FloorDiv:
    return quotientRange(a, b);
  case DimAtom::Mod:
    if (!b.low || *b.low < 0)
      return {};
    return {0, add(b.high, -1)};
  case DimAtom::Min: {
    Bound low = a.low && b.low ? Bound(std::min(*a.low, *b.low)) : std::nullopt;
    Bound high = a.high && b.high ? std::min(a.high, b.high) : (a.high ? a.high : b.high);
    return {low, high};
  }
  default: {
    Bound high = a.high && b.high ? Bound(std::max(*a.high, *b.high)) : std::nullopt;
    // Broadcasting gives the smaller of two sizes only where that is 0 and the other 1.
    bool isLarger = atom.kind == DimAtom::Max || (a.low && b.low && std::min(*a.low, *b.low) >= 1);
    return {isLarger ? std::max(a.low, b.low) : std::min(a.low, b.low), high};
  }
  }
}

DimRange termRange(const DimTerm &term) {
  // Factors of unknown sign leave nothing to say about the product.
  DimRange range{1, 1};
  for (const DimAtom &atom : term.atoms) {
    DimRange factor = atomRange(atom);
    if (!factor.low || *factor.low < 0) {
      if (term.atoms.size() > 1)
        return {};
      range = factor;
      break;
    }
    range = {multiply(range.low, factor.low), multiply(range.high, factor.high)};
  }
  DimRange scaled{multiply(range.low, term.coefficient), multiply(range.high, term.coefficient)};
  if (term.coefficient < 0)
    std::swap(scaled.low, scaled.high);
  return scaled;
}

void countAtoms(const Dim &dim, int64_t &left) {
  if (!dim.expr())
    return;
  for (const DimTerm &term : dim.expr()->terms) {
    left--;
    for (const DimAtom &atom : term.atoms) {
      if (--left < 0)
        return;
      countAtoms(atom.a, left);
      countAtoms(atom.b, left);
    }
  }
}

} // namespace

DimRange rangeOf(const Dim &dim) {
  if (dim.isOverflow())
    return {};
  if (dim.isConst())
    return {dim.value(), dim.value()};
  DimRange sum{0, 0};
  for (const DimTerm &term : dim.expr()->terms) {
    DimRange range = termRange(term);
    sum = {add(sum.low, range.low), add(sum.high, range.high)};
  }
  return sum;
}

bool provablyAtLeast(const Dim &a, const Dim &b) {
  Bound low = rangeOf(a - b).low;
  return low && *low >= 0;
}

bool provablyGreater(const Dim &a, const Dim &b) { return provablyAtLeast(a, b + Dim(1)); }

std::optional<Dim> truncDiv(const Dim &a, const Dim &b) {
  if (a.isConst() && b.isConst()) {
    if (b.value() == 0 || (a.value() == INT64_MIN && b.value() == -1))
      return std::nullopt;
    return Dim(a.value() / b.value());
  }
  if (std::optional<Dim> exact = Dim::exactDiv(a, b); exact && provablyAtLeast(b, Dim(0)))
    return exact;
  if (!provablyAtLeast(a, Dim(0)) || !provablyAtLeast(b, Dim(0)))
    return std::nullopt;
  Dim quotient = Dim::floorDiv(a, b);
  return quotient.isOverflow() ? std::nullopt : std::optional<Dim>(quotient);
}

bool isComplex(const Dim &dim, int64_t limit) {
  countAtoms(dim, limit);
  return limit < 0;
}

} // namespace cameo
