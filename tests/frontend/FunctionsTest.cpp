// Model-local functions.
#include "Models.h"

namespace cameo::test {
namespace {

onnx::NodeProto &call(google::protobuf::RepeatedPtrField<onnx::NodeProto> &nodes,
                      const std::string &function, const std::vector<std::string> &inputs,
                      const std::vector<std::string> &outputs) {
  onnx::NodeProto &node = addNode(nodes, function, inputs, outputs);
  node.set_domain("local");
  return node;
}

/// A model whose output is f(x), and what the test makes of f.
struct Calling : Model {
  explicit Calling(int64_t opset = 17) : Model(opset) {
    graph.input("x", {"2"}).output("y");
    node = &call(*graph.proto->mutable_node(), "f", {"x"}, {"y"});
    proto.add_opset_import()->set_domain("local");
  }
  onnx::NodeProto *node;
};

TEST(Functions, AreInlined) {
  Calling model;
  onnx::FunctionProto &f = model.function("f", {"a"}, {"b"});
  addNode(*f.mutable_node(), "Relu", {"a"}, {"x"}); // the name is the function's own
  addNode(*f.mutable_node(), "Neg", {"x"}, {"b"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(ops(*module), "Relu Neg return");
  EXPECT_EQ(find(module->main().body, "Neg").loc.str(), "f_0/Neg_1");
}

TEST(Functions, AttributesAndDefaults) {
  Calling model;
  onnx::FunctionProto &f = model.function("f", {"a"}, {"b"});
  f.add_attribute("slope");
  setReference(addNode(*f.mutable_node(), "LeakyRelu", {"a"}, {"b"}), "alpha", "slope");
  auto alpha = [&] {
    std::unique_ptr<Module> module = model.ok();
    return find(module->main().body, "LeakyRelu").attrs.getFloat("alpha");
  };
  EXPECT_FLOAT_EQ(alpha(), 0.01f);
  onnx::AttributeProto *otherwise = f.add_attribute_proto();
  otherwise->set_name("slope");
  otherwise->set_type(1);
  otherwise->set_f(0.25);
  EXPECT_EQ(alpha(), 0.25);
  setFloat(*model.node, "slope", 0.5);
  EXPECT_EQ(alpha(), 0.5);
  setFloat(*model.node, "tilt", 0.5);
  EXPECT_EQ(model.error(), "node 'f_0' (f): the function has no attribute 'tilt'");
}

TEST(Functions, OpsetOfTheirOwn) {
  Calling model(17);
  onnx::FunctionProto &f = model.function("f", {"a"}, {"b"});
  f.mutable_opset_import(0)->set_version(11);
  setInts(addNode(*f.mutable_node(), "Unsqueeze", {"a"}, {"b"}), "axes", {0});
  EXPECT_EQ(resultType(*model.ok()), "f32[1,2]");
}

TEST(Functions, AbsentInputs) {
  Calling model;
  onnx::FunctionProto &f = model.function("f", {"a", "low", "high"}, {"b"});
  addNode(*f.mutable_node(), "Clip", {"a", "low", "high"}, {"b"});
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(find(module->main().body, "Clip").operand(1), nullptr);
}

TEST(Functions, RecursionIsRefused) {
  Calling model;
  onnx::FunctionProto &f = model.function("f", {"a"}, {"b"});
  call(*f.mutable_node(), "g", {"a"}, {"b"});
  onnx::FunctionProto &g = model.function("g", {"a"}, {"b"});
  call(*g.mutable_node(), "f", {"a"}, {"b"});
  EXPECT_EQ(model.error(), "node 'f_0/g_0/f_0' (f): the function calls itself");
}

TEST(Functions, ExplosionIsRefused) {
  Calling model;
  std::string name = "f";
  for (int level = 0; level < 30; level++) {
    std::string next = "f" + std::to_string(level);
    onnx::FunctionProto &function = model.function(name, {"a"}, {"b"});
    call(*function.mutable_node(), next, {"a"}, {"t"});
    call(*function.mutable_node(), next, {"t"}, {"b"});
    name = next;
  }
  addNode(*model.function(name, {"a"}, {"b"}).mutable_node(), "Relu", {"a"}, {"b"});
  EXPECT_NE(model.error().find("inlining functions makes the model too large"), std::string::npos);
}

TEST(Functions, SeeNothingAround) {
  Calling model;
  onnx::FunctionProto &f = model.function("f", {"a"}, {"b"});
  addNode(*f.mutable_node(), "Add", {"a", "x"}, {"b"});
  EXPECT_EQ(model.error(), "node 'f_0/Add_0' (Add): input 'x' is not defined");
}

TEST(Functions, OutputMustBeComputed) {
  Calling model;
  model.function("f", {"a"}, {"b"});
  EXPECT_EQ(model.error(), "node 'f_0' (f): the function does not compute its output 'b'");
}

} // namespace
} // namespace cameo::test
