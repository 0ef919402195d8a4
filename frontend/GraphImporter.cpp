// Names, nodes and constants of graphs; see GraphImporter.h. Calls of functions are in Calls.cpp,
// ops with subgraphs in Subgraphs.cpp.
//
// A node that is not supported does not end the import: its results are poisoned, nodes that use
// them are only checked for being known, and all are reported together.
#include "frontend/GraphImporter.h"

#include "frontend/Expand.h"
#include "frontend/Importer.h"
#include "frontend/NodeOrder.h"
#include "ir/infer/RankRoots.h"
#include "support/Text.h"

#include <algorithm>

namespace cameo {
namespace {

// What is reported at most: a file of nothing but unknown nodes should not print a book.
constexpr int64_t kMaxReported = 1000;

int64_t countNodes(const onnx::GraphProto &graph) {
  int64_t count = graph.node_size();
  for (const onnx::NodeProto &node : graph.node())
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        count += countNodes(attribute.g());
  return count;
}

} // namespace

GraphImporter::GraphImporter(Module &module, const ModelFile &file, bool customOperators)
    : module_(module), file_(file), tensors_(file), build_(module), regionTypes_(module),
      environment_(&root_), customOperators_(customOperators) {
  // Nodes after inlining. Calls may multiply them, a kilobyte of calls by 2^16 and more.
  workLeft_ = 20'000 + 10 * countNodes(file.model.graph());
  for (const onnx::FunctionProto &function : file.model.functions())
    workLeft_ += 10 * function.node_size();
}

const GraphImporter::Bound *GraphImporter::Scope::find(const std::string &name) const {
  for (const Scope *scope = this; scope; scope = scope->parent) {
    auto found = scope->values.find(name);
    if (found != scope->values.end())
      return &found->second;
  }
  return nullptr;
}

const onnx::TypeProto::Tensor *GraphImporter::Scope::findDeclared(const std::string &name) const {
  auto found = declared.find(name);
  bool hasRank = found != declared.end() && found->second->has_tensor_type() &&
                 found->second->tensor_type().has_shape();
  return hasRank ? &found->second->tensor_type() : nullptr;
}

Result<void> GraphImporter::define(Scope &scope, const std::string &name, Bound bound) {
  if (!scope.values.emplace(name, bound).second)
    return badInput("the name " + quote(name) + " is defined twice");
  if (bound.value && bound.value->name.empty())
    bound.value->name = printable(name);
  return {};
}

Error GraphImporter::error(const Site &site, const std::string &message) const {
  return badInput("node " + quote(site.name) + " (" + printable(site.node.op_type()) +
                  "): " + message);
}

void GraphImporter::noteUnsupported(std::string what) {
  if (numUnsupported_++ < kMaxReported)
    unsupported_.push_back(std::move(what));
}

void GraphImporter::noteUnsupported(const Site &site, const Error &error) {
  // Errors of inference name the node already.
  std::string op = printable(site.node.op_type()), reason = error.message;
  for (size_t at; reason.starts_with("node '") && (at = reason.find("): ")) != std::string::npos;)
    reason = reason.substr(at + 3);
  std::string domain = site.domain.empty() ? "" : "domain " + quote(site.domain) + ", ";
  noteUnsupported("node " + quote(site.name) + " (" + op + ", " + domain + "opset " +
                  std::to_string(site.opset) + "): " + reason);
}

Result<void> GraphImporter::checkSupported() const {
  if (numUnsupported_ == 0)
    return {};
  if (numUnsupported_ == 1)
    return unsupported(unsupported_[0]);
  Error error = unsupported("the model has " + std::to_string(numUnsupported_) +
                            " parts that are not supported, the first is " + unsupported_[0]);
  error.notes = unsupported_;
  if (numUnsupported_ > kMaxReported)
    error.notes.push_back("and " + std::to_string(numUnsupported_ - kMaxReported) + " more");
  return error;
}

Result<GraphImporter::Opsets> GraphImporter::readOpsets(const OpsetImports &imports,
                                                        const std::string &what) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto &import : imports) {
    std::string domain = canonicalDomain(import.domain());
    if (!opsets.emplace(domain, import.version()).second)
      return badInput(what + " imports the operator set " + quote(domain) + " twice");
    if (domain.empty() && (import.version() < 1 || import.version() > kNewestOpset))
      return Error{import.version() < 1 ? ErrorKind::BadInput : ErrorKind::Unsupported,
                   what + " needs opset " + std::to_string(import.version()) + ", opsets 1 to " +
                       std::to_string(kNewestOpset) + " are supported",
                   {}};
  }
  return opsets;
}

