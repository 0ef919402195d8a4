// See NodeOrder.h. A depth-first walk over the nodes' producers, with a stack of its own: graphs
// are as deep as they are long.
#include "frontend/NodeOrder.h"

#include <string_view>
#include <unordered_map>

namespace cameo {
namespace {

using Producers = std::unordered_map<std::string_view, int>;

/// Appends the nodes that make what a node's inputs and subgraphs name. Names that a subgraph
/// defines itself are taken for the outer ones: that only makes the order stricter.
void addProducers(const onnx::NodeProto &node, const Producers &producers, std::vector<int> &out) {
  for (const std::string &input : node.input()) {
    auto found = producers.find(input);
    if (found != producers.end())
      out.push_back(found->second);
  }
  for (const onnx::AttributeProto &attribute : node.attribute()) {
    if (!attribute.has_g())
      continue;
    for (const onnx::NodeProto &inner : attribute.g().node())
      addProducers(inner, producers, out);
    for (const onnx::ValueInfoProto &output : attribute.g().output()) {
      auto found = producers.find(output.name());
      if (found != producers.end())
        out.push_back(found->second);
    }
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
    addProducers(nodes[node], producers, stack.back().producers);
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
