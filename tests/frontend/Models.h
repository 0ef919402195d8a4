// Small ONNX models for tests, written as protobuf messages.
#pragma once

#include "frontend/Importer.h"
#include "frontend/onnx.pb.h"

#include <gtest/gtest.h>

namespace cameo::test {

/// A folder that lives as long as the test.
class TempFolder {
public:
  TempFolder();
  ~TempFolder();
  std::filesystem::path path;

  std::filesystem::path write(const std::string &name, const std::string &bytes) const;
};

/// Adds nodes, values and tensors to a graph.
class Graph {
public:
  explicit Graph(onnx::GraphProto &proto) : proto(&proto) {}
  onnx::GraphProto *proto;

  /// f32 unless said otherwise; text dims are symbols, "" an unnamed one.
  Graph &input(const std::string &name, const std::vector<std::string> &dims, int type = 1);
  Graph &output(const std::string &name, int type = 0);
  onnx::TensorProto &tensor(const std::string &name, int type, const std::vector<int64_t> &dims);
  Graph &ints(const std::string &name, const std::vector<int64_t> &values);
  Graph &floats(const std::string &name, const std::vector<int64_t> &dims,
                const std::vector<float> &values);
  onnx::NodeProto &node(const std::string &op, const std::vector<std::string> &inputs,
                        const std::vector<std::string> &outputs);
};

onnx::NodeProto &addNode(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
                         const std::string &op, const std::vector<std::string> &inputs,
                         const std::vector<std::string> &outputs);
void setInt(onnx::NodeProto &node, const std::string &name, int64_t value);
void setInts(onnx::NodeProto &node, const std::string &name, const std::vector<int64_t> &values);
void setFloat(onnx::NodeProto &node, const std::string &name, float value);
void setFloats(onnx::NodeProto &node, const std::string &name, const std::vector<float> &values);
void setString(onnx::NodeProto &node, const std::string &name, const std::string &value);
/// Adds an empty subgraph.
Graph setGraph(onnx::NodeProto &node, const std::string &name);
void setReference(onnx::NodeProto &node, const std::string &name, const std::string &attribute);

/// A model of one graph.
struct Model {
  explicit Model(int64_t opset);
  onnx::ModelProto proto;
  Graph graph;

  onnx::FunctionProto &function(const std::string &name, const std::vector<std::string> &inputs,
                                const std::vector<std::string> &outputs);
  Result<std::unique_ptr<Module>> import(const ImportOptions &options = {}) const;
  /// The imported module; fails the test if import did.
  std::unique_ptr<Module> ok(const ImportOptions &options = {}) const;
  /// The message of the error; fails the test if there is none.
  std::string error(const ImportOptions &options = {}) const;
};

/// The ops of a block without Constants: `Flatten(axis=2) Softmax(axis=-1) return`.
std::string ops(const Block &block);
inline std::string ops(const Module &module) { return ops(module.main().body); }
/// The first op of the kind; fails the test if there is none.
Op &find(const Block &block, std::string_view kind);
/// Contents of a Constant.
std::vector<int64_t> contents(const Value *value);
/// Type of the model's only output.
std::string resultType(const Module &module);

} // namespace cameo::test
