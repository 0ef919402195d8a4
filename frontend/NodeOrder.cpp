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

/// Calls `read` with what a node's inputs and subgraphs name, but for `hidden` names.
void forEachRead(const onnx::NodeProto &node, const Names &hidden,
                 const std::function<void(const std::string &)> &read) {
  auto visit = [&](const std::string &name, const Names &own) {
    if (!own.count(name))
      read(name);
  };
  for (const std::string &input : node.input())
    visit(input, hidden);
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (!attribute.has_g())
      continue;
    Names inside = hidden;
    addOwnNames(attribute.g(), inside);
    for (const onnx::NodeProto &inner : attribute.g().node())
      forEachRead(inner, inside, read);
    for (const onnx::ValueInfoProto &output : attribute.g().output())
      visit(output.name(), inside);
  }
}

/// A node on the walk's stack, and which of its producers come first.
struct Visit {
  int node;
  std::vector<int> producers;
  size_t next = 0;
};

} // namespace

void forEachRead(const onnx::NodeProto &node,
                 const std::function<void(const std::string &)> &read) {
  forEachRead(node, {}, read);
}

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
    forEachRead(nodes[node], [&](const std::string &name) {
      if (auto found = producers.find(name); found != producers.end())
        stack.back().producers.push_back(found->second);
    });
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