/// The names that a graph, or one inside it, uses other than as an operand of DequantizeLinear,
/// which is the one operator to which the values of 4-bit constants are all that matters.
void GraphImporter::collectOtherUses(const onnx::GraphProto &graph,
                                     std::set<std::string> &names) const {
  for (const onnx::ValueInfoProto &output : graph.output())
    names.insert(output.name());
  for (const onnx::NodeProto &node : graph.node()) {
    std::string domain = canonicalDomain(node.domain());
    if (node.op_type() != "DequantizeLinear" || !domain.empty() || functionFor(node, domain))
      names.insert(node.input().begin(), node.input().end());
    for (const onnx::AttributeProto &attribute : node.attribute())
      if (attribute.has_g())
        collectOtherUses(attribute.g(), names);
  }
}

Result<void> GraphImporter::importGraph(const onnx::GraphProto &graph, Block &block, Scope &scope) {
  build_.atEnd(block);
  build_.loc = {};
  for (const auto *values : {&graph.value_info(), &graph.output()})
    for (const onnx::ValueInfoProto &value : *values)
      scope.declared[value.name()] = &value.type();
  auto addConstant = [&](const std::string &name, Result<ConstRef> data) -> Result<void> {
    if (!data && data.error().kind == ErrorKind::Unsupported) {
      noteUnsupported(data.error().message);
      return define(scope, name, {nullptr, true});
    }
    return define(scope, name, {build_.constant(TRY(std::move(data)))});
  };
  std::set<std::string> otherUses;
  if (std::any_of(graph.initializer().begin(), graph.initializer().end(),
                  [](const auto &tensor) { return isFourBits(tensor.data_type()); }))
    collectOtherUses(graph, otherUses);
  for (const onnx::TensorProto &tensor : graph.initializer()) {
    bool dequantized = isFourBits(tensor.data_type()) && !otherUses.contains(tensor.name());
    TRY(addConstant(tensor.name(), dequantized ? tensors_.readFourBits(tensor, tensor.name())
                                               : tensors_.read(tensor, tensor.name())));
  }
  for (const onnx::SparseTensorProto &sparse : graph.sparse_initializer())
    TRY(addConstant(sparse.values().name(), tensors_.readSparse(sparse, sparse.values().name())));
  return importNodes(graph.node(), block, scope);
}

Result<void> GraphImporter::importNodes(const Nodes &nodes, Block &block, Scope &scope) {
  // Subgraphs and calls.
  constexpr int kMaxDepth = 64;
  if (depth_ >= kMaxDepth)
    return badInput("subgraphs and function calls nest deeper than " + std::to_string(kMaxDepth) +
                    " levels");
  depth_++;
  for (int i : importOrder(nodes)) {
    Site site = siteOf(nodes, i, scope);
    TRY(charge(site));
    build_.atEnd(block);
    build_.loc = {{site.name}};
    Result<void> imported = importNode(site);
    if (imported)
      continue;
    if (imported.error().kind != ErrorKind::Unsupported)
      return imported;
    noteUnsupported(site, imported.error());
    TRY(poisonResults(site));
  }
  depth_--;
  return {};
}

GraphImporter::Site GraphImporter::siteOf(const Nodes &nodes, int index, Scope &scope) const {
  const onnx::NodeProto &node = nodes[index];
  std::string name =
      node.name().empty() ? node.op_type() + "_" + std::to_string(index) : node.name();
  std::string domain = canonicalDomain(node.domain());
  auto version = environment_->opsets.find(domain);
  int64_t opset = version == environment_->opsets.end() ? 0 : version->second;
  return {node, nodes, scope, printable(environment_->prefix + name), domain, opset};
}

