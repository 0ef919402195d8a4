// The walk over a model's graphs: nodes to ops, names to values, subgraphs to regions, calls of
// model-local functions to their bodies.
#pragma once

#include "frontend/Tensors.h"
#include "frontend/Upgrade.h"
#include "ir/infer/RegionTypes.h"

#include <set>
#include <unordered_map>

namespace cameo {

class GraphImporter {
public:
  GraphImporter(Module &module, const ModelFile &file, bool customOperators);

  /// A name's meaning in a scope. Neither: an optional input that was not given.
  struct Bound {
    Value *value = nullptr;
    bool poisoned = false; // depends on a node that is not supported
  };
  /// The values a graph sees by name: its own, then those of the graphs around it.
  struct Scope {
    const Scope *parent = nullptr;
    std::unordered_map<std::string, Bound> values;
    /// What the model declares the types of the scope's own values to be.
    std::unordered_map<std::string, const onnx::TypeProto *> declared;

    const Bound *find(const std::string &name) const;
    /// The declared type of an own tensor, if that has a rank.
    const onnx::TypeProto::Tensor *findDeclared(const std::string &name) const;
  };

  /// Tells the names that inputs give to sizes, which declared types of other values may mention.
  void knowSizes(std::map<std::string, Dim> sizes) { sizes_ = std::move(sizes); }
  /// Reads the model's opset imports and functions. To be called first.
  Result<void> addFunctions();
  /// Binds the values a graph is given, then imports initialisers and nodes into `block`.
  Result<void> importGraph(const onnx::GraphProto &graph, Block &block, Scope &scope);
  /// Gives a name a value; an error if the scope's graph has given it one.
  Result<void> define(Scope &scope, const std::string &name, Bound bound);
  /// Notes something that is not supported; import goes on to find the others.
  void noteUnsupported(std::string what);
  /// The error that names everything noted, if anything was.
  Result<void> checkSupported() const;

private:
  using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;
  using OpsetImports = google::protobuf::RepeatedPtrField<onnx::OperatorSetIdProto>;
  /// Versions of operator sets, by domain ("" for ONNX's own).
  using Opsets = std::unordered_map<std::string, int64_t>;
  /// What a node's meaning depends on besides its scope: the model, or a function being inlined.
  struct Environment {
    Opsets opsets;
    std::string prefix; // of node names
    /// Attributes of the call by name.
    std::map<std::string, const onnx::AttributeProto *> attributes;
    const onnx::FunctionProto *function = nullptr;
    const Environment *caller = nullptr;
  };
  /// A node being imported.
  struct Site {
    const onnx::NodeProto &node;
    const Nodes &nodes; // it is one of
    Scope &scope;
    std::string name;
    std::string domain;
    int64_t opset;
    bool poisoned = false; // some input is
  };

  static Result<Opsets> readOpsets(const OpsetImports &imports, const std::string &what);

  void collectOtherUses(const onnx::GraphProto &graph, std::set<std::string> &names) const;
  Result<void> importNodes(const Nodes &nodes, Block &block, Scope &scope);
  Result<void> importNode(Site &site);
  Result<std::vector<Bound>> readInputs(Site &site);
  Result<void> importConstant(const Site &site);
  Result<void> refuseInternal(const Site &site, const OldNode &node);
  Result<void> importOperator(const Site &site, const std::vector<Bound> &inputs);
  Result<void> importCustom(const Site &site, const std::vector<Bound> &inputs);
  Result<void> declareResult(const Site &site, const std::string &output, AttrDict &attrs) const;
  Result<Value *> asDeclared(const Scope &scope, const std::string &name, Value *value);
  Result<std::vector<Bound>> importControl(const Site &site, OpKind kind, OldNode &old);
  Result<Op *> completeControl(Op *op, const std::vector<const onnx::GraphProto *> &graphs,
                               const Site &site);
  Result<Op *> inferControl(Op *op);
  Result<Op *> importBatchedScan(const onnx::GraphProto &graph, OldNode &old, const Site &site);
  Result<std::vector<Bound>> importBranch(const onnx::GraphProto &graph, const Site &site);
  Result<std::vector<Bound>> bodyResults(const onnx::GraphProto &graph, const Scope &scope,
                                         const Site &site) const;
  Result<std::vector<const onnx::GraphProto *>> subgraphs(const Site &site,
                                                          const OpSpec &row) const;
  /// false if a result depends on what is not supported.
  Result<bool> importBody(const onnx::GraphProto &graph, Op &op, int64_t region, const Site &site);
  Result<void> inlineCall(const Site &site, const onnx::FunctionProto &function,
                          const std::vector<Bound> &inputs);
  Result<void> bindCallAttributes(const Site &site, const onnx::FunctionProto &function,
                                  Environment &environment) const;
  Result<const onnx::AttributeProto *> resolve(const onnx::AttributeProto &attribute,
                                               const Site &site) const;
  Result<AttrDict> readAttributes(const Site &site);
  Result<void> bindResults(const Site &site, const std::vector<Bound> &results);
  static std::vector<Bound> boundTo(const std::vector<Value *> &values);
  Result<void> poisonResults(const Site &site);
  const onnx::FunctionProto *functionFor(const onnx::NodeProto &node,
                                         const std::string &domain) const;
  Result<void> charge(const Site &site);
  void noteUnknownInside(Site &site);

  Result<void> checkKnown(const Site &site) const;
  /// Whether the node is an operator of the user's own.
  bool isCustom(const Site &site) const;
  Site siteOf(const Nodes &nodes, int index, Scope &scope) const;
  Error missingInput(const Site &site, const std::string &name) const;
  Error error(const Site &site, const std::string &message) const;
  void noteUnsupported(const Site &site, const Error &error);

  Module &module_;
  const ModelFile &file_;
  TensorReader tensors_;
  Builder build_;
  RegionTypes regionTypes_;
  Environment root_;
  const Environment *environment_; // of the nodes being imported
  std::map<std::tuple<std::string, std::string, std::string>, const onnx::FunctionProto *>
      functions_;
  bool customOperators_;
  std::map<std::string, Dim> sizes_; // by the user's name
  std::vector<std::string> unsupported_;
  int64_t numUnsupported_ = 0;
  int64_t workLeft_;
  int depth_ = 0;
};

/// The domain, "" for both spellings of ONNX's own.
std::string canonicalDomain(const std::string &domain);
/// The constant that an attribute of a Constant node stands for; nullptr if it is not one of the
/// forms that ONNX has.
ConstRef constantValue(const std::string &form, const Attr &attribute);
/// An attribute's value if it is of a kind that operators' attributes have: everything but graphs.
Result<Attr> readAttribute(const onnx::AttributeProto &attribute, TensorReader &tensors,
                           const std::string &what);

} // namespace cameo
