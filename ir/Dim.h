// A size: a constant, a symbol, or an integer expression over symbols in canonical form, so that
// two ways of computing the same size compare equal (Swin's windows are `64*N` however they came
// about). The form is a sum of products; division, remainder, minimum, maximum and broadcasting are
// opaque factors. Values are immutable and cheap to copy; a constant allocates nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

struct DimExpr;
struct DimTerm;

class Dim {
public:
  Dim(int64_t constant = 0) : constant_(constant) {}
  /// A size known by name only. Names are identifiers; distinct symbols are neither assumed equal
  /// nor different.
  static Dim symbol(const std::string &name);
  /// What arithmetic gives when a constant leaves int64; equal to nothing, not even itself.
  static Dim overflow();

  bool isConst() const { return !expr_ && !overflow_; }
  bool isOverflow() const { return overflow_; }
  /// The constant; only for isConst().
  int64_t value() const { return constant_; }
  /// The symbol's name if this is a bare symbol.
  std::optional<std::string> symbolName() const;

  friend Dim operator+(const Dim &a, const Dim &b);
  friend Dim operator-(const Dim &a, const Dim &b);
  friend Dim operator*(const Dim &a, const Dim &b);
  /// Rounds towards minus infinity; exact when b divides every term of a. A zero divisor is
  /// overflow.
  static Dim floorDiv(const Dim &a, const Dim &b);
  static Dim ceilDiv(const Dim &a, const Dim &b);
  /// Remainder of floorDiv.
  static Dim mod(const Dim &a, const Dim &b);
  static Dim min(const Dim &a, const Dim &b);
  static Dim max(const Dim &a, const Dim &b);
  /// The size that a and b broadcast to: b where a is 1, else a. Relies on their being equal or one
  /// of them 1; two constants that are not give overflow. Order and repetition make no difference.
  static Dim broadcast(const Dim &a, const Dim &b);
  friend bool operator==(const Dim &a, const Dim &b);

  /// The quotient if b divides a exactly whatever the symbols' values (64*N / N), else nothing.
  static std::optional<Dim> exactDiv(const Dim &a, const Dim &b);

  void collectSymbols(std::set<std::string> &names) const;
  /// The value for given symbol values; nothing on overflow or an unknown symbol.
  std::optional<int64_t>
  evaluate(const std::function<std::optional<int64_t>(const std::string &)> &symbol) const;
  /// The same expression with symbols replaced (symbols without a replacement stay).
  Dim substitute(const std::function<std::optional<Dim>(const std::string &)> &symbol) const;

  /// `3`, `N`, `2*N+1`, `floordiv(N+1, 2)`.
  std::string str() const;
  /// The inverse of str(); nothing if malformed.
  static std::optional<Dim> parse(std::string_view text);

  const DimExpr *expr() const { return expr_.get(); }

private:
  friend struct DimExpr;
  explicit Dim(std::shared_ptr<const DimExpr> expr) : expr_(std::move(expr)) {}
  static Dim sumOf(std::vector<DimTerm> terms);
  static Dim opaque(int kind, const Dim &a, const Dim &b);

  int64_t constant_ = 0;
  bool overflow_ = false;
  std::shared_ptr<const DimExpr> expr_;
};

/// An indivisible factor of a product: a symbol or an opaque function of two sizes.
struct DimAtom {
  enum Kind { Symbol, FloorDiv, Mod, Min, Max, Broadcast } kind = Symbol;
  std::string name;
  Dim a, b;
};

/// coefficient * product of atoms, atoms sorted by text.
struct DimTerm {
  int64_t coefficient = 0;
  std::vector<DimAtom> atoms;
};

/// A sum of terms sorted by text, no two with the same atoms, none with coefficient 0. A term
/// without atoms is the constant part.
struct DimExpr {
  std::vector<DimTerm> terms;
  /// Kept, as sizes are compared by it.
  std::string text;
};

using Dims = std::vector<Dim>;

/// Product of the sizes; 1 for none.
Dim product(const Dims &dims);
/// The constants, or nothing if some dim is not constant.
std::optional<std::vector<int64_t>> constantDims(const Dims &dims);
/// Number of elements of a constant shape; nothing if a dim is negative or the product overflows.
std::optional<int64_t> checkedNumElements(const std::vector<int64_t> &dims);

} // namespace cameo