/// Counts a node towards the limit, by its size: copies of a big node are big.
Result<void> GraphImporter::charge(const Site &site) {
  int64_t size = site.node.input_size() + site.node.output_size();
  for (const onnx::AttributeProto &attribute : site.node.attribute())
    size += attribute.ints_size() + attribute.floats_size() + attribute.strings_size() +
            static_cast<int64_t>(attribute.s().size() / 8);
  workLeft_ -= environment_->function ? 1 + size / 16 : 1;
  if (workLeft_ < 0)
    return error(site, "inlining functions makes the model too large");
  return {};
}

/// Unsupported if the node's operator is not one of the op table's.
Result<void> GraphImporter::checkKnown(const Site &site) const {
  if (isExpandedOperator(site.domain, site.node.op_type()))
    return {};
  if (isCustom(site))
    return {};
  if (isExpandedDomain(site.domain))
    return unsupported("the operator is not supported");
  if (!site.domain.empty())
    return unsupported("operators of domain " + quote(site.domain) + " are not supported");
  if (!isKnownOperator(site.node.op_type()))
    return unsupported(isOnnxOperator(site.node.op_type()) ? "the operator is not supported"
                                                           : "there is no such operator in ONNX");
  return {};
}

Result<void> GraphImporter::importNode(Site &site) {
  if (site.node.op_type().empty())
    return error(site, "has no operator");
  std::vector<Bound> inputs = TRY(readInputs(site));
  if (const onnx::FunctionProto *function = functionFor(site.node, site.domain))
    return inlineCall(site, *function, inputs);
  TRY(checkKnown(site));
  if (site.opset == 0 && !isCustom(site))
    return error(site, "no opset of the ONNX operators is imported");
  if (site.poisoned) {
    noteUnknownInside(site);
    return poisonResults(site);
  }
  if (site.domain.empty() && site.node.op_type() == "Constant")
    return importConstant(site);
  if (isCustom(site))
    return importCustom(site, inputs);
  return importOperator(site, inputs);
}

Result<std::vector<GraphImporter::Bound>> GraphImporter::readInputs(Site &site) {
  std::vector<Bound> inputs;
  for (const std::string &name : site.node.input()) {
    const Bound *bound = name.empty() ? nullptr : site.scope.find(name);
    if (!bound && !name.empty())
      return missingInput(site, name);
    inputs.push_back(bound ? *bound : Bound{});
    site.poisoned |= inputs.back().poisoned;
  }
  return inputs;
}

Error GraphImporter::missingInput(const Site &site, const std::string &name) const {
  for (const onnx::NodeProto &node : site.nodes)
    if (std::find(node.output().begin(), node.output().end(), name) != node.output().end())
      return error(site, "input " + quote(name) + " is computed in a cycle");
  return error(site, "input " + quote(name) + " is not defined");
}

Result<void> GraphImporter::importConstant(const Site &site) {
  AttrDict attrs = TRY(readAttributes(site));
  if (std::distance(attrs.begin(), attrs.end()) != 1)
    return error(site, "expected one attribute with the value");
  const auto &[form, attr] = *attrs.begin();
  ConstRef data = constantValue(form, attr);
  if (!data)
    return error(site, "attribute " + quote(form) + " is not a value");
  return bindResults(site, {{build_.constant(std::move(data))}});
}

/// Operands and attributes with a dot in their names are the compiler's own.
Result<void> GraphImporter::refuseInternal(const Site &site, const OldNode &node) {
  auto isInternal = [](const std::string &name) { return name.find('.') != std::string::npos; };
  for (const auto &[name, value] : node.attrs)
    if (isInternal(name))
      return error(site, "unknown attribute " + quote(name));
  std::optional<OpKind> kind = kindFromName(node.op);
  for (size_t i = 0; kind && i < std::min(node.inputs.size(), spec(*kind).inputs.size()); i++)
    if (isInternal(spec(*kind).inputs[i].name))
      return error(site, "expected at most " + std::to_string(i) + " inputs, got " +
                             std::to_string(node.inputs.size()));
  return {};
}

