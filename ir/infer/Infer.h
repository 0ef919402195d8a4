// Type and shape inference of graph ops: one pure function a rule, named by the op table's rows;
// many ops share one. A rule reads operand types, attributes and known contents, reports what the
// user got wrong, and sets result types, and `known` contents of small integer results.
//
// Rules see only valid arity, attribute kinds and element types: the driver checked them against
// the op table, and filled in default attributes.
#pragma once

#include "ir/Module.h"
#include "ir/OpSpec.h"
#include "ir/Result.h"
#include "ir/infer/FreshSymbols.h"
#include "ir/infer/Requirement.h"

#include <optional>

namespace cameo {

class InferContext {
public:
  /// `requirements`, where given, is told what the rule requires of sizes.
  InferContext(Module &module, Op &op, std::vector<Requirement> *requirements = nullptr);

  Module &module;
  Op &op;

  bool has(int64_t i) const { return op.operand(i) != nullptr; }
  /// Whether all tensor operands have a known rank; true in rules that the driver calls only then.
  bool ranked() const;
  /// The type of operand i, which must be there.
  const Type &in(int64_t i) const { return op.operand(i)->type; }
  /// Operand i as messages call it: `input W ('conv1.weight')`.
  std::string name(int64_t i) const;
  /// The data of operand i if it is a Constant, else nullptr.
  ConstRef constant(int64_t i) const;
  /// The elements of integer operand i (rank 0 or 1) if known, from a constant or by inference.
  std::optional<Dims> known(int64_t i) const;
  /// The same if all elements are constants.
  std::optional<std::vector<int64_t>> knownInts(int64_t i) const;

  /// Sets result i's type; ignored if the op has no such result. The driver gave results already
  /// the element type the op table implies, and unknown rank.
  void out(int64_t i, Type type);
  void outShape(int64_t i, Dims shape);
  /// Sets the contents of integer result i (rank 0 or 1), unless an element overflowed.
  void outKnown(int64_t i, Dims elements);
  /// A dim of unknown size, given a fresh symbol; inferring the same op again gives the same.
  Dim freshDim() { return fresh_.make(); }
  /// Names the fresh dims: for the driver, after the rule.
  void settleSymbols() { fresh_.settle(module, op); }

  /// An error naming the op's node: `node 'Conv_12' (Conv): <message>`.
  Error error(const std::string &message) const;

  /// Requires a relation of two sizes: an error if no sizes fulfil it, else a check at run time if
  /// it does not hold for all. `text` is as in Requirement. Sizes that the op itself makes
  /// (freshDim) are for the code that makes them to check.
  Result<void> require(Relation relation, const Dim &a, const Dim &b,
                       const std::string &text) const;

private:
  FreshSymbols fresh_;
  std::vector<Requirement> *requirements_;
};

/// Largest number of elements whose contents inference follows.
constexpr int64_t kMaxKnown = 1024;
/// The elements of a small integer or bool constant of rank 0 or 1.
std::optional<Dims> knownElements(const ConstRef &data);

/// Checks arity, attributes and element types against the op table, fills in default attributes and
/// runs the op's rule. An unranked operand makes results unranked unless the rule handles it.
Result<void> inferOp(Module &module, Op &op);

/// What is wrong with the sizes of a tensor, after its name: negative, overflowing, or 2^63 bytes
/// and more; nothing if all is well.
std::optional<std::string> impossibleSizes(const Type &type);

/// Keeps what inference overwrites of an op, and puts it back: for whoever only asks.
class KeptTypes {
public:
  explicit KeptTypes(Op &op);
  ~KeptTypes();
  KeptTypes(const KeptTypes &) = delete;
  KeptTypes &operator=(const KeptTypes &) = delete;

  const std::vector<Type> &types() const { return types_; }

private:
  Op &op_;
  std::vector<Type> types_;
  std::vector<std::optional<Dims>> known_;
  AttrDict attrs_;
};

/// `a` broadcast with `b` as in numpy; nothing if two constants disagree. A symbol against a
/// constant other than 1 takes the constant.
std::optional<Dim> broadcastDim(const Dim &a, const Dim &b);
std::optional<Dims> broadcastShapes(const Dims &a, const Dims &b);
/// axis in [-rank, rank) made non-negative; nothing if outside.
std::optional<int64_t> normalizeAxis(int64_t axis, int64_t rank);

// The rules; the op table names them without the prefix `infer`.
#define GRAPH_OP(kind, version, flops, ins, outs, constraints, attrs, rule, evaluator, selector)   \
  Result<void> infer##rule(InferContext &);
#include "ir/ops/Ops.def"

} // namespace cameo
