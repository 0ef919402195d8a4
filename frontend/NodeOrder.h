// What nodes read, and the order in which a graph's nodes are imported. ONNX asks for nodes sorted
// by what they need; some tools write them otherwise (ONNX Runtime's half-precision converter
// appends casts), and other runtimes take it.
#pragma once

#include "frontend/onnx.pb.h"

#include <functional>
#include <string>
#include <vector>

namespace cameo {

/// Indices of the nodes, each after those whose results it or its subgraphs use, otherwise in the
/// order they are in. Nodes in a cycle come in some order.
std::vector<int> importOrder(const google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes);

/// Calls `read` with each value of the graph around that a node's inputs and subgraphs name.
void forEachRead(const onnx::NodeProto &node, const std::function<void(const std::string &)> &read);

} // namespace cameo