Result<void> GraphImporter::importOperator(const Site &site, const std::vector<Bound> &inputs) {
  OldNode old{site.node.op_type(), site.opset, {}, TRY(readAttributes(site)), {}, {}};
  for (const Bound &input : inputs)
    old.inputs.push_back(input.value);
  while (!old.inputs.empty() && !old.inputs.back())
    old.inputs.pop_back();
  for (int i = 0; i < site.node.output_size(); i++)
    if (!site.node.output(i).empty())
      old.outputs.resize(i + 1), old.outputs[i] = true;
  if (site.domain.empty())
    TRY(refuseInternal(site, old));
  TRY(site.domain.empty() ? upgradeNode(old, build_) : expandOperator(site.domain, old, build_));
  if (!old.results.empty())
    return bindResults(site, boundTo(old.results));
  OpKind kind = *kindFromName(old.op);
  const OpSpec &row = spec(kind);
  int64_t required = std::count_if(row.outputs.begin(), row.outputs.end(), [](const auto &output) {
    return !output.optional && !output.variadic;
  });
  if (std::any_of(row.attributes.begin(), row.attributes.end(),
                  [](const AttrSpec &attribute) { return attribute.kind == "g"; }))
    return bindResults(site, TRY(importControl(site, kind, old)));
  Op *op = TRY(build_.graph(kind, old.inputs, std::move(old.attrs),
                            std::max(required, std::ssize(old.outputs))));
  std::vector<Value *> results;
  for (const std::unique_ptr<Value> &result : op->results())
    results.push_back(result.get());
  return bindResults(site, boundTo(results));
}

std::vector<GraphImporter::Bound> GraphImporter::boundTo(const std::vector<Value *> &values) {
  std::vector<Bound> bounds;
  for (Value *value : values)
    bounds.push_back({value});
  return bounds;
}

/// All attributes but graphs, references to a function's attributes resolved.
Result<AttrDict> GraphImporter::readAttributes(const Site &site) {
  AttrDict attrs;
  std::set<std::string> names;
  for (const onnx::AttributeProto &attribute : site.node.attribute()) {
    if (!names.insert(attribute.name()).second)
      return error(site, "attribute " + quote(attribute.name()) + " is given twice");
    const onnx::AttributeProto *source = TRY(resolve(attribute, site));
    if (!source || source->has_g())
      continue;
    std::string what = "attribute " + quote(attribute.name());
    Result<Attr> value = readAttribute(*source, tensors_, what);
    if (!value)
      return Error{value.error().kind, error(site, value.error().message).message, {}};
    attrs.set(attribute.name(), std::move(*value));
  }
  return attrs;
}

Result<void> GraphImporter::bindResults(const Site &site, const std::vector<Bound> &results) {
  for (int i = 0; i < site.node.output_size(); i++) {
    if (site.node.output(i).empty())
      continue;
    if (static_cast<size_t>(i) >= results.size())
      return error(site, "has " + std::to_string(site.node.output_size()) +
                             " outputs, expected at most " + std::to_string(results.size()));
    Bound bound = results[i];
    if (isUnranked(bound.value) && hasOpenRank(*bound.value))
      bound.value = TRY(asDeclared(site.scope, site.node.output(i), bound.value));
    TRY(define(site.scope, site.node.output(i), bound));
  }
  return {};
}

/// A value of unknown rank with the rank that the model declares, if it does; the run checks that.
/// Declared sizes are not used: more models have wrong ones.
Result<Value *> GraphImporter::asDeclared(const Scope &scope, const std::string &name,
                                          Value *value) {
  const onnx::TypeProto::Tensor *type = scope.findDeclared(name);
  if (!type)
    return value;
  int rank = type->shape().dim_size();
  AttrDict attrs;
  attrs.set("shape", std::vector<int64_t>(rank, -1));
  attrs.set("expected",
            "rank " + std::to_string(rank) + ", which the model declares for " + quote(name));
  return TRY(build_.graph(OpKind::Expect, {value}, std::move(attrs)))->result();
}

Result<void> GraphImporter::poisonResults(const Site &site) {
  for (const std::string &name : site.node.output())
    if (!name.empty())
      TRY(define(site.scope, name, {nullptr, true}));
  return {};
}

} // namespace cameo
