// See Models.h.
#include "Models.h"

#include "ir/OpSpec.h"

#include <cstdlib>
#include <fstream>

namespace cameo::test {

TempFolder::TempFolder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "cameo-test-XXXXXX").string();
  if (!mkdtemp(pattern.data()))
    std::abort();
  path = pattern;
}

TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path, ignored);
}

std::filesystem::path TempFolder::write(const std::string &name, const std::string &bytes) const {
  std::ofstream(path / name, std::ios::binary) << bytes;
  return path / name;
}

Graph &Graph::input(const std::string &name, const std::vector<std::string> &dims, int type) {
  onnx::ValueInfoProto *value = proto->add_input();
  value->set_name(name);
  onnx::TypeProto::Tensor *tensor = value->mutable_type()->mutable_tensor_type();
  tensor->set_elem_type(type);
  tensor->mutable_shape();
  for (const std::string &dim : dims) {
    bool number = !dim.empty() && (std::isdigit(dim[0]) || dim[0] == '-');
    onnx::TensorShapeProto::Dimension *entry = tensor->mutable_shape()->add_dim();
    if (number)
      entry->set_dim_value(std::stoll(dim));
    else if (!dim.empty())
      entry->set_dim_param(dim);
  }
  return *this;
}

Graph &Graph::output(const std::string &name, int type) {
  onnx::ValueInfoProto *value = proto->add_output();
  value->set_name(name);
  if (type)
    value->mutable_type()->mutable_tensor_type()->set_elem_type(type);
  return *this;
}

onnx::TensorProto &Graph::tensor(const std::string &name, int type,
                                 const std::vector<int64_t> &dims) {
  onnx::TensorProto *tensor = proto->add_initializer();
  tensor->set_name(name);
  tensor->set_data_type(type);
  tensor->mutable_dims()->Add(dims.begin(), dims.end());
  return *tensor;
}

Graph &Graph::ints(const std::string &name, const std::vector<int64_t> &values) {
  tensor(name, 7, {static_cast<int64_t>(values.size())})
      .mutable_int64_data()
      ->Add(values.begin(), values.end());
  return *this;
}

Graph &Graph::floats(const std::string &name, const std::vector<int64_t> &dims,
                     const std::vector<float> &values) {
  tensor(name, 1, dims).mutable_float_data()->Add(values.begin(), values.end());
  return *this;
}

onnx::NodeProto &Graph::node(const std::string &op, const std::vector<std::string> &inputs,
                             const std::vector<std::string> &outputs) {
  return addNode(*proto->mutable_node(), op, inputs, outputs);
}

onnx::NodeProto &addNode(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
                         const std::string &op, const std::vector<std::string> &inputs,
                         const std::vector<std::string> &outputs) {
  onnx::NodeProto *node = nodes.Add();
  node->set_op_type(op);
  for (const std::string &input : inputs)
    node->add_input(input);
  for (const std::string &output : outputs)
    node->add_output(output);
  return *node;
}

namespace {
onnx::AttributeProto &add(onnx::NodeProto &node, const std::string &name, int type) {
  onnx::AttributeProto *attribute = node.add_attribute();
  attribute->set_name(name);
  attribute->set_type(type);
  return *attribute;
}
} // namespace

void setInt(onnx::NodeProto &node, const std::string &name, int64_t value) {
  add(node, name, 2).set_i(value);
}
void setInts(onnx::NodeProto &node, const std::string &name, const std::vector<int64_t> &values) {
  add(node, name, 7).mutable_ints()->Add(values.begin(), values.end());
}
void setFloat(onnx::NodeProto &node, const std::string &name, float value) {
  add(node, name, 1).set_f(value);
}
void setFloats(onnx::NodeProto &node, const std::string &name, const std::vector<float> &values) {
  add(node, name, 6).mutable_floats()->Add(values.begin(), values.end());
}
void setString(onnx::NodeProto &node, const std::string &name, const std::string &value) {
  add(node, name, 3).set_s(value);
}
Graph setGraph(onnx::NodeProto &node, const std::string &name) {
  return Graph(*add(node, name, 5).mutable_g());
}
void setReference(onnx::NodeProto &node, const std::string &name, const std::string &attribute) {
  add(node, name, 1).set_ref_attr_name(attribute);
}

Model::Model(int64_t opset) : graph(*proto.mutable_graph()) {
  proto.set_ir_version(8);
  proto.add_opset_import()->set_version(opset);
}

onnx::FunctionProto &Model::function(const std::string &name,
                                     const std::vector<std::string> &inputs,
                                     const std::vector<std::string> &outputs) {
  onnx::FunctionProto *function = proto.add_functions();
  function->set_name(name);
  function->set_domain("local");
  *function->mutable_opset_import() = proto.opset_import();
  for (const std::string &input : inputs)
    function->add_input(input);
  for (const std::string &output : outputs)
    function->add_output(output);
  return *function;
}

Result<std::unique_ptr<Module>> Model::import(const ImportOptions &options) const {
  TempFolder folder;
  return importModel(folder.write("model.onnx", proto.SerializeAsString()), options);
}

std::unique_ptr<Module> Model::ok(const ImportOptions &options) const {
  Result<std::unique_ptr<Module>> module = import(options);
  if (module)
    return std::move(*module);
  ADD_FAILURE() << module.error().message;
  auto empty = std::make_unique<Module>();
  empty->addFunc("main");
  return empty;
}

std::string Model::error(const ImportOptions &options) const {
  Result<std::unique_ptr<Module>> module = import(options);
  if (!module)
    return module.error().message;
  ADD_FAILURE() << "imported";
  return "";
}

namespace {
std::string text(const Attr &attr) {
  if (const int64_t *value = std::get_if<int64_t>(&attr))
    return std::to_string(*value);
  if (const std::string *value = std::get_if<std::string>(&attr))
    return *value;
  if (const DType *value = std::get_if<DType>(&attr))
    return std::string(dtypeName(*value));
  return "..";
}
} // namespace

std::string ops(const Block &block) {
  std::string result;
  for (const std::unique_ptr<Op> &op : const_cast<Block &>(block).ops()) {
    if (op->kind() == OpKind::Constant)
      continue;
    result += (result.empty() ? "" : " ") + std::string(spec(op->kind()).name);
    std::string attrs;
    for (const auto &[name, value] : op->attrs)
      attrs += (attrs.empty() ? "" : ",") + name + "=" + text(value);
    result += attrs.empty() ? "" : "(" + attrs + ")";
  }
  return result;
}

Op &find(const Block &block, std::string_view kind) {
  for (const std::unique_ptr<Op> &op : const_cast<Block &>(block).ops())
    if (spec(op->kind()).name == kind)
      return *op;
  ADD_FAILURE() << "no " << kind << " in " << ops(block);
  std::abort();
}

std::vector<int64_t> contents(const Value *value) {
  Op *maker = value ? value->definingOp() : nullptr;
  if (!maker || maker->kind() != OpKind::Constant)
    return {-99};
  return constInts(*maker->attrs.getConst("value"));
}

std::string resultType(const Module &module) {
  Op *last = module.main().body.terminator();
  return last && last->numOperands() > 0 ? last->operand(0)->type.str() : "";
}

} // namespace cameo::test
