// See Match.h. Nodes pass on a continuation, what is still to be matched behind them, so that a
// node with several ways to match can try the next one when what follows fails. Whatever a node has
// added to the state it takes away again before it returns false.
#include "lowering/build/Match.h"

#include "ir/Result.h"
#include "lowering/build/Shapes.h"

#include <algorithm>
#include <cmath>

namespace cameo::match {

// Constants were rounded to float32 on their way, and products of them once more.
constexpr double kTolerance = 2e-6;
// Longer chains are no pattern's, and graphs may have chains of any length.
constexpr size_t kMostOpsOfChain = 12;

using Next = std::function<bool()>;

struct State {
  Match match;

  /// Each binds, goes on, and unbinds if that fails.
  bool bind(const Capture &capture, Value *value, const Next &next);
  bool bind(const Number &number, double value, const Next &next);
  bool enter(const std::vector<Op *> &ops, const Next &next);
};

struct Pattern::Node {
  virtual ~Node() = default;
  virtual bool match(Value &value, State &state, const Next &next) const = 0;
  virtual bool mayBeAbsent() const { return false; }

  bool matchOperand(Value *value, State &state, const Next &next) const {
    return value ? match(*value, state, next) : mayBeAbsent() && next();
  }
};

namespace {

bool isNear(double a, double b) { return std::abs(a - b) <= kTolerance * std::abs(b); }

/// The number that all elements of a constant are. Only small constants are looked at: those of
/// formulas are.
std::optional<double> numberOf(Value *value) {
  constexpr int64_t kMostElements = 4096;
  ConstRef data = constantData(value);
  return data && data->numElements() <= kMostElements ? uniformValue(value) : std::nullopt;
}

/// What a key is bound to, or nullptr.
template <class Key, class T>
const T *boundIn(const std::vector<std::pair<const Key *, T>> &list, const Key &key) {
  for (const auto &[other, value] : list)
    if (other == &key)
      return &value;
  return nullptr;
}

template <class Key, class T>
bool bindIn(std::vector<std::pair<const Key *, T>> &list, const Key &key, T value,
            const Next &next) {
  list.emplace_back(&key, value);
  if (next())
    return true;
  list.pop_back();
  return false;
}

bool isCommutative(OpKind kind) {
  switch (kind) {
  case OpKind::Add:
  case OpKind::Mul:
  case OpKind::Max:
  case OpKind::Min:
  case OpKind::And:
  case OpKind::Or:
  case OpKind::Equal:
    return true;
  default:
    return false;
  }
}

/// Matches as a function says.
struct FunctionNode : Pattern::Node {
  using Function = std::function<bool(Value &, State &, const Next &)>;
  Function function;
  explicit FunctionNode(Function function) : function(std::move(function)) {}
  bool match(Value &value, State &state, const Next &next) const override {
    return function(value, state, next);
  }
};

Pattern matching(FunctionNode::Function function) {
  return Pattern(std::make_shared<FunctionNode>(std::move(function)));
}

/// A number, or an open one.
struct NumberNode : Pattern::Node {
  double value;
  const Number *number;
  NumberNode(double value, const Number *number) : value(value), number(number) {}
  bool match(Value &constant, State &state, const Next &next) const override {
    std::optional<double> actual = numberOf(&constant);
    if (!actual)
      return false;
    return number ? state.bind(*number, *actual, next) : isNear(*actual, value) && next();
  }
};

struct MaybeNode : Pattern::Node {
  Pattern inner;
  explicit MaybeNode(const Pattern &inner) : inner(inner) {}
  bool mayBeAbsent() const override { return true; }
  bool match(Value &value, State &state, const Next &next) const override {
    return inner.node()->match(value, state, next);
  }
};

// Ops.

struct OpNode : Pattern::Node {
  OpKind kind;
  bool anyOperands;
  std::vector<Pattern> operands;
  OpNode(OpKind kind, bool anyOperands, std::vector<Pattern> operands)
      : kind(kind), anyOperands(anyOperands), operands(std::move(operands)) {}

  bool match(Value &value, State &state, const Next &next) const override {
    Op *op = value.definingOp();
    if (!op || op->kind() != kind || value.index() != 0)
      return false;
    return state.enter({op}, [&] {
      if (anyOperands)
        return next();
      if (matchFrom(0, *op, false, state, next))
        return true;
      bool mayTurn = isCommutative(kind) && operands.size() == 2 && op->numOperands() == 2;
      return mayTurn && matchFrom(0, *op, true, state, next);
    });
  }

