// Inputs, sizes, outputs, names and versions of models.
#include "Models.h"

namespace cameo::test {
namespace {

/// y = Relu(x)
struct Relu : Model {
  explicit Relu(const std::vector<std::string> &dims, int64_t opset = 17) : Model(opset) {
    graph.input("x", dims).output("y");
    graph.node("Relu", {"x"}, {"y"});
  }
};

TEST(Importer, NamesAndSizes) {
  std::unique_ptr<Module> module = Relu({"batch size", "3", "", "4"}).ok();
  Func &main = module->main();
  EXPECT_EQ(main.body.arg(0)->name, "x");
  EXPECT_EQ(main.body.arg(0)->type.str(), "f32[batch_size,3,x_2,4]");
  EXPECT_EQ(main.resultNames, std::vector<std::string>{"y"});
  EXPECT_EQ(module->metadata["dim.batch_size"], "batch size");
  EXPECT_EQ(find(main.body, "Relu").loc.str(), "Relu_0");
}

TEST(Importer, SizesThatLookAlikeStayApart) {
  std::unique_ptr<Module> module = Relu({"a b", "a_b", "a b", "max"}).ok();
  EXPECT_EQ(resultType(*module), "f32[a_b,a_b_1,a_b,max_1]");
}

TEST(Importer, FixedSizes) {
  Relu model({"N", "3", "H", "H"});
  ImportOptions byName;
  byName.dims = {{"N", 2}};
  EXPECT_EQ(resultType(*model.ok(byName)), "f32[2,3,H,H]");
  ImportOptions byShape;
  byShape.shapes = {{"x", {1, 3, 5, 5}}};
  EXPECT_EQ(resultType(*model.ok(byShape)), "f32[1,3,5,5]");
}

TEST(Importer, SizesWrittenAsMinusOneAreOpen) {
  Relu model({"-1", "3", "-1", "-1"});
  std::vector<std::string> notes;
  ImportOptions noted;
  noted.notes = &notes;
  std::unique_ptr<Module> module = model.ok(noted);
  EXPECT_EQ(notes,
            (std::vector<std::string>{
                "input 'x': dimension 0 is written as -1: taken for a size left open, 'x_0'",
                "input 'x': dimension 2 is written as -1: taken for a size left open, 'x_2'",
                "input 'x': dimension 3 is written as -1: taken for a size left open, 'x_3'"}));
  EXPECT_EQ(resultType(*module), "f32[x_0,3,x_2,x_3]");
  EXPECT_EQ(module->metadata["dim.x_2"], "x_2");
  ImportOptions byShape;
  byShape.shapes = {{"x", {2, 3, 5, 0}}};
  EXPECT_EQ(resultType(*model.ok(byShape)), "f32[2,3,5,0]");
  ImportOptions byName;
  byName.dims = {{"x_0", 2}, {"x_2", 5}};
  EXPECT_EQ(resultType(*model.ok(byName)), "f32[2,3,5,x_3]");
}

TEST(Importer, ZeroIsASize) {
  std::vector<std::string> notes;
  ImportOptions noted;
  noted.notes = &notes;
  EXPECT_EQ(resultType(*Relu({"0", "N"}).ok(noted)), "f32[0,N]");
  EXPECT_TRUE(notes.empty());
}

TEST(Importer, OptionsThatDoNotFit) {
  Relu model({"N", "3", "H", "H"});
  auto shape = [](std::vector<int64_t> dims) {
    ImportOptions options;
    options.shapes = {{"x", std::move(dims)}};
    return options;
  };
  EXPECT_EQ(model.error(shape({1, 3, 5})),
            "the shape given for input 'x' is [1,3,5], the model says rank 4");
  EXPECT_EQ(model.error(shape({1, 4, 5, 5})),
            "the shape given for input 'x' is [1,4,5,5], the model fixes dimension 1 to 3");
  EXPECT_EQ(model.error(shape({1, 3, 5, 6})),
            "the shape given for input 'x' makes size 'H' 6, elsewhere it is 5");
  ImportOptions unknown;
  unknown.dims = {{"M", 2}};
  EXPECT_EQ(model.error(unknown),
            "a size is given for 'M', which is not a size of the model: 'H', 'N'");
  ImportOptions other;
  other.shapes = {{"z", {1}}};
  EXPECT_EQ(model.error(other),
            "a shape is given for 'z', which is not an input of the model: 'x'");
}

TEST(Importer, BadInputShapes) {
  EXPECT_NE(Relu({"4611686018427387904", "3"}).error().find("is too large"), std::string::npos);
}

TEST(Importer, InitialisersAreNotInputs) {
  Model model(8);
  model.graph.input("x", {"2"}).input("w", {"2"}).output("y");
  model.graph.floats("w", {2}, {1, 2});
  model.graph.node("Add", {"x", "w"}, {"y"});
  EXPECT_EQ(model.ok()->main().body.numArgs(), 1);
}

TEST(Importer, DuplicateNames) {
  Relu model({"2"});
  model.graph.node("Relu", {"x"}, {"y"});
  EXPECT_EQ(model.error(), "the name 'y' is defined twice");
  Relu inputs({"2"});
  inputs.graph.input("x", {"2"});
  EXPECT_EQ(inputs.error(), "input 'x' is there twice");
}

TEST(Importer, MissingValues) {
  Relu model({"2"});
  model.graph.proto->mutable_node(0)->set_input(0, "z");
  EXPECT_EQ(model.error(), "node 'Relu_0' (Relu): input 'z' is not defined");
  Relu output({"2"});
  output.graph.output("z");
  EXPECT_EQ(output.error(), "output 'z' of the model is not computed");
}

/// Attention of a value to itself, as a node of a model.
struct SelfAttention : Model {
  explicit SelfAttention(std::vector<std::string> inputs) : Model(24) {
    graph.input("x", {"1", "2", "3", "4"}).output("y");
    graph.node("Attention", inputs, {"y"});
  }
};

TEST(Importer, WhatOnlyTheCompilerHasIsUnknown) {
  EXPECT_TRUE(SelfAttention({"x", "x", "x"}).import());
  EXPECT_EQ(SelfAttention({"x", "x", "x", "", "", "", "", "x"}).error(),
            "node 'Attention_0' (Attention): expected at most 7 inputs, got 8");
  SelfAttention filled({"x", "x", "x"});
  onnx::AttributeProto &fill = *filled.graph.proto->mutable_node(0)->add_attribute();
  fill.set_name("score.fill");
  fill.set_f(-1);
  EXPECT_EQ(filled.error(), "node 'Attention_0' (Attention): unknown attribute 'score.fill'");
}

TEST(Importer, Cycles) {
  Relu model({"2"});
  model.graph.proto->mutable_node(0)->set_input(0, "z");
  model.graph.node("Relu", {"y"}, {"z"});
  EXPECT_EQ(model.error(), "node 'Relu_1' (Relu): input 'y' is computed in a cycle");
}

TEST(Importer, UnsortedNodes) {
  Relu model({"2"});
  model.graph.proto->mutable_node(0)->set_input(0, "z");
  model.graph.node("Relu", {"x"}, {"z"});
  EXPECT_TRUE(model.import());
}

TEST(Importer, ElementTypes) {
  Model model(17);
  model.graph.input("x", {"2"}).input("i", {"2"}, 7).output("y");
  model.graph.node("Add", {"x", "i"}, {"y"});
  EXPECT_EQ(model.error(), "node 'Add_0' (Add): input B ('i'): expected element type f32 as the "
                           "other inputs have, got i64[2]");
  Relu output({"2"});
  output.graph.proto->clear_output();
  output.graph.output("y", 7);
  EXPECT_EQ(output.error(), "output 'y' is declared as i64[*] and computed as f32[2]");
}

TEST(Importer, Versions) {
  EXPECT_EQ(Relu({"2"}, 29).error(), "the model needs opset 29, opsets 1 to 28 are supported");
  Relu old({"2"});
  old.proto.set_ir_version(2);
  EXPECT_EQ(old.error(), "the model has IR version 2, versions 3 to 14 are supported");
  Relu none({"2"});
  none.proto.mutable_opset_import(0)->set_domain("somewhere");
  EXPECT_EQ(none.error(), "node 'Relu_0' (Relu): no opset of the ONNX operators is imported");
  Relu spelt({"2"});
  spelt.proto.mutable_opset_import(0)->set_domain("ai.onnx");
  EXPECT_EQ(ops(*spelt.ok()), "Relu return");
}

TEST(Importer, Metadata) {
  Relu model({"2"});
  model.proto.set_producer_name("somebody\xff");
  onnx::StringStringEntryProto *entry = model.proto.add_metadata_props();
  entry->set_key("author");
  entry->set_value("me");
  std::unique_ptr<Module> module = model.ok();
  EXPECT_EQ(module->metadata["opset"], "17");
  EXPECT_EQ(module->metadata["ir_version"], "8");
  EXPECT_EQ(module->metadata["producer_name"], "somebody?");
  EXPECT_EQ(module->metadata["property.author"], "me");
}

TEST(Importer, AllUnsupportedNodesAtOnce) {
  Model model(17);
  model.graph.input("x", {"2"}).output("y");
  model.graph.node("Frobnicate", {"x"}, {"a"}).set_name("first");
  model.graph.node("Relu", {"a"}, {"b"});
  onnx::NodeProto &other = model.graph.node("Tree", {"b"}, {"y"});
  other.set_domain("forest");
  Result<std::unique_ptr<Module>> module = model.import();
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().kind, ErrorKind::Unsupported);
  EXPECT_EQ(module.error().message,
            "the model has 2 parts that are not supported, the first is node 'first' (Frobnicate, "
            "opset 17): there is no such operator in ONNX");
  ASSERT_EQ(module.error().notes.size(), 2u);
  EXPECT_EQ(module.error().notes[1],
            "node 'Tree_2' (Tree, domain 'forest', opset 0): operators of domain 'forest' are not "
            "supported");
}

TEST(Importer, UnknownFieldsAreTolerated) {
  Relu model({"2"});
  std::string bytes = model.proto.SerializeAsString();
  bytes += "\xfa\x3f\x03"
           "abc"; // field 1023
  TempFolder folder;
  EXPECT_TRUE(importModel(folder.write("m.onnx", bytes)));
}

TEST(Importer, NamesInMessagesAreOneLine) {
  Relu model({"2"});
  model.graph.proto->mutable_node(0)->set_name("a\nb\xff");
  model.graph.proto->mutable_node(0)->set_input(0, "z");
  EXPECT_EQ(model.error(), "node 'a?b?' (Relu): input 'z' is not defined");
  Relu input({"2"});
  input.graph.input("a\nb", {"2"});
  EXPECT_EQ(input.error(), "input 'a?b' has a control character or invalid UTF-8 in its name");
}

} // namespace
} // namespace cameo::test
