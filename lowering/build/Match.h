// Patterns over values. A pattern is written as the formula that it looks for,
//
//   const Capture x;
//   const Pattern gelu = 0.5 * x * (1 + erf(x * M_SQRT1_2));
//   if (std::optional<Match> m = gelu.match(op.result()))
//     ... m->at(x) ...
//
// and finds it however it is computed. Products and sums are matched as a whole: factors and terms
// come in any order and grouping, `Div`, `Reciprocal`, `Sqrt` and `Pow` by a number are powers of a
// factor, `Sub` and `Neg` are signs, and all numbers of one product or sum are one number. Other
// ops are matched one by one. Every possible assignment is tried before a pattern gives up.
//
// Patterns are made once and kept (`static const`), since making one allocates.
#pragma once

#include "ir/Op.h"

#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace cameo::match {

/// A value that a pattern leaves open. Where it occurs again it is the same value (`sameValue` in
/// Shapes.h). Patterns refer to it by its address.
class Capture {
public:
  Capture() = default;
  Capture(const Capture &) = delete;
};

/// A number that a pattern leaves open: of a constant, a product or a sum (1 or 0 where that has
/// none), or of an op (`Pattern::with`).
class Number {
public:
  Number() = default;
  Number(const Number &) = delete;
};

/// What a pattern was found to be.
class Match {
public:
  /// nullptr if the alternative that matched does not have it, or the operand is absent.
  Value *at(const Capture &capture) const;
  /// The pattern must have it in all its alternatives.
  double at(const Number &number) const;
  /// The ops that the pattern describes, the root first; an op that is part of it twice is there
  /// twice.
  const std::vector<Op *> &ops() const { return ops_; }

private:
  friend struct State;
  std::vector<std::pair<const Capture *, Value *>> values_;
  std::vector<std::pair<const Number *, double>> numbers_;
  std::vector<Op *> ops_;
};

class Pattern {
public:
  struct Node;

  /// A constant of this number: a scalar, or a tensor whose elements are all equal. Numbers are
  /// equal within what float32 rounds off a few times.
  Pattern(double number); // NOLINT: patterns are written as formulas
  Pattern(const Number &number);
  Pattern(const Capture &capture);
  explicit Pattern(std::shared_ptr<const Node> node) : node_(std::move(node)) {}

  /// Matches a value that can be replaced as a whole: the ops between the root and the captures are
  /// in the root's block and have no other users.
  std::optional<Match> match(Value *root) const;
  /// The same where ops may have other users, for passes that only look.
  std::optional<Match> matchShared(Value *root) const;

  /// The pattern for values of which `holds` is true.
  Pattern where(std::function<bool(Value &)> holds) const;
  /// The pattern, whose value is captured.
  Pattern as(const Capture &capture) const;
  /// The pattern for values for which `measure` gives a number, which is captured.
  Pattern with(const Number &number, std::function<std::optional<double>(Value &)> measure) const;

  const std::shared_ptr<const Node> &node() const { return node_; }

private:
  std::shared_ptr<const Node> node_;
};

/// Any value.
Pattern any();
/// The result of a Constant.
Pattern constant();
/// An operand that may be absent.
Pattern maybe(const Pattern &pattern);
/// The only or first result of an op, whatever its operands are.
Pattern op(OpKind kind);
/// The same with these operands; further ones are absent. Two operands of a commutative op may come
/// in either order.
Pattern op(OpKind kind, std::initializer_list<Pattern> operands);
/// The value itself, or what a Cast without loss makes wider.
Pattern widened(const Pattern &pattern);

/// Either pattern.
Pattern operator|(const Pattern &a, const Pattern &b);

Pattern operator+(const Pattern &a, const Pattern &b);
Pattern operator-(const Pattern &a, const Pattern &b);
Pattern operator-(const Pattern &a);
Pattern operator*(const Pattern &a, const Pattern &b);
Pattern operator/(const Pattern &a, const Pattern &b);
/// The exponent is 0.5, -0.5 or a whole number other than 0, from -4 to 4.
Pattern pow(const Pattern &base, double exponent);
Pattern sqrt(const Pattern &x);
Pattern exp(const Pattern &x);
Pattern log(const Pattern &x);
Pattern erf(const Pattern &x);
Pattern tanh(const Pattern &x);

} // namespace cameo::match