  bool matchFrom(size_t i, Op &op, bool turned, State &state, const Next &next) const {
    if (i == operands.size()) {
      for (int64_t rest = static_cast<int64_t>(i); rest < op.numOperands(); rest++)
        if (op.operand(rest))
          return false;
      return next();
    }
    Value *operand = op.operand(static_cast<int64_t>(turned ? 1 - i : i));
    return operands[i].node()->matchOperand(
        operand, state, [&] { return matchFrom(i + 1, op, turned, state, next); });
  }
};

// Products and sums.

/// A factor with its power, or a term with its sign.
template <class T> struct Leaf {
  T what;
  double weight;
};

using Parts = std::vector<Leaf<Value *>>;

/// A product or a sum of the graph, taken apart.
struct Chain {
  double number;
  Parts leaves = {};
  std::vector<Op *> ops = {};
};

struct ChainNode : Pattern::Node {
  double value; // the number's, or what is multiplied with the open one or added to it
  const Number *number = nullptr;
  std::vector<Leaf<Pattern>> leaves;

  explicit ChainNode(double identity) : value(identity) {}

  /// Adds the operands of the op to `parts`, and its numbers to the chain's; false if it is not of
  /// this kind of chain.
  virtual bool open(Op &op, double weight, Chain &chain, Parts &parts) const = 0;
  virtual double identity() const = 0;
  /// What the open number is if the whole number is this.
  virtual double openNumber(double whole) const = 0;

  bool match(Value &root, State &state, const Next &next) const override {
    return cut({{&root, 1}}, Chain{identity()}, state, next);
  }

  /// Takes what is to do apart in every way that gives as many leaves as the pattern has: a value
  /// may be a leaf though it is a product or a sum itself.
  bool cut(Parts toDo, Chain chain, State &state, const Next &next) const {
    while (!toDo.empty()) {
      if (chain.leaves.size() + toDo.size() > leaves.size())
        return false;
      Leaf<Value *> part = toDo.back();
      toDo.pop_back();
      if (mayOpen(*part.what, chain)) {
        Chain opened = chain;
        Parts parts = toDo;
        opened.ops.push_back(part.what->definingOp());
        if (open(*part.what->definingOp(), part.weight, opened, parts) &&
            cut(std::move(parts), std::move(opened), state, next))
          return true;
      }
      chain.leaves.push_back(part);
    }
    return matchLeaves(chain, state, next);
  }

  /// Below the root, only if nothing else uses the value.
  bool mayOpen(const Value &value, const Chain &chain) const {
    return value.definingOp() && (chain.ops.empty() || value.hasOneUse()) &&
           chain.ops.size() < kMostOpsOfChain && isFloat(value.type.dtype()) &&
           value.type.isRanked();
  }

  bool matchLeaves(const Chain &chain, State &state, const Next &next) const {
    if (chain.leaves.size() != leaves.size())
      return false;
    auto rest = [&] {
      std::vector<bool> used(leaves.size());
      return state.enter(chain.ops, [&] { return assign(0, chain, used, state, next); });
    };
    return number ? state.bind(*number, openNumber(chain.number), rest)
                  : isNear(chain.number, value) && rest();
  }

  /// Operand i if it is a number that does not change the shape of the other operand.
  static std::optional<double> numberIn(Op &op, int64_t i) {
    bool keepsShape = op.operand(1 - i)->type.isRanked() &&
                      op.operand(1 - i)->type.shape() == op.result()->type.shape();
    return keepsShape ? numberOf(op.operand(i)) : std::nullopt;
  }

  /// Finds leaves of the chain for the pattern's leaves from i on.
  bool assign(size_t i, const Chain &chain, std::vector<bool> &used, State &state,
              const Next &next) const {
    if (i == leaves.size())
      return next();
    for (size_t k = 0; k < chain.leaves.size(); k++) {
      if (used[k] || chain.leaves[k].weight != leaves[i].weight)
        continue;
      used[k] = true;
      if (leaves[i].what.node()->match(*chain.leaves[k].what, state,
                                       [&] { return assign(i + 1, chain, used, state, next); }))
        return true;
      used[k] = false;
    }
    return false;
  }
};

struct SumNode : ChainNode {
  SumNode() : ChainNode(0) {}
  double identity() const override { return 0; }
  double openNumber(double whole) const override { return whole - value; }

  bool open(Op &op, double sign, Chain &chain, Parts &parts) const override {
    if (op.kind() == OpKind::Neg) {
      parts.push_back({op.operand(0), -sign});
      return true;
    }
    if (op.kind() != OpKind::Add && op.kind() != OpKind::Sub)
      return false;
    for (int64_t i = 0; i < 2; i++) {
      double own = i == 1 && op.kind() == OpKind::Sub ? -sign : sign;
      if (std::optional<double> term = numberIn(op, i))
        chain.number += own * *term;
      else
        parts.push_back({op.operand(i), own});
    }
    return true;
  }
};

struct ProductNode : ChainNode {
  ProductNode() : ChainNode(1) {}
  double identity() const override { return 1; }
  double openNumber(double whole) const override { return whole / value; }

