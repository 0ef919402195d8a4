// See ModelParts.h.
#include "frontend/ModelParts.h"

#include "frontend/GraphImporter.h"
#include "frontend/NodeOrder.h"
#include "frontend/ValueTypes.h"

#include <algorithm>

namespace cameo {

using Names = std::set<std::string>;

struct ModelParts::State {
  std::unique_ptr<ModelFile> file;
  std::map<std::string, onnx::TypeProto> types;

  const onnx::GraphProto &graph() const { return file->model.graph(); }
  Names madeBy(const std::vector<int64_t> &nodes) const;
  Names readBy(const std::vector<int64_t> &nodes) const;
  std::optional<std::vector<onnx::ValueInfoProto>> inputsOf(const ModelCut &cut) const;
  void addInitializers(const ModelCut &cut, onnx::GraphProto &to) const;
};

namespace {

/// Operators by domain and name.
using Operators = std::set<std::pair<std::string, std::string>>;
using Nodes = google::protobuf::RepeatedPtrField<onnx::NodeProto>;

void addOperators(const Nodes &nodes, Operators &operators) {
  for (const onnx::NodeProto &node : nodes) {
    operators.emplace(canonicalDomain(node.domain()), node.op_type());
    for (const onnx::AttributeProto &attribute : node.attribute())
      addOperators(attribute.g().node(), operators);
  }
}

/// Adds the model's functions that the graph calls, and those that these call.
void addFunctions(const onnx::ModelProto &from, onnx::ModelProto &to) {
  Operators called;
  addOperators(to.graph().node(), called);
  std::vector<bool> added(static_cast<size_t>(from.functions_size()), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (int i = 0; i < from.functions_size(); i++) {
      const onnx::FunctionProto &function = from.functions(i);
      if (added[i] || !called.contains({canonicalDomain(function.domain()), function.name()}))
        continue;
      *to.add_functions() = function;
      addOperators(function.node(), called);
      added[i] = changed = true;
    }
  }
}

/// Puts the data of tensors into the model: raw data is elsewhere in a ModelFile, and the files
/// beside the model will not be beside the new one.
class Filler {
public:
  explicit Filler(const ModelFile &file) : file_(file), reader_(file) {}

  Result<void> fill(onnx::ModelProto &model) {
    for (onnx::FunctionProto &function : *model.mutable_functions())
      TRY(fill(*function.mutable_node()));
    return fill(*model.mutable_graph());
  }

private:
  Result<void> fill(onnx::GraphProto &graph) {
    for (onnx::TensorProto &tensor : *graph.mutable_initializer())
      TRY(fill(tensor));
    for (onnx::SparseTensorProto &tensor : *graph.mutable_sparse_initializer())
      TRY(fill(tensor));
    return fill(*graph.mutable_node());
  }
  Result<void> fill(Nodes &nodes) {
    for (onnx::NodeProto &node : nodes)
      for (onnx::AttributeProto &attribute : *node.mutable_attribute())
        TRY(fill(attribute));
    return {};
  }
  Result<void> fill(onnx::AttributeProto &attribute) {
    if (attribute.has_t())
      TRY(fill(*attribute.mutable_t()));
    for (onnx::TensorProto &tensor : *attribute.mutable_tensors())
      TRY(fill(tensor));
    if (attribute.has_sparse_tensor())
      TRY(fill(*attribute.mutable_sparse_tensor()));
    return attribute.has_g() ? fill(*attribute.mutable_g()) : Result<void>();
  }
  Result<void> fill(onnx::SparseTensorProto &tensor) {
    TRY(fill(*tensor.mutable_values()));
    return fill(*tensor.mutable_indices());
  }
  Result<void> fill(onnx::TensorProto &tensor) {
    constexpr int kExternal = 1; // TensorProto.DataLocation
    std::span<const std::byte> bytes;
    ConstRef external; // owns the bytes
    if (tensor.has_raw_length()) {
      bytes = TRY(bytesOf(*file_.mapping, tensor.raw_offset(), tensor.raw_length(), tensor.name()));
    } else if (tensor.data_location() == kExternal) {
      external = TRY(reader_.read(tensor, tensor.name()));
      bytes = external->bytes;
    } else {
      return {};
    }
    tensor.set_raw_data(bytes.data(), bytes.size());
    tensor.clear_raw_offset();
    tensor.clear_raw_length();
    tensor.clear_external_data();
    tensor.clear_data_location();
    return {};
  }

