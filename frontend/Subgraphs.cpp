// Nodes with subgraphs, as ops with regions.
#include "frontend/GraphImporter.h"
#include "ir/infer/Infer.h"
#include "ir/infer/RankRoots.h"
#include "support/Text.h"

namespace cameo {
namespace {

/// The first of the values a region yields that is a result: a Loop's condition is none.
int64_t firstYieldedResult(const Op &op) { return spec(op.kind()).name == "Loop" ? 1 : 0; }

} // namespace

Result<std::vector<const onnx::GraphProto *>> GraphImporter::subgraphs(const Site &site,
                                                                       const OpSpec &row) const {
  std::vector<const onnx::GraphProto *> graphs;
  for (const AttrSpec &wanted : row.attributes) {
    if (wanted.kind != "g")
      continue;
    const onnx::GraphProto *graph = nullptr;
    for (const onnx::AttributeProto &attribute : site.node.attribute())
      if (attribute.name() == wanted.name && attribute.has_g())
        graph = &attribute.g();
    if (!graph)
      return error(site, "attribute " + quote(wanted.name) + " is missing or no graph");
    graphs.push_back(graph);
  }
  return graphs;
}

Result<std::vector<GraphImporter::Bound>> GraphImporter::importControl(const Site &site,
                                                                       OpKind kind, OldNode &old) {
  std::vector<const onnx::GraphProto *> graphs = TRY(subgraphs(site, spec(kind)));
  std::optional<bool> condition =
      kind == OpKind::If && !old.inputs.empty() ? knownCondition(old.inputs[0]) : std::nullopt;
  if (condition)
    return importBranch(*graphs[*condition ? 0 : 1], site);
  Op *op = nullptr;
  if (kind == OpKind::Scan && old.opset < 9) {
    op = TRY(importBatchedScan(*graphs[0], old, site));
  } else {
    op = build_.create(kind, old.inputs, {}, std::move(old.attrs),
                       static_cast<int64_t>(graphs.size()));
    op = TRY(completeControl(op, graphs, site));
  }
  if (!op)
    return std::vector<Bound>(site.node.output_size(), Bound{nullptr, true});
  std::vector<Bound> results;
  for (const std::unique_ptr<Value> &result : op->results())
    results.push_back({result.get()});
  return results;
}

/// Imports the bodies of an op and infers it: nullptr, and the op is gone, if a result depends on
/// what is not supported.
Result<Op *> GraphImporter::completeControl(Op *op,
                                            const std::vector<const onnx::GraphProto *> &graphs,
                                            const Site &site) {
  Block &block = *op->block();
  bool complete = true;
  for (size_t i = 0; i < graphs.size(); i++)
    complete &= TRY(importBody(*graphs[i], *op, static_cast<int64_t>(i), site));
  build_.atEnd(block);
  if (!complete) {
    op->erase();
    return static_cast<Op *>(nullptr);
  }
  return inferControl(op);
}

/// Gives an op with complete regions its results.
Result<Op *> GraphImporter::inferControl(Op *op) {
  // The node may name fewer outputs than there are.
  for (int64_t i = firstYieldedResult(*op); i < op->region(0).terminator()->numOperands(); i++)
    op->addResult(Type());
  Result<void> inferred = regionTypes_.settle(*op);
  if (inferred)
    inferred = inferOp(module_, *op);
  if (inferred)
    return op;
  op->erase();
  return inferred.error();
}

/// Opset 8 scanned each sequence of a batch, dimension 1 being time: a Scan over dimension 0 of
/// Scans over what was dimension 1.
Result<Op *> GraphImporter::importBatchedScan(const onnx::GraphProto &graph, OldNode &old,
                                              const Site &site) {
  if (old.inputs.empty() || old.inputs[0])
    return unsupported("sequence lengths are not supported in opset 8");
  old.inputs.erase(old.inputs.begin());
  AttrDict outerAttrs, innerAttrs;
  outerAttrs.set("num_scan_inputs", static_cast<int64_t>(old.inputs.size()));
  for (const auto &[name, value] : old.attrs)
    innerAttrs.set(name == "directions" ? "scan_input_directions" : name, value);
  Op *outer = build_.create(OpKind::Scan, old.inputs, {}, std::move(outerAttrs), 1);
  Block &body = outer->region();
  std::vector<Value *> arguments;
  for (Type &type : TRY(RegionTypes::arguments(*outer, 0)))
    arguments.push_back(body.addArg(std::move(type)));
  build_.atEnd(body);
  Op *inner = build_.create(OpKind::Scan, arguments, {}, std::move(innerAttrs), 1);
  Result<Op *> completed = completeControl(inner, {&graph}, site);
  build_.atEnd(*outer->block());
  if (!completed || !*completed) {
    outer->erase();
    return completed;
  }
  std::vector<Value *> results;
  for (const std::unique_ptr<Value> &result : inner->results())
    results.push_back(result.get());
  build_.atEnd(body);
  build_.create(OpKind::LoopYield, std::move(results), {});
  build_.atEnd(*outer->block());
  return inferControl(outer);
}

/// The branch that a known condition takes, in place of the If. What the other would do does not
/// matter: exporters leave branches that cannot work.
Result<std::vector<GraphImporter::Bound>> GraphImporter::importBranch(const onnx::GraphProto &graph,
                                                                      const Site &site) {
  if (graph.input_size() > 0)
    return error(site, "the subgraph " + quote(graph.name()) + " has inputs, expected none");
  Scope scope;
  scope.parent = &site.scope;
  TRY(importGraph(graph, *build_.block(), scope));
  return bodyResults(graph, scope, site);
}

Result<std::vector<GraphImporter::Bound>> GraphImporter::bodyResults(const onnx::GraphProto &graph,
                                                                     const Scope &scope,
                                                                     const Site &site) const {
  std::vector<Bound> results;
  for (const onnx::ValueInfoProto &output : graph.output()) {
    const Bound *bound = scope.find(output.name());
    if (!bound || !(bound->value || bound->poisoned))
      return error(site, "output " + quote(output.name()) + " of the subgraph " +
                             quote(graph.name()) + " is not computed");
    results.push_back(*bound);
  }
  return results;
}

Result<bool> GraphImporter::importBody(const onnx::GraphProto &graph, Op &op, int64_t region,
                                       const Site &site) {
  Block &body = op.region(region);
  std::vector<Type> types = TRY(RegionTypes::arguments(op, region));
  if (static_cast<size_t>(graph.input_size()) != types.size())
    return error(site, "the subgraph " + quote(graph.name()) + " has " +
                           std::to_string(graph.input_size()) + " inputs, expected " +
                           std::to_string(types.size()));
  Scope scope;
  scope.parent = &site.scope;
  for (int i = 0; i < graph.input_size(); i++) {
    const std::string &name = graph.input(i).name();
    TRY(define(scope, name, {body.addArg(std::move(types[i]), printable(name))}));
  }
  TRY(importGraph(graph, body, scope));
  build_.atEnd(body);
  build_.loc = op.loc;
  std::vector<Value *> results;
  for (const Bound &bound : TRY(bodyResults(graph, scope, site))) {
    if (bound.poisoned)
      return false;
    results.push_back(bound.value);
    // Values that are stacked must have one rank in all iterations; so must a Scan's states.
    int64_t i = std::ssize(results) - 1;
    bool hasOneRank =
        op.kind() == OpKind::Scan || (op.kind() == OpKind::Loop && i >= body.numArgs() - 1);
    if (hasOneRank && isUnranked(bound.value))
      results.back() =
          TRY(asDeclared(scope, graph.output(static_cast<int>(i)).name(), bound.value));
  }
  build_.create(OpKind::LoopYield, std::move(results), {});
  return true;
}

/// Notes nodes of unknown operators in the subgraphs of a node that is not imported.
void GraphImporter::noteUnknownInside(Site &site) {
  for (const onnx::AttributeProto &attribute : site.node.attribute())
    for (int i = 0; i < attribute.g().node_size(); i++) {
      Site inner = siteOf(attribute.g().node(), i, site.scope);
      if (!functionFor(inner.node, inner.domain))
        if (Result<void> known = checkKnown(inner); !known)
          noteUnsupported(inner, known.error());
      noteUnknownInside(inner);
    }
}

} // namespace cameo