  bool open(Op &op, double power, Chain &chain, Parts &parts) const override {
    if (std::abs(power) != 1)
      return false; // a root of a product is none of its factors
    switch (op.kind()) {
    case OpKind::Mul:
    case OpKind::Div:
      for (int64_t i = 0; i < 2; i++) {
        double own = i == 1 && op.kind() == OpKind::Div ? -power : power;
        if (std::optional<double> factor = numberIn(op, i))
          chain.number *= std::pow(*factor, own);
        else
          parts.push_back({op.operand(i), own});
      }
      return true;
    case OpKind::Neg:
      chain.number = -chain.number;
      parts.push_back({op.operand(0), power});
      return true;
    case OpKind::Reciprocal:
      parts.push_back({op.operand(0), -power});
      return true;
    case OpKind::Sqrt:
      parts.push_back({op.operand(0), power / 2});
      return true;
    case OpKind::Pow:
      return openPower(op, power, parts);
    default:
      return false;
    }
  }

  /// A whole power is as many factors.
  static bool openPower(Op &op, double power, Parts &parts) {
    std::optional<double> exponent = numberIn(op, 1);
    double size = std::abs(exponent.value_or(0));
    bool isRoot = size == 0.5, isWhole = size >= 1 && size <= 4 && size == std::floor(size);
    if (!isRoot && !isWhole)
      return false;
    double each = std::copysign(isRoot ? 0.5 : 1, *exponent) * power;
    parts.insert(parts.end(), isRoot ? 1 : static_cast<size_t>(size), {op.operand(0), each});
    return true;
  }
};

/// Adds a pattern to a chain: numbers to its number, leaves of such chains to its leaves.
template <class T> void append(T &chain, const Pattern &pattern, double weight) {
  auto addNumber = [&](double value, const Number *number) {
    ICE_UNLESS(!number || (!chain.number && weight == 1), "an open number among others");
    chain.value = std::is_same_v<T, SumNode> ? chain.value + weight * value
                                             : chain.value * std::pow(value, weight);
    chain.number = number ? number : chain.number;
  };
  if (auto *leaf = dynamic_cast<const NumberNode *>(pattern.node().get())) {
    addNumber(leaf->number ? chain.identity() : leaf->value, leaf->number);
  } else if (auto *inner = dynamic_cast<const T *>(pattern.node().get());
             inner && std::abs(weight) == 1) {
    addNumber(inner->value, inner->number);
    for (const Leaf<Pattern> &part : inner->leaves)
      chain.leaves.push_back({part.what, part.weight * weight});
  } else {
    chain.leaves.push_back({pattern, weight});
  }
}

template <class T>
Pattern chainOf(std::initializer_list<std::pair<const Pattern *, double>> parts) {
  auto chain = std::make_shared<T>();
  for (auto [pattern, weight] : parts)
    append(*chain, *pattern, weight);
  return Pattern(chain);
}

std::optional<Match> matchRoot(const Pattern &pattern, Value *root, bool isReplaced) {
  State state;
  auto isWhole = [&] {
    const std::vector<Op *> &ops = state.match.ops();
    auto isInside = [&](Op *user) { return std::find(ops.begin(), ops.end(), user) != ops.end(); };
    return std::all_of(ops.begin(), ops.end(), [&](Op *op) {
      return op == root->definingOp() ||
             (op->block() == root->definingOp()->block() &&
              std::all_of(op->results().begin(), op->results().end(), [&](const auto &result) {
                return std::all_of(result->users().begin(), result->users().end(), isInside);
              }));
    });
  };
  bool found =
      root && pattern.node()->match(*root, state, [&] { return !isReplaced || isWhole(); });
  return found ? std::optional(std::move(state.match)) : std::nullopt;
}

} // namespace

bool State::bind(const Capture &capture, Value *value, const Next &next) {
  if (Value *const *bound = boundIn(match.values_, capture))
    return sameValue(*bound, value) && next();
  return bindIn(match.values_, capture, value, next);
}

bool State::bind(const Number &number, double value, const Next &next) {
  if (const double *bound = boundIn(match.numbers_, number))
    return isNear(value, *bound) && next();
  return bindIn(match.numbers_, number, value, next);
}

bool State::enter(const std::vector<Op *> &ops, const Next &next) {
  match.ops_.insert(match.ops_.end(), ops.begin(), ops.end());
  if (next())
    return true;
  match.ops_.resize(match.ops_.size() - ops.size());
  return false;
}

Value *Match::at(const Capture &capture) const {
  Value *const *bound = boundIn(values_, capture);
  return bound ? *bound : nullptr;
}

double Match::at(const Number &number) const {
  const double *bound = boundIn(numbers_, number);
  ICE_UNLESS(bound, "a pattern has matched without this number");
  return *bound;
}

Pattern::Pattern(double number) : node_(std::make_shared<NumberNode>(number, nullptr)) {}
Pattern::Pattern(const Number &number) : node_(std::make_shared<NumberNode>(0, &number)) {}
Pattern::Pattern(const Capture &capture) : Pattern(any().as(capture)) {}

std::optional<Match> Pattern::match(Value *root) const { return matchRoot(*this, root, true); }
std::optional<Match> Pattern::matchShared(Value *root) const {
  return matchRoot(*this, root, false);
}

// The pattern first, then the question: what the value is makes the question sensible.
Pattern Pattern::where(std::function<bool(Value &)> holds) const {
  return matching([inner = node_, holds = std::move(holds)](Value &v, State &s, const Next &next) {
    return inner->match(v, s, [&] { return holds(v) && next(); });
  });
}

Pattern Pattern::with(const Number &number,
                      std::function<std::optional<double>(Value &)> measure) const {
  auto function = [inner = node_, &number, measure = std::move(measure)](Value &v, State &s,
                                                                         const Next &next) {
    return inner->match(v, s, [&] {
      std::optional<double> measured = measure(v);
      return measured && s.bind(number, *measured, next);
    });
  };
  return matching(std::move(function));
}

Pattern Pattern::as(const Capture &capture) const {
  return matching([inner = node_, &capture](Value &v, State &s, const Next &next) {
    return s.bind(capture, &v, [&] { return inner->match(v, s, next); });
  });
}

Pattern operator|(const Pattern &a, const Pattern &b) {
  return matching([a = a.node(), b = b.node()](Value &v, State &s, const Next &next) {
    return a->match(v, s, next) || b->match(v, s, next);
  });
}

Pattern any() {
  return matching([](Value &, State &, const Next &next) { return next(); });
}
Pattern constant() {
  return any().where([](Value &value) { return constantData(&value) != nullptr; });
}
Pattern maybe(const Pattern &pattern) { return Pattern(std::make_shared<MaybeNode>(pattern)); }
Pattern op(OpKind kind) {
  return Pattern(std::make_shared<OpNode>(kind, true, std::vector<Pattern>()));
}
Pattern op(OpKind kind, std::initializer_list<Pattern> operands) {
  return Pattern(std::make_shared<OpNode>(kind, false, std::vector<Pattern>(operands)));
}
Pattern widened(const Pattern &pattern) {
  return pattern | op(OpKind::Cast, {pattern}).where([](Value &value) {
    DType from = value.definingOp()->operand(0)->type.dtype(), to = value.type.dtype();
    return isFloat(from) && isFloat(to) && dtypeBytes(from) < dtypeBytes(to);
  });
}

Pattern operator+(const Pattern &a, const Pattern &b) {
  return chainOf<SumNode>({{&a, 1}, {&b, 1}});
}
Pattern operator-(const Pattern &a, const Pattern &b) {
  return chainOf<SumNode>({{&a, 1}, {&b, -1}});
}
Pattern operator-(const Pattern &a) { return -1.0 * a; }
Pattern operator*(const Pattern &a, const Pattern &b) {
  return chainOf<ProductNode>({{&a, 1}, {&b, 1}});
}
Pattern operator/(const Pattern &a, const Pattern &b) {
  return chainOf<ProductNode>({{&a, 1}, {&b, -1}});
}

Pattern pow(const Pattern &base, double exponent) {
  auto chain = std::make_shared<ProductNode>();
  bool isRoot = std::abs(exponent) == 0.5;
  for (double left = isRoot ? 1 : std::abs(exponent); left > 0; left--)
    append(*chain, base, std::copysign(isRoot ? 0.5 : 1, exponent));
  return Pattern(chain);
}
Pattern sqrt(const Pattern &x) { return pow(x, 0.5); }
Pattern exp(const Pattern &x) { return op(OpKind::Exp, {x}); }
Pattern log(const Pattern &x) { return op(OpKind::Log, {x}); }
Pattern erf(const Pattern &x) { return op(OpKind::Erf, {x}); }
Pattern tanh(const Pattern &x) { return op(OpKind::Tanh, {x}); }

} // namespace cameo::match
