// See NodeOrder.h. A depth-first walk over the nodes' producers, with a stack of its own: graphs
// are as deep as they are long.
#include "frontend/NodeOrder.h"

#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace cameo {
namespace {

using Producers = std::unordered_map<std::string_view, int>;
using Names = std::unordered_set<std::string_view>;

/// Adds what a graph defines itself. Inside it such a name is never one of the graphs around, not
/// even where a node outside makes the same name later.
void addOwnNames(const onnx::GraphProto &graph, Names &names) {
  for (const onnx::ValueInfoProto &input : graph.input())
    names.insert(input.name());
  for (const onnx::TensorProto &initializer : graph.initializer())
    names.insert(initializer.name());
  for (const onnx::SparseTensorProto &initializer : graph.sparse_initializer())
    names.insert(initializer.values().name());
  for (const onnx::NodeProto &node : graph.node())
    names.insert(node.output().begin(), node.output().end());
}

/// Appends the nodes that make what a node's inputs and subgraphs name, but for `hidden` names.
void addProducers(const onnx::NodeProto &node, const Producers &producers, const Names &hidden,
                  std::vector<int> &out) {
  auto add = [&](const std::string &name, const Names &own) {
    auto found = producers.find(name);
    if (found != producers.end() && !own.count(name))
      out.push_back(found->second);
  };
  for (const std::string &input : node.input())
    add(input, hidden);
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (!attribute.has_g())
      continue;
    Names inside = hidden;
    addOwnNames(attribute.g(), inside);
    for (const onnx::NodeProto &inner : attribute.g().node())
      addProducers(inner, producers, inside, out);
    for (const onnx::ValueInfoProto &output : attribute.g().output())
      add(output.name(), inside);
  }
}

/// A node on the walk's stack, and which of its producers come first.
struct Visit {
  int node;
  std::vector<int> producers;
  size_t next = 0;
};

} // namespace

std::vector<int> importOrder(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes) {
  Producers producers;
  for (int i = 0; i < nodes.size(); i++)
    for (const std::string &output : nodes[i].output())
      if (!output.empty())
        producers.try_emplace(output, i);
  std::vector<int> order;
  std::vector<bool> seen(nodes.size(), false);
  std::vector<Visit> stack;
  auto enter = [&](int node) {
    seen[node] = true;
    stack.push_back({node, {}});
    addProducers(nodes[node], producers, {}, stack.back().producers);
  };
  for (int i = 0; i < nodes.size(); i++) {
    if (!seen[i])
      enter(i);
    while (!stack.empty()) {
      Visit &top = stack.back();
      if (top.next == top.producers.size()) {
        order.push_back(top.node);
        stack.pop_back();
      } else if (int producer = top.producers[top.next++]; !seen[producer]) {
        enter(producer);
      }
    }
  }
  return order;
}

} // namespace cameo