  const ModelFile &file_;
  TensorReader reader_;
};

/// Of initialisers whose data is in raw_data.
void makeZeros(onnx::GraphProto &graph, const Names &names) {
  for (onnx::TensorProto &tensor : *graph.mutable_initializer())
    if (names.contains(tensor.name()))
      tensor.mutable_raw_data()->assign(tensor.raw_data().size(), '\0');
}

/// The tensor's sizes with constants replaced.
void replaceSizes(onnx::TypeProto &type, const std::map<int64_t, int64_t> &sizes) {
  for (auto &dim : *type.mutable_tensor_type()->mutable_shape()->mutable_dim())
    if (auto found = sizes.find(dim.dim_value()); dim.has_dim_value() && found != sizes.end())
      dim.set_dim_value(found->second);
}

/// With its element type alone: shapes follow from the inputs'.
onnx::ValueInfoProto outputOf(const std::string &name, const onnx::TypeProto *type) {
  onnx::ValueInfoProto output;
  output.set_name(name);
  if (!type)
    return output;
  *output.mutable_type() = *type;
  if (type->has_tensor_type())
    output.mutable_type()->mutable_tensor_type()->clear_shape();
  return output;
}

} // namespace

Names ModelParts::State::madeBy(const std::vector<int64_t> &nodes) const {
  Names names;
  for (int64_t node : nodes)
    for (const std::string &output : graph().node(static_cast<int>(node)).output())
      names.insert(output);
  names.erase(""); // an output that nobody asks for
  return names;
}

Names ModelParts::State::readBy(const std::vector<int64_t> &nodes) const {
  Names names;
  for (int64_t node : nodes)
    forEachRead(graph().node(static_cast<int>(node)),
                [&](const std::string &name) { names.insert(name); });
  names.erase(""); // an input that is left out
  return names;
}

/// What the cut's nodes read and neither they nor initialisers make; nothing without its type.
std::optional<std::vector<onnx::ValueInfoProto>>
ModelParts::State::inputsOf(const ModelCut &cut) const {
  Names known = madeBy(cut.nodes);
  for (const onnx::TensorProto &tensor : graph().initializer())
    known.insert(tensor.name());
  for (const onnx::SparseTensorProto &tensor : graph().sparse_initializer())
    known.insert(tensor.values().name());
  Names read = readBy(cut.nodes);
  std::vector<std::string> names; // the model's own in its order, then the others
  for (const onnx::ValueInfoProto &input : graph().input())
    if (read.erase(input.name()))
      names.push_back(input.name());
  names.insert(names.end(), read.begin(), read.end());
  std::vector<onnx::ValueInfoProto> inputs;
  for (const std::string &name : names) {
    if (known.contains(name))
      continue;
    auto type = types.find(name);
    if (type == types.end())
      return std::nullopt;
    inputs.emplace_back().set_name(name);
    *inputs.back().mutable_type() = type->second;
    if (type->second.has_tensor_type() && type->second.tensor_type().has_shape())
      replaceSizes(*inputs.back().mutable_type(), cut.sizes);
  }
  return inputs;
}

void ModelParts::State::addInitializers(const ModelCut &cut, onnx::GraphProto &to) const {
  Names read = readBy(cut.nodes);
  for (const onnx::TensorProto &tensor : graph().initializer())
    if (read.contains(tensor.name()))
      *to.add_initializer() = tensor;
  for (const onnx::SparseTensorProto &tensor : graph().sparse_initializer())
    if (read.contains(tensor.values().name()))
      *to.add_sparse_initializer() = tensor;
}

ModelParts::ModelParts(std::unique_ptr<State> state) : state_(std::move(state)) {}
ModelParts::~ModelParts() = default;

Result<std::unique_ptr<ModelParts>> ModelParts::open(const std::filesystem::path &path) {
  auto state = std::make_unique<State>();
  state->file = TRY(openModelFile(path));
  state->types = valueTypes(*state->file);
  return std::unique_ptr<ModelParts>(new ModelParts(std::move(state)));
}

int64_t ModelParts::numNodes() const { return state_->graph().node_size(); }

std::vector<std::string> ModelParts::outputsOf(const std::vector<int64_t> &nodes) const {
  Names read = state_->readBy(nodes), own;
  for (const onnx::ValueInfoProto &output : state_->graph().output())
    own.insert(output.name());
  std::vector<std::string> outputs;
  for (const std::string &name : state_->madeBy(nodes))
    if (own.contains(name) || !read.contains(name))
      outputs.push_back(name);
  return outputs;
}

std::vector<std::string> ModelParts::initializersOf(const ModelCut &cut) const {
  Names read = state_->readBy(cut.nodes);
  std::vector<std::string> names;
  for (const onnx::TensorProto &tensor : state_->graph().initializer())
    if (read.contains(tensor.name()) &&
        (tensor.has_raw_length() || tensor.external_data_size() > 0))
      names.push_back(tensor.name());
  return names;
}

std::set<int64_t> ModelParts::sizesOf(const ModelCut &cut) const {
  ModelCut original = cut;
  original.sizes.clear();
  std::set<int64_t> sizes;
  for (const onnx::ValueInfoProto &input :
       state_->inputsOf(original).value_or(std::vector<onnx::ValueInfoProto>()))
    for (const auto &dim : input.type().tensor_type().shape().dim())
      if (dim.dim_value() > 1)
        sizes.insert(dim.dim_value());
  return sizes;
}

Result<std::optional<std::string>> ModelParts::write(const ModelCut &cut) const {
  const onnx::ModelProto &from = state_->file->model;
  std::optional<std::vector<onnx::ValueInfoProto>> inputs = state_->inputsOf(cut);
  if (!inputs)
    return std::optional<std::string>();
  onnx::ModelProto model;
  model.set_ir_version(from.ir_version());
  *model.mutable_opset_import() = from.opset_import();
  onnx::GraphProto &graph = *model.mutable_graph();
  graph.set_name(from.graph().name());
  for (int64_t node : cut.nodes)
    *graph.add_node() = from.graph().node(static_cast<int>(node));
  for (onnx::ValueInfoProto &input : *inputs)
    *graph.add_input() = std::move(input);
  for (const std::string &name : cut.outputs) {
    auto type = state_->types.find(name);
    *graph.add_output() = outputOf(name, type == state_->types.end() ? nullptr : &type->second);
  }
  state_->addInitializers(cut, graph);
  addFunctions(from, model);
  TRY(Filler(*state_->file).fill(model));
  makeZeros(graph, cut.zeros);
  std::string bytes;
  if (model.ByteSizeLong() > INT32_MAX || !model.SerializeToString(&bytes))
    return badInput("the model is too large to be written as one file");
  return std::optional<std::string>(std::move(bytes));
}

} // namespace cameo
