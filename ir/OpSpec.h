// What the op table says about each kind, expanded from ir/ops/*.def: signature, attributes, type
// constraints, inference. The verifier, parser, printer and importer read this; nothing about an op
// is said twice. Evaluators, selectors and emitters, which rows name too, are declared from the
// rows where they are (EvalContext.h, Select.h, KernelFunc.h).
#pragma once

#include "ir/Attr.h"
#include "ir/OpKind.h"
#include "ir/Result.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cameo {

class InferContext;
using InferFn = Result<void> (*)(InferContext &);

enum class Level { Graph, Kernel, Core };

/// What the ops of scalar and loop level are about.
enum class Family {
  None, // an op of another level
  Scalar,
  Region, // only in the regions of kernel-level ops
  Vector,
  Memory,
  Tile,
  Control,
  Frame,
  Team,
};

/// How many operations an op takes, for reports: those that take more, such as products, are
/// counted by kind (tools/ModelCost.cpp).
enum class Flops {
  None,       // it moves or names data, or has regions
  PerResult,  // one for each element of the result
  PerOperand, // one for each element of the first operand
};

/// A formal input or output: `B:T?` is optional, `inputs:T*` variadic, `inputs:T?*` variadic with
/// gaps.
struct FormalSpec {
  std::string name;
  std::string type;
  bool optional = false;
  bool variadic = false;
};

/// `axis:i=0`: name, kind (i f s is fs ss t g) and default.
struct AttrSpec {
  std::string name;
  std::string kind;
  std::optional<Attr> otherwise;
  bool required = false;
};

/// `T: f32|f64`: the element types a type variable allows.
struct ConstraintSpec {
  std::string name;
  std::vector<DType> dtypes;
  bool sequence = false; // a sequence of these
  bool optional = false; // an optional of these
};

struct OpSpec {
  OpKind kind;
  Level level;
  std::string_view name; // in text; for graph ops the ONNX name
  int64_t version = 0;   // ONNX opset whose semantics it has; 0 for what ONNX does not have
  Flops flops = Flops::None;
  std::vector<FormalSpec> inputs, outputs;
  std::vector<ConstraintSpec> constraints;
  std::vector<AttrSpec> attributes;
  InferFn infer = nullptr;
  Family family = Family::None;

  /// nullptr for an attribute that the row does not name.
  const AttrSpec *attribute(std::string_view name) const;
  /// Whether an op may have the attribute: one that the row names, or one of the node's own.
  bool allowsAttribute(std::string_view name) const;
  const ConstraintSpec *constraint(std::string_view name) const;
  /// Whether two evaluations may differ: it draws random numbers.
  bool isRandom() const { return attribute("seed"); }
  /// Number of operands that must be there, and the largest number (-1: any).
  int64_t minOperands() const;
  int64_t maxOperands() const;
};

const OpSpec &spec(OpKind kind);
std::span<const OpSpec> allSpecs();
std::optional<OpKind> kindFromName(std::string_view name);

} // namespace cameo
